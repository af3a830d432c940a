/**
 * The evidence of a surge, gathered at its opening: who met it, what its errors share that those before did not, whether
 * other codes rose too, how likely it is that chance did it. Only stored, redacted values are looked at.
 *
 * An opening waits for none of it: every read is bounded in rows and time, all openings of a run share one budget, and
 * what could not be read is named in the evidence instead.
 */
import type { Transition } from '../detect/detector.ts';
import { falseAlarmsPerCodeDay } from '../detect/settings.ts';
import type { StretchSum } from '../detect/stretch.ts';
import type { WatchedSeries } from '../envelope/series-key.ts';
import { dominantDetail } from './dominant-detail.ts';
import type { ErrorSample, EvidenceReader, SampledError, TrafficStore } from './ports.ts';
import type { EvidencePart, SpikeEvidence } from './spike.ts';
import { BUCKET_MS } from './spike-life.ts';
import { trafficEvidence } from './traffic-evidence.ts';
import { WATERMARK_LAG_MS } from './watermark.ts';

/** For all openings of one run. */
const BUDGET_MS = 3_000;
/** For one read. The requests come first and decide the status of the alert, so that they may take longer. */
const REQUESTS_MS = 1_000;
const PART_MS = 400;
const SAMPLE_COUNT = 400;
/** Errors looked at for their clients. */
const CLIENT_ROW_COUNT = 3_000;
const SHOWN_REQUEST_COUNT = 3;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const DAYS_PER_YEAR = 365;
/** The onset is an estimate: what came just before it may belong to the surge already, and is no baseline. */
const ONSET_DOUBT_MS = 2 * 60_000;
/** Days whose same time of day is looked at: yesterday, and the same day of the week. */
const EARLIER_DAYS = [1, 7] as const;

/** What the detector knows of codes, asked at an opening. */
export interface Outlook {
  activeCodeCount(): number;
  /** All other codes together, in the last hour; null when nothing is known of them. */
  sumOthers(code: string, fromSeconds: number, toSeconds: number): StretchSum | null;
}

export interface EvidenceDeps {
  readonly reader: EvidenceReader;
  readonly traffic: Pick<TrafficStore, 'readTraffic'>;
  readonly outlook: Outlook;
  readonly monotonicMs: () => number;
}

export interface Gathered {
  readonly evidence: SpikeEvidence;
  /** The commonest of the sampled errors; undefined: none was sampled. */
  readonly status: number | null | undefined;
}

/** Gathers for one run after the other opening, within one budget. @throws StoreUnavailable while the database is away. */
export function createEvidence({ reader, traffic, outlook, monotonicMs }: EvidenceDeps) {
  const endMs = monotonicMs() + BUDGET_MS;
  const within = (mostMs: number) => Math.min(mostMs, endMs - monotonicMs());

  async function sample(where: Omit<ErrorSample, 'limit' | 'timeoutMs'>, mostMs: number) {
    const timeoutMs = within(mostMs);
    return timeoutMs <= 0 ? null : await reader.sampleErrors({ ...where, limit: SAMPLE_COUNT, timeoutMs });
  }

  async function sampleBefore(series: WatchedSeries, quietMs: number): Promise<readonly (readonly SampledError[])[] | null> {
    const stretches = [
      { fromMs: quietMs - HOUR_MS, toMs: quietMs },
      ...EARLIER_DAYS.map((days) => ({
        fromMs: quietMs - days * DAY_MS - HOUR_MS / 2,
        toMs: quietMs - days * DAY_MS + HOUR_MS / 2,
      })),
    ];
    const before: (readonly SampledError[])[] = [];
    for (const stretch of stretches) {
      const errors = await sample({ ...series, ...stretch }, PART_MS);
      if (errors === null) return null;
      before.push(errors);
    }
    return before;
  }

  async function countClients(series: WatchedSeries, { quietMs, startMs, endsMs }: Moments) {
    const count = async (fromMs: number, toMs: number) => {
      const timeoutMs = within(PART_MS);
      return timeoutMs <= 0 ? null : await reader.countClients({ ...series, fromMs, toMs, limit: CLIENT_ROW_COUNT, timeoutMs });
    };
    const since = await count(startMs, endsMs);
    const before = since === null || since.count === 0 ? since : await count(quietMs - HOUR_MS, quietMs);
    return since === null || before === null ? null : { ...since, hourBeforeCount: before.count };
  }

  return async function gather(series: WatchedSeries, transition: Transition): Promise<Gathered> {
    const moments = momentsOf(transition);
    const { quietMs, startMs, endsMs } = moments;
    const span = { startSeconds: transition.startsAtSeconds, endSeconds: transition.bucketStartSeconds + BUCKET_MS / 1000 };
    const missing: EvidencePart[] = [];
    const noted = <T>(part: EvidencePart, found: T | null): T | null => {
      if (found === null) missing.push(part);
      return found;
    };
    const during = noted('requests', await sample({ ...series, fromMs: startMs, toMs: endsMs }, REQUESTS_MS)) ?? [];
    const before = noted('detail', missing.length > 0 ? null : await sampleBefore(series, quietMs));
    const clients = noted('clients', await countClients(series, moments));
    return {
      status: commonestStatus(during),
      evidence: {
        requestIds: during.slice(0, SHOWN_REQUEST_COUNT).map(({ requestId }) => requestId),
        dominantDetail:
          before === null
            ? null
            : dominantDetail({
                errors: during.map(valuesOf),
                usualRatio: transition.observed > 0 ? transition.expected / transition.observed : 1,
                before: before.map((errors) => errors.map(valuesOf)),
              }),
        winner: transition.winner ?? null,
        falseAlarmsPerYear: falseAlarmsPerCodeDay(transition.score, BUCKET_MS / 1000) * outlook.activeCodeCount() * DAYS_PER_YEAR,
        clients: clients === null || clients.count === 0 ? null : clients,
        otherCodes: outlook.sumOthers(series.code, transition.startsAtSeconds, transition.bucketStartSeconds + BUCKET_MS / 1000),
        traffic: trafficEvidence(await traffic.readTraffic(span), span, transition),
        missing,
      },
    };
  };
}

interface Moments {
  /** Before it, nothing belongs to the surge. */
  readonly quietMs: number;
  /** The estimated onset. */
  readonly startMs: number;
  readonly endsMs: number;
}

function momentsOf({ bucketStartSeconds, startsAtSeconds, winner }: Transition): Moments {
  const startMs = startsAtSeconds * 1000;
  const evaluatedMs = bucketStartSeconds * 1000 + BUCKET_MS;
  const windowStartMs = evaluatedMs - (winner?.windowSeconds ?? 0) * 1000;
  return {
    quietMs: Math.min(startMs, windowStartMs) - ONSET_DOUBT_MS,
    startMs,
    // What came while the bucket waited for the watermark is evidence too.
    endsMs: evaluatedMs + WATERMARK_LAG_MS,
  };
}

function valuesOf({ values }: SampledError) {
  return values;
}

function commonestStatus(errors: readonly SampledError[]): number | null | undefined {
  const counts = new Map<number | null, number>();
  for (const { status } of errors) counts.set(status, (counts.get(status) ?? 0) + 1);
  const [commonest] = [...counts].sort(([, one], [, other]) => other - one);
  return commonest?.[0];
}
