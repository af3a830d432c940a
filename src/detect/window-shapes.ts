/**
 * The windows the detector looks through, from one minute for a sudden fault to an hour for a slow one, and what is
 * constant about each: how much of a deviation known at its start is left on average inside it, and how far the rate may
 * have wandered off by itself meanwhile. Both follow from the time constant of the wandering alone.
 */
import { TIME_CONSTANTS_SECONDS } from './deviation.ts';

export interface WindowShape {
  readonly bucketCount: number;
  readonly seconds: number;
  /** r_w: mean of rho^i over the window's buckets i = 1..n, where rho is the deviation's decay over one bucket; one for each time constant. */
  readonly deviationKept: readonly number[];
  /** q_w: variance of the window's mean deviation, given the deviation at its start, in units of the rate's s²; one for each. */
  readonly wanderVariance: readonly number[];
  /** Taken off the score: short windows are tried far more often than long ones, on noisier counts. */
  readonly deduction: number;
}

const WINDOW_MINUTES = [1, 2, 3, 5, 8, 13, 20, 30, 45, 60] as const;
const SECONDS_PER_MINUTE = 60;

/** Deduction by length: the first row whose length is not exceeded. Longer windows have none. */
const DEDUCTIONS: readonly { readonly upToSeconds: number; readonly deduction: number }[] = [
  { upToSeconds: 60, deduction: 0.6 },
  { upToSeconds: 120, deduction: 0.3 },
  { upToSeconds: 180, deduction: 0.15 },
];

/** Shortest first, no length twice (wide buckets make the short windows coincide). */
export function windowShapesFor(bucketSeconds: number): readonly WindowShape[] {
  const lengths = new Set(WINDOW_MINUTES.map((minutes) => bucketCountOf(minutes * SECONDS_PER_MINUTE, bucketSeconds)));
  return [...lengths].map((bucketCount) => shapeOf(bucketCount, bucketSeconds));
}

/** Whole buckets nearest to a span, at least one. */
export function bucketCountOf(seconds: number, bucketSeconds: number): number {
  return Math.max(1, Math.round(seconds / bucketSeconds));
}

/**
 * The deviation is an Ornstein-Uhlenbeck process seen once a bucket, x_i = rho·x_(i-1) + e_i with Var(e) = s²(1 - rho²),
 * so the mean over n buckets is x_0·r_w plus a sum of the e_j, each carried on for the n - j buckets after it.
 */
function shapeOf(bucketCount: number, bucketSeconds: number): WindowShape {
  const seconds = bucketCount * bucketSeconds;
  const paces = TIME_CONSTANTS_SECONDS.map((timeConstant) => paceOf(bucketCount, Math.exp(-bucketSeconds / timeConstant)));
  return {
    bucketCount,
    seconds,
    deviationKept: paces.map(({ kept }) => kept),
    wanderVariance: paces.map(({ variance }) => variance),
    deduction: DEDUCTIONS.find((row) => seconds <= row.upToSeconds)?.deduction ?? 0,
  };
}

function paceOf(bucketCount: number, rho: number): { readonly kept: number; readonly variance: number } {
  let kept = 0;
  let carried = 0;
  let variance = 0;
  for (let i = 1; i <= bucketCount; i += 1) {
    kept += rho ** i;
    carried += rho ** (i - 1);
    variance += (1 - rho * rho) * carried * carried;
  }
  return { kept: kept / bucketCount, variance: variance / (bucketCount * bucketCount) };
}
