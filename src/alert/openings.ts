/**
 * From what the detector says of a code to what becomes of its spike: begin one, let it go on, close it. Follows the
 * spikes that are not resolved through a stretch of event time, in memory, so that a backlog with many openings and
 * closings of one code is one list of changes, written at once.
 */
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { CodeTransition } from './code-states.ts';
import { dominantDetail } from './dominant-detail.ts';
import { type StaticLabels, spikeLabels } from './payload.ts';
import type { SampledError, SpikeChange, SpikeStore, TrafficStore } from './ports.ts';
import type { NewSpike, SpikeRecord } from './spike.ts';
import { BUCKET_MS, judgeOpening, type LifeTime, type SpikePlace } from './spike-life.ts';
import { trafficEvidence } from './traffic-evidence.ts';
import { WATERMARK_LAG_MS } from './watermark.ts';

/** Errors looked at for what a surge has in common. */
const SAMPLE_COUNT = 300;
/** Errors before the surge, to compare with. */
const BEFORE_MS = 3_600_000;
const SHOWN_REQUEST_COUNT = 3;
const KIND = 'surge';

export interface OpeningsDeps {
  readonly spikes: Pick<SpikeStore, 'sampleErrors'>;
  readonly traffic: Pick<TrafficStore, 'readTraffic'>;
  readonly catalogue: Catalogue;
  readonly staticLabels: StaticLabels;
}

/** @throws StoreUnavailable: nothing was decided, the same call may be made again. */
export async function changesOf(
  transitions: readonly CodeTransition[],
  active: readonly SpikeRecord[],
  time: LifeTime,
  deps: OpeningsDeps,
): Promise<readonly SpikeChange[]> {
  const places = new Map<string, SpikePlace>(active.filter(({ kind }) => kind === KIND).map((spike) => [spike.code, spike]));
  const changes: SpikeChange[] = [];
  for (const each of transitions) {
    const { code, transition } = each;
    const place = places.get(code) ?? null;
    const atMs = transition.bucketStartSeconds * 1000;
    if (transition.event === 'close') {
      if (place === null || place.closedAtMs !== null) continue;
      places.set(code, { ...place, closedAtMs: atMs });
      changes.push({ kind: 'close', of: KIND, code, closedAtMs: atMs, reason: transition.reason ?? 'recomputed' });
      continue;
    }
    const judged = judgeOpening(place, atMs, time);
    if (judged === 'continue') {
      if (place !== null) places.set(code, { ...place, closedAtMs: null });
      changes.push({ kind: 'continue', of: KIND, code });
      continue;
    }
    if (judged === 'end_and_begin') changes.push({ kind: 'end_untold', of: KIND, code });
    places.set(code, { state: 'pending', openedAtMs: atMs, closedAtMs: null });
    changes.push({ kind: 'begin', spike: await newSpike(each, deps), isCovered: false });
  }
  return changes;
}

async function newSpike(
  { code, transition }: CodeTransition,
  { spikes, traffic, catalogue, staticLabels }: OpeningsDeps,
): Promise<NewSpike> {
  const startsAtMs = transition.startsAtSeconds * 1000;
  const openedAtMs = transition.bucketStartSeconds * 1000;
  // What came while the bucket waited for the watermark is evidence too.
  const during = await spikes.sampleErrors(code, startsAtMs, openedAtMs + BUCKET_MS + WATERMARK_LAG_MS, SAMPLE_COUNT);
  const before = await spikes.sampleErrors(code, startsAtMs - BEFORE_MS, startsAtMs, SAMPLE_COUNT);
  const span = { startSeconds: transition.startsAtSeconds, endSeconds: (openedAtMs + BUCKET_MS) / 1000 };
  const status = during.length === 0 ? (catalogue.codes.get(code)?.status ?? null) : commonestStatus(during);
  return {
    kind: KIND,
    code,
    status: status === null ? 'unknown' : String(status),
    startsAtMs,
    openedAtMs,
    observed: transition.observed,
    expected: transition.expected,
    windowSeconds: transition.windowSeconds,
    score: transition.score,
    labels: spikeLabels({ kind: KIND, code, status }, catalogue, staticLabels),
    evidence: {
      requestIds: during.slice(0, SHOWN_REQUEST_COUNT).map(({ requestId }) => requestId),
      dominantDetail: dominantDetail(during.map(valuesOf), before.map(valuesOf)),
      traffic: trafficEvidence(await traffic.readTraffic(span), span, transition),
    },
    lastSeenAtMs: null,
    breadth: null,
  };
}

function valuesOf({ values }: SampledError) {
  return values;
}

function commonestStatus(errors: readonly SampledError[]): number | null {
  const counts = new Map<number | null, number>();
  for (const { status } of errors) counts.set(status, (counts.get(status) ?? 0) + 1);
  const [commonest] = [...counts].sort(([, one], [, other]) => other - one);
  return commonest?.[0] ?? null;
}
