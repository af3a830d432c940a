/**
 * From catalogued minimums to silent codes and their end. Looked at once a minute of event time, and only while that is
 * news: what was silent in history is nothing to tell.
 */
import type { Catalogue, CodeEntry } from '../catalogue/catalogue.ts';
import type { Span } from '../detect/collected.ts';
import { type StaticLabels, spikeLabels } from './payload.ts';
import type { DetectionStore, SpikeChange } from './ports.ts';
import { judgeSilence, partsOf } from './silence.ts';
import { type NewSpike, NO_EVIDENCE, type SpikeRecord } from './spike.ts';
import { type LifeTime, NEWS_MS } from './spike-life.ts';

const MINUTE_MS = 60_000;
const SECONDS_PER_MINUTE = 60;

export interface SilenceDeps {
  readonly detection: Pick<DetectionStore, 'readSpans' | 'readCounts' | 'hasOtherCodes'>;
  readonly catalogue: Catalogue;
  readonly staticLabels: StaticLabels;
}

export interface SilenceMoment {
  /** Where the stretch began; null: at the start of all. */
  readonly fromMs: number | null;
  readonly time: LifeTime;
  readonly active: readonly SpikeRecord[];
  /** When a code was last seen, in seconds of event time; null: never. */
  readonly lastSeenSeconds: (code: string) => number | null;
}

/** @throws StoreUnavailable: nothing was decided, the same call may be made again. */
export async function changesOfSilence(moment: SilenceMoment, deps: SilenceDeps): Promise<readonly SpikeChange[]> {
  const { fromMs, time } = moment;
  const untilMs = time.evaluatedUntilMs;
  const isDue = fromMs !== null && Math.floor(fromMs / MINUTE_MS) !== Math.floor(untilMs / MINUTE_MS);
  if (!isDue || time.nowMs - untilMs > NEWS_MS) return [];
  const live = new Map(moment.active.filter(({ kind }) => kind === 'silent_code').map((spike) => [spike.code, spike]));
  const expected = [...deps.catalogue.codes.values()].filter(({ expectedMinimum }) => expectedMinimum !== null);
  const changes = [...live.values()]
    .filter(({ code, closedAtMs }) => closedAtMs === null && !expected.some((entry) => entry.code === code))
    .map(({ code }) => closeOf(code, untilMs, 'no_longer_expected'));
  if (expected.length === 0) return changes;
  const spans = await deps.detection.readSpans({ startSeconds: 0, endSeconds: untilMs / 1000 });
  for (const entry of expected) changes.push(...(await changeOf(entry, live.get(entry.code), spans, moment, deps)));
  return changes;
}

async function changeOf(
  { code, expectedMinimum, status }: CodeEntry,
  live: SpikeRecord | undefined,
  spans: readonly Span[],
  { time, lastSeenSeconds }: SilenceMoment,
  { detection, catalogue, staticLabels }: SilenceDeps,
): Promise<readonly SpikeChange[]> {
  if (expectedMinimum === null) return [];
  const endSeconds = time.evaluatedUntilMs / 1000;
  const windowSeconds = expectedMinimum.withinMinutes * SECONDS_PER_MINUTE;
  const range = { startSeconds: endSeconds - windowSeconds, endSeconds };
  const observed = (await detection.readCounts(range, code)).reduce((sum, { count }) => sum + count, 0);
  const judged = judgeSilence({ range, spans, observed, minimum: expectedMinimum.errors });
  if (judged === 'flows' && live?.closedAtMs === null) return [closeOf(code, time.evaluatedUntilMs, 'flows_again')];
  if (judged !== 'scarce' || live?.closedAtMs === null) return [];
  for (const part of partsOf(range)) if (!(await detection.hasOtherCodes(code, part))) return [];
  if (live !== undefined) return [{ kind: 'continue', of: 'silent_code', code }];
  const seenSeconds = lastSeenSeconds(code);
  const spike: NewSpike = {
    kind: 'silent_code',
    code,
    pair: null,
    status: String(status),
    startsAtMs: range.startSeconds * 1000,
    openedAtMs: time.evaluatedUntilMs,
    observed,
    expected: expectedMinimum.errors,
    windowSeconds,
    score: 0,
    labels: spikeLabels({ kind: 'silent_code', code, status }, catalogue, staticLabels),
    evidence: NO_EVIDENCE,
    lastSeenAtMs: seenSeconds === null ? null : seenSeconds * 1000,
    breadth: null,
  };
  return [{ kind: 'begin', spike, isCovered: false }];
}

function closeOf(code: string, closedAtMs: number, reason: string): SpikeChange {
  return { kind: 'close', of: 'silent_code', code, closedAtMs, reason };
}
