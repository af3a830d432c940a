/**
 * How restless a code is, learnt from its quiet time. Two numbers: phi, variance over mean of one bucket (1 is Poisson),
 * from successive differences so that a slow drift does not count; and s², how far the rate itself wanders around the
 * baseline (relative variance), from what sums over 20 minutes vary beyond phi.
 */
import { TIME_CONSTANTS_SECONDS } from './deviation.ts';

export interface Dispersion {
  /** phi = differences / weights. */
  differences: number;
  weights: number;
  previousCount: number;
  previousExpected: number;
  /** s² = excess / excessWeights. */
  excess: number;
  excessWeights: number;
  /** Products of successive blocks' deviations, decaying as `excess`; and the last block's, null after a break. */
  products: number;
  productWeights: number;
  previousDeviation: number | null;
  blockCount: number;
  blockExpected: number;
  blockSeconds: number;
}

const HALF_LIFE_SECONDS = 3 * 86400;
const PRIOR_PHI = 1.6;
/** Worth so many buckets of one error or more each. */
const PRIOR_PHI_WEIGHT = 30;
const LARGEST_PHI = 50;
/** A squared difference counts up to so many times its expectation, and at least so many errors² (rare codes). */
const DIFFERENCE_CLIP = { times: 12, least: 36 } as const;

const BLOCK_SECONDS = 20 * 60;
const PRIOR_WANDER = 0.15 ** 2;
/** Worth so many blocks of a code whose counts are not the limit. */
const PRIOR_WANDER_WEIGHT = 24;
/** A code is presumed to wander slowly; worth so many blocks. */
const PRIOR_PRODUCT_WEIGHT = 24;
const LARGEST_WANDER = 0.6 ** 2;
const BLOCK_CLIP_DEVIATIONS = 2.5;

/** A block of which nearly nothing is expected tells nothing of the rate. */
const LEAST_BLOCK_EXPECTED = 1e-3;

/** Variance of an Ornstein-Uhlenbeck process's mean over one block, in units of its own variance. */
const BLOCK_MEAN_VARIANCES = TIME_CONSTANTS_SECONDS.map((timeConstant) => meanVariance(BLOCK_SECONDS / timeConstant));
/** Covariance of two successive blocks' means over the variance of one. */
const BLOCK_CORRELATIONS = TIME_CONSTANTS_SECONDS.map((timeConstant) => {
  const span = BLOCK_SECONDS / timeConstant;
  return ((1 - Math.exp(-span)) / span) ** 2 / meanVariance(span);
});
/** A pace is the nearest by correlation: half way between two lies the border. */
const PACE_BORDERS = BLOCK_CORRELATIONS.slice(1).map(
  (correlation, index) => (correlation + (BLOCK_CORRELATIONS[index] ?? 0)) / 2,
);
const SLOWEST = TIME_CONSTANTS_SECONDS.length - 1;

export function createDispersion(): Dispersion {
  return {
    differences: PRIOR_PHI * PRIOR_PHI_WEIGHT,
    weights: PRIOR_PHI_WEIGHT,
    previousCount: -1,
    previousExpected: 0,
    excess: PRIOR_WANDER * PRIOR_WANDER_WEIGHT,
    excessWeights: PRIOR_WANDER_WEIGHT,
    products: PRIOR_WANDER * PRIOR_PRODUCT_WEIGHT * (BLOCK_CORRELATIONS[SLOWEST] ?? 1),
    productWeights: PRIOR_PRODUCT_WEIGHT,
    previousDeviation: null,
    blockCount: 0,
    blockExpected: 0,
    blockSeconds: 0,
  };
}

/** Variance over mean of a bucket's count, from 1 (Poisson) up. */
export function phiOf(dispersion: Dispersion): number {
  return Math.min(Math.max(dispersion.differences / dispersion.weights, 1), LARGEST_PHI);
}

/** s²: relative variance of the rate around its baseline. */
export function wanderOf(dispersion: Dispersion): number {
  return Math.min(Math.max(blockVariance(dispersion) / (BLOCK_MEAN_VARIANCES[paceOf(dispersion)] ?? 1), 0), LARGEST_WANDER);
}

