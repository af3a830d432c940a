/** What a list of replayed spikes comes to: per code, noisiest first, and beside the list of another setting. */
import type { ReplayedSpike } from './spike-list.ts';

const WEEK_SECONDS = 7 * 24 * 3600;

export interface CodeSummary {
  readonly code: string;
  readonly spikes: readonly ReplayedSpike[];
  /** All its spikes together; one that is still open lasts until the end. */
  readonly totalSeconds: number;
  readonly pagesPerWeek: number;
}

export interface SummarySpan {
  /** Where the replay ended. */
  readonly endSeconds: number;
  /** How much of the reported time was collected: pages a week are told of time that is known. */
  readonly collectedSeconds: number;
}

/** Codes that have a spike, those with most first, then those that last longest. */
export function summariseCodes(spikes: readonly ReplayedSpike[], span: SummarySpan): readonly CodeSummary[] {
  const byCode = Map.groupBy(spikes, ({ code }) => code);
  const summaries = [...byCode].map(([code, own]) => ({
    code,
    spikes: own,
    totalSeconds: own.reduce((sum, spike) => sum + lastingOf(spike, span.endSeconds), 0),
    pagesPerWeek: pagesPerWeek(own.length, span),
  }));
  return summaries.sort(
    (one, other) =>
      other.spikes.length - one.spikes.length || other.totalSeconds - one.totalSeconds || (one.code < other.code ? -1 : 1),
  );
}

export function pagesPerWeek(spikeCount: number, { collectedSeconds }: SummarySpan): number {
  return collectedSeconds > 0 ? (spikeCount * WEEK_SECONDS) / collectedSeconds : 0;
}

/** From the estimated onset to the close, in seconds. */
export function lastingOf({ startsAtSeconds, closedAtSeconds }: ReplayedSpike, endSeconds: number): number {
  return Math.max((closedAtSeconds ?? endSeconds) - startsAtSeconds, 0);
}

/** `comes`: only the first list has it; `goes`: only the second; `stays`: both. */
export type Change = 'stays' | 'comes' | 'goes';

export interface ComparedSpike {
  readonly spike: ReplayedSpike;
  readonly change: Change;
}

/**
 * Both lists as one, in the order of their onset. Spikes of a code that overlap in time are the same, whenever each setting
 * found it; it is then told as the first list has it.
 */
export function compareSpikes(next: readonly ReplayedSpike[], now: readonly ReplayedSpike[]): readonly ComparedSpike[] {
  const [nextByCode, nowByCode] = [Map.groupBy(next, ({ code }) => code), Map.groupBy(now, ({ code }) => code)];
  const isIn = (spike: ReplayedSpike, list: readonly ReplayedSpike[] = []) => list.some((other) => doOverlap(spike, other));
  const compared: ComparedSpike[] = [
    ...next.map((spike) => ({ spike, change: isIn(spike, nowByCode.get(spike.code)) ? ('stays' as const) : ('comes' as const) })),
    ...now.filter((spike) => !isIn(spike, nextByCode.get(spike.code))).map((spike) => ({ spike, change: 'goes' as const })),
  ];
  return compared.sort((one, other) => one.spike.startsAtSeconds - other.spike.startsAtSeconds);
}

function doOverlap(one: ReplayedSpike, other: ReplayedSpike): boolean {
  const endOf = ({ closedAtSeconds }: ReplayedSpike) => closedAtSeconds ?? Number.POSITIVE_INFINITY;
  return one.startsAtSeconds <= endOf(other) && other.startsAtSeconds <= endOf(one);
}
