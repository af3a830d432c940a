/**
 * The comparison: the newest buckets, looked at through every window, against the baseline as it stood when each window
 * began. One walk backwards over the last hour adds up observed and expected as it goes.
 */

import { limitOf } from './bursts.ts';
import { scaleOf } from './calibration.ts';
import { paceOf, phiOf, wanderOf } from './dispersion.ts';
import { busiestLevel, estimateLevel } from './level.ts';
import { surpriseOf } from './negative-binomial.ts';
import { deviationSlotBefore, UNKNOWN } from './recent.ts';
import { edgeVarianceAt, seasonUncertainty } from './season.ts';
import type { DetectorSettings } from './settings.ts';
import type { CodeState } from './state.ts';

/** The window that stands out most, among those with enough errors to matter. */
export interface Finding {
  readonly bucketCount: number;
  readonly windowSeconds: number;
  readonly observed: number;
  readonly expected: number;
  /** What the baseline was multiplied by for the deviation when the window began. */
  readonly baselineFactor: number;
  readonly score: number;
}

export interface Comparison {
  readonly best: Finding | null;
  /** z by window, shortest first, before calibration and deduction. */
  readonly surprises: readonly number[];
  /** z of the shortest window as it came, without any limit. */
  readonly shortest: number;
  /** The counts fell far below what was expected. */
  readonly isOutage: boolean;
}

/** Below this share of the expected errors, by so many standard deviations, over at most so long. */
const OUTAGE = { ratio: 0.4, z: -4, withinSeconds: 300 } as const;

/** However quiet an hour is, the rate may be off by this share of what the busiest level brings. */
const FLOOR_SHARE = 0.01;
/** A window is used once the code is so many times older: a baseline younger than the window cannot judge it. */
const LEAST_AGE_WINDOWS = 2;

export function compareWindows(state: CodeState, settings: DetectorSettings, bucketStartSeconds: number): Comparison {
  const { recent, calibration } = state;
  const phi = phiOf(state.dispersion);
  const wander = wanderOf(state.dispersion);
  const pace = paceOf(state.dispersion);
  const least = -Math.sqrt(wander);
  const level = estimateLevel(state.level, bucketStartSeconds, settings.bucketSeconds, phi);
  const unsure = (level?.uncertainty ?? 0) + seasonUncertainty(state.season) + edgeVarianceAt(state.season, bucketStartSeconds);
  const length = recent.counts.length;
  const floor = FLOOR_SHARE * busiestLevel(state.level);
  const limit = limitOf(state.bursts, settings.bucketSeconds);
  const rate = 1 + Math.max(state.deviation.value, least);
  const rateVariance = state.deviation.variance + unsure;
  const reach = Math.min(recent.bucketCount - state.freshIndex, recent.bucketCount / LEAST_AGE_WINDOWS);
  const surprises: number[] = [];
  let best: Finding | null = null;
  let bestScore = Number.NEGATIVE_INFINITY;
  let shortest = 0;
  let isOutage = false;
  let observed = 0;
  /** `observed` with each bucket at its limit. */
  let limited = 0;
  let baseline = 0;
  let index = recent.bucketCount;
  let slot = index % length;
  for (const window of settings.windows) {
    if (window.bucketCount > reach) break;
    for (const start = recent.bucketCount - window.bucketCount; index > start; index -= 1) {
      slot = slot === 0 ? length - 1 : slot - 1;
      const expected = recent.expected[slot] ?? UNKNOWN;
      if (expected < 0) return { best, surprises, shortest, isOutage };
      const count = recent.counts[slot] ?? UNKNOWN;
      if (count < 0) continue;
      observed += count;
      limited +=
        limit === Number.POSITIVE_INFINITY
          ? count
          : Math.min(count, expected * rate + limit * Math.sqrt(phi * expected * rate + expected * expected * rateVariance));
      baseline += expected;
    }
    if (baseline <= 0) continue;
    const deviationKept = window.deviationKept[pace] ?? 1;
    const before = deviationSlotBefore(recent, settings, index);
    const factor = 1 + Math.max(recent.deviations[before] ?? 0, least) * deviationKept;
    const deviationVariance = recent.variances[before] ?? wander;
    const mean = baseline * factor;
    const relative = deviationVariance * deviationKept ** 2 + wander * (window.wanderVariance[pace] ?? 0) + unsure;
    const z = surpriseOf(limited, mean, phi * mean + baseline * baseline * relative + (floor * window.bucketCount) ** 2);
    if (surprises.length === 0)
      shortest =
        limited === observed
          ? z
          : surpriseOf(observed, mean, phi * mean + baseline * baseline * relative + (floor * window.bucketCount) ** 2);
    const score = z / scaleOf(calibration, surprises.length) - window.deduction;
    surprises.push(z);
    if (score > bestScore && observed >= settings.minimumCount) {
      bestScore = score;
      best = {
        bucketCount: window.bucketCount,
        windowSeconds: window.seconds,
        observed,
        expected: mean,
        baselineFactor: factor,
        score,
      };
    }
    if (z < OUTAGE.z && observed < OUTAGE.ratio * mean && window.seconds <= OUTAGE.withinSeconds) isOutage = true;
  }
  return { best, surprises, shortest, isOutage };
}