/** Variance of the rate's mean over a block. */
function blockVariance({ excess, excessWeights }: Dispersion): number {
  return excess / excessWeights;
}

/** How fast the rate wanders: index of the time constant whose blocks are as alike as this code's. */
export function paceOf(dispersion: Dispersion): number {
  const variance = blockVariance(dispersion);
  if (variance <= 0) return SLOWEST;
  const correlation = dispersion.products / dispersion.productWeights / variance;
  const pace = PACE_BORDERS.findIndex((border) => correlation < border);
  return pace < 0 ? SLOWEST : pace;
}

export function timeConstantOf(dispersion: Dispersion): number {
  return TIME_CONSTANTS_SECONDS[paceOf(dispersion)] ?? 0;
}

/** A bucket that was not collected or not calm: the next difference would span it. */
export function skipDispersion(dispersion: Dispersion): void {
  dispersion.previousCount = -1;
  dispersion.previousDeviation = null;
}

export function learnDispersion(
  dispersion: Dispersion,
  bucket: { readonly count: number; readonly expected: number; readonly bucketSeconds: number },
): void {
  learnPhi(dispersion, bucket);
  learnWander(dispersion, bucket);
}

/** E[(y_t - y_(t-1))²] = phi (m_t + m_(t-1)); buckets of few errors tell less and weigh less. */
function learnPhi(
  dispersion: Dispersion,
  { count, expected, bucketSeconds }: { readonly count: number; readonly expected: number; readonly bucketSeconds: number },
): void {
  if (dispersion.previousCount >= 0) {
    const keep = 2 ** (-bucketSeconds / HALF_LIFE_SECONDS);
    const mean = expected + dispersion.previousExpected;
    const most = Math.max(DIFFERENCE_CLIP.times * phiOf(dispersion) * mean, DIFFERENCE_CLIP.least);
    const difference = Math.min((count - dispersion.previousCount) ** 2, most);
    dispersion.differences = dispersion.differences * keep + difference / (1 + mean);
    dispersion.weights = dispersion.weights * keep + mean / (1 + mean);
  }
  dispersion.previousCount = count;
  dispersion.previousExpected = expected;
}

/** E[(Y/M - 1)²] = phi/M + s²·v over a block; a block weighs by how little of that phi is to blame for. */
function learnWander(
  dispersion: Dispersion,
  { count, expected, bucketSeconds }: { readonly count: number; readonly expected: number; readonly bucketSeconds: number },
): void {
  dispersion.blockCount += count;
  dispersion.blockExpected += expected;
  dispersion.blockSeconds += bucketSeconds;
  if (dispersion.blockSeconds < BLOCK_SECONDS) return;
  if (dispersion.blockExpected > LEAST_BLOCK_EXPECTED) {
    const keep = 2 ** (-BLOCK_SECONDS / HALF_LIFE_SECONDS);
    const noise = phiOf(dispersion) / dispersion.blockExpected;
    const usual = noise + Math.max(blockVariance(dispersion), 0);
    const deviation = dispersion.blockCount / dispersion.blockExpected - 1;
    const square = Math.min(deviation * deviation, BLOCK_CLIP_DEVIATIONS ** 2 * usual);
    const weight = (PRIOR_WANDER / (PRIOR_WANDER + noise)) ** 2;
    dispersion.excess = dispersion.excess * keep + weight * (square - noise);
    dispersion.excessWeights = dispersion.excessWeights * keep + weight;
    const most = BLOCK_CLIP_DEVIATIONS * Math.sqrt(usual);
    const clipped = Math.min(Math.max(deviation, -most), most);
    if (dispersion.previousDeviation !== null) {
      dispersion.products = dispersion.products * keep + weight * dispersion.previousDeviation * clipped;
      dispersion.productWeights = dispersion.productWeights * keep + weight;
    }
    dispersion.previousDeviation = clipped;
  }
  dispersion.blockCount = 0;
  dispersion.blockExpected = 0;
  dispersion.blockSeconds = 0;
}

/** 2 (x - 1 + e^-x) / x²: x is the span in time constants. */
function meanVariance(span: number): number {
  return (2 * (span - 1 + Math.exp(-span))) / (span * span);
}
