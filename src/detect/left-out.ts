/**
 * The highest three minutes of a window, found on the one walk backwards through it: on a code whose short bursts mean
 * nothing, a window must stand out without them (see bursts.ts).
 */
import { SHORT_SECONDS } from './bursts.ts';
import { type Recent, UNKNOWN } from './recent.ts';
import type { DetectorSettings } from './settings.ts';
import { bucketCountOf } from './window-shapes.ts';

export interface LeftOut {
  readonly bucketCount: number;
  /** The stretch that ends with the bucket last walked to. */
  runningObserved: number;
  runningBaseline: number;
  /** The highest so far: by how many errors it exceeds what was expected, what it held, and what the baseline expected. */
  excess: number;
  observed: number;
  baseline: number;
}

export function createLeftOut({ bucketSeconds }: DetectorSettings): LeftOut {
  return {
    bucketCount: bucketCountOf(SHORT_SECONDS, bucketSeconds),
    runningObserved: 0,
    runningBaseline: 0,
    excess: Number.NEGATIVE_INFINITY,
    observed: 0,
    baseline: 0,
  };
}

/**
 * One bucket further back, to the one in `slot`, collected or not.
 * @param walked buckets walked before this one. @param rate what the baseline is multiplied by for the deviation.
 */
export function walkBack(
  leftOut: LeftOut,
  recent: Recent,
  { slot, walked, rate }: { readonly slot: number; readonly walked: number; readonly rate: number },
): void {
  const count = recent.counts[slot] ?? UNKNOWN;
  if (count >= 0) {
    leftOut.runningObserved += count;
    leftOut.runningBaseline += recent.expected[slot] ?? 0;
  }
  if (walked >= leftOut.bucketCount) {
    const gone = (slot + leftOut.bucketCount) % recent.counts.length;
    const goneCount = recent.counts[gone] ?? UNKNOWN;
    if (goneCount >= 0) {
      leftOut.runningObserved -= goneCount;
      leftOut.runningBaseline -= recent.expected[gone] ?? 0;
    }
  }
  const excess = leftOut.runningObserved - rate * leftOut.runningBaseline;
  if (excess <= leftOut.excess) return;
  leftOut.excess = excess;
  leftOut.observed = leftOut.runningObserved;
  leftOut.baseline = leftOut.runningBaseline;
}
