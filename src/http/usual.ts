/**
 * What is normal for a code at a time of day, told from its own counts on the days before. This is for people who look at
 * a page; what opens a spike is the detector's own and finer expectation.
 */
import type { Bucket } from './ports.ts';

const DAY_MS = 86_400_000;
const DAYS_BACK = 7;
/** Counts of so long before and after a moment are taken together: single buckets are mostly chance. */
const SMOOTHING_MS = 30 * 60_000;
/** A little more than that, so that steps at the edges are whole. */
const MARGIN_MS = 3_600_000;
/** From this many days on, the lowest and the highest are left out: one of them may have been a spike. */
const TRIMMED_FROM = 4;
/** Two standard deviations of a count that varies by chance alone. */
const CHANCE_DEVIATIONS = 2;

/** The spans whose counts `withUsual` needs: all of the week before, or, when that is less, a part of each of its days. */
export function spansBefore(fromMs: number, toMs: number): readonly { readonly fromMs: number; readonly toMs: number }[] {
  if (toMs - fromMs + 2 * MARGIN_MS >= DAY_MS) return [{ fromMs: fromMs - DAYS_BACK * DAY_MS - MARGIN_MS, toMs }];
  const before = Array.from({ length: DAYS_BACK }, (_each, index) => (DAYS_BACK - index) * DAY_MS).map((backMs) => ({
    fromMs: fromMs - backMs - MARGIN_MS,
    toMs: toMs - backMs + MARGIN_MS,
  }));
  return [...before, { fromMs, toMs }];
}

/** Middle of the counts; null when there are none. */
export function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
  return low === undefined || high === undefined ? null : (low + high) / 2;
}

export interface UsualPoint {
  readonly startMs: number;
  readonly count: number;
  /** null: less than a day is known. */
  readonly expected: number | null;
  readonly expectedLow: number | null;
  readonly expectedHigh: number | null;
}

export interface UsualOptions {
  /** Counts of the spans that `spansBefore` names; those without an error may be missing. */
  readonly buckets: readonly Bucket[];
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepSeconds: number;
  /** Nothing is known of the time before; null: nothing at all. */
  readonly knownSinceMs: number | null;
}

/** Every step of the span, those without an error too, each with what was normal then. */
export function withUsual({ buckets, fromMs, toMs, stepSeconds, knownSinceMs }: UsualOptions): readonly UsualPoint[] {
  const stepMs = stepSeconds * 1000;
  const sumUntil = runningSum(buckets);
  const points: UsualPoint[] = [];
  for (let startMs = startOfStep(fromMs, stepSeconds); startMs < toMs; startMs += stepMs) {
    const earlier: number[] = [];
    for (let back = 1; back <= DAYS_BACK; back += 1) {
      const from = startMs - back * DAY_MS - SMOOTHING_MS;
      const to = startMs + stepMs - back * DAY_MS + SMOOTHING_MS;
      if (knownSinceMs === null || from < knownSinceMs) break;
      earlier.push(((sumUntil(to) - sumUntil(from)) * stepMs) / (to - from));
    }
    points.push({ startMs, count: sumUntil(startMs + stepMs) - sumUntil(startMs), ...bandOf(earlier) });
  }
  return points;
}

/** Steps begin at whole multiples since the epoch. */
export function startOfStep(ms: number, stepSeconds: number): number {
  return Math.floor(ms / (stepSeconds * 1000)) * stepSeconds * 1000;
}

function bandOf(earlier: readonly number[]) {
  const expected = median(earlier);
  if (expected === null) return { expected, expectedLow: null, expectedHigh: null };
  const sorted = [...earlier].sort((a, b) => a - b);
  const kept = sorted.length >= TRIMMED_FROM ? sorted.slice(1, -1) : sorted;
  const [low = 0, high = 0] = [kept[0], kept.at(-1)];
  return {
    expected,
    expectedLow: Math.max(0, low - CHANCE_DEVIATIONS * Math.sqrt(low)),
    expectedHigh: high + CHANCE_DEVIATIONS * Math.sqrt(high),
  };
}

/** Answers how many errors the buckets that start before a moment hold. */
function runningSum(buckets: readonly Bucket[]): (untilMs: number) => number {
  const starts = buckets.map((bucket) => bucket.startMs);
  const sums = [0];
  for (const { count } of buckets) sums.push((sums.at(-1) ?? 0) + count);
  return (untilMs) => {
    let [low, high] = [0, starts.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((starts[middle] ?? 0) < untilMs) low = middle + 1;
      else high = middle;
    }
    return sums[low] ?? 0;
  };
}
