/**
 * The comparison: the newest buckets, looked at through every window, against the baseline as it stood when each window
 * began. One walk backwards over the last hour adds up observed and expected as it goes.
 */

import { burstDeduction, SHORT_SECONDS } from './bursts.ts';
import { scaleOf } from './calibration.ts';
import { paceOf, phiOf, wanderOf } from './dispersion.ts';
import { createLeftOut, walkBack } from './left-out.ts';
import { busiestLevel, estimateLevel } from './level.ts';
import { surpriseOf } from './negative-binomial.ts';
import { deviationSlotBefore, UNKNOWN } from './recent.ts';
import { edgeVarianceAt, seasonUncertainty } from './season.ts';
import type { DetectorSettings } from './settings.ts';
import type { CodeState } from './state.ts';
import { weekendDoubtAt } from './weekend.ts';

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
  /** The highest z of a short window, less its deduction. */
  readonly shortPeak: number;
  /** The counts fell far below what was expected. */
  readonly isOutage: boolean;
}

/** Below this share of the expected errors, by so many standard deviations, over at most so long. */
const OUTAGE = { ratio: 0.4, z: -4, withinSeconds: 300 } as const;

/** However quiet an hour is, the rate may be off by this share of what the busiest level brings. */
const FLOOR_SHARE = 0.005;
/** Less of a window's baseline than this is what rounding leaves of nothing. */
const LEAST_REST_SHARE = 1e-6;
/** A window is used once the code is so many times older: a baseline younger than the window cannot judge it. */
const LEAST_AGE_WINDOWS = 2;

export function compareWindows(state: CodeState, settings: DetectorSettings, bucketStartSeconds: number): Comparison {
  const { recent, calibration } = state;
  const phi = phiOf(state.dispersion);
  const wander = wanderOf(state.dispersion);
  const pace = paceOf(state.dispersion);
  const least = -Math.sqrt(wander);
  const level = estimateLevel(state.level, bucketStartSeconds, settings.bucketSeconds, phi);
  const unsure =
    (level?.uncertainty ?? 0) +
    seasonUncertainty(state.season) +
    edgeVarianceAt(state.season, bucketStartSeconds) +
    weekendDoubtAt(state, bucketStartSeconds);
  const length = recent.counts.length;
  const floor = FLOOR_SHARE * busiestLevel(state.level);
  const deduction = burstDeduction(state.bursts);
  const leftOut = deduction > 0 ? createLeftOut(settings) : null;
  const rate = 1 + Math.max(state.deviation.value, least);
  const reach = Math.min(recent.bucketCount - state.freshIndex, recent.bucketCount / LEAST_AGE_WINDOWS);
  const surprises: number[] = [];
  let best: Finding | null = null;
  let bestScore = Number.NEGATIVE_INFINITY;
  let shortPeak = 0;
  let isOutage = false;
  let observed = 0;
  let baseline = 0;
  let index = recent.bucketCount;
  let slot = index % length;
  for (const window of settings.windows) {
    if (window.bucketCount > reach) break;
    for (const start = recent.bucketCount - window.bucketCount; index > start; index -= 1) {
      slot = slot === 0 ? length - 1 : slot - 1;
      const expected = recent.expected[slot] ?? UNKNOWN;
      if (expected < 0) return { best, surprises, shortPeak, isOutage };
      const count = recent.counts[slot] ?? UNKNOWN;
      if (leftOut !== null) walkBack(leftOut, recent, { slot, walked: recent.bucketCount - index, rate });
      if (count < 0) continue;
      observed += count;
      baseline += expected;
    }
    if (baseline <= 0) continue;
    const deviationKept = window.deviationKept[pace] ?? 1;
    const before = deviationSlotBefore(recent, settings, index);
    const factor = 1 + Math.max(recent.deviations[before] ?? 0, least) * deviationKept;
    const deviationVariance = recent.variances[before] ?? wander;
    const mean = baseline * factor;
    const relative = deviationVariance * deviationKept ** 2 + wander * (window.wanderVariance[pace] ?? 0) + unsure;
    const floorVariance = (floor * window.bucketCount) ** 2;
    const z = surpriseOf(observed, mean, phi * mean + baseline * baseline * relative + floorVariance);
    if (window.seconds <= SHORT_SECONDS) shortPeak = Math.max(shortPeak, z - window.deduction);
    const scale = scaleOf(calibration, surprises.length);
    let score = z / scale - window.deduction;
    if (leftOut !== null) {
      score -= deduction;
      const rest = baseline - leftOut.baseline;
      if (rest > LEAST_REST_SHARE * baseline) {
        const variance = phi * rest * factor + rest * rest * relative + floorVariance;
        const restSurprise = surpriseOf(observed - leftOut.observed, rest * factor, variance);
        score = Math.max(score, restSurprise / scale - window.deduction);
      }
    }
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
  return { best, surprises, shortPeak, isOutage };
}
