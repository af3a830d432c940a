/**
 * What becomes normal. Buckets are learnt half an hour late, when it is known whether they belonged to a spike, and
 * clipped, so that what was too small to alert cannot raise the baseline by much. A young code cannot wait that long:
 * until it is an hour old it learns the older half of what it has seen.
 */
import { learnDispersion, phiOf, skipDispersion, wanderOf } from './dispersion.ts';
import { busiestLevel, estimateLevel, isWeekendAt, learnLevel } from './level.ts';
import { deviationSlotBefore, trafficFactorOf, UNKNOWN } from './recent.ts';
import { edgeVarianceAt, learnSeason, seasonFactorAt, seasonUncertainty } from './season.ts';
import type { DetectorSettings } from './settings.ts';
import type { CodeState } from './state.ts';
import { isWeekendOther, learnWeekend, weekendDoubtAt, weekendFactorAt } from './weekend.ts';
import { bucketCountOf } from './window-shapes.ts';

/** Hours that bring less than this share of the busiest level are quiet. */
const QUIET_SHARE = 0.1;
const LAG_SECONDS = 30 * 60;
/** A bucket teaches at most what was expected, so many standard deviations and a few errors more. */
const CLIP_DEVIATIONS = 2.5;
const CLIP_SPARE_COUNT = 2;
/** The dispersion is clipped more widely: the bursts of a restless code are what it must learn. */
const DISPERSION_CLIP_DEVIATIONS = 3;
const DISPERSION_CLIP_SPARE_COUNT = 3;

/** Traffic further off than this, up or down, teaches nothing: a code that does not follow it would unlearn its level and its day. */
const MOST_TRAFFIC_TIMES = 1.5;

/** Learns every bucket that has come of age. @param newestStartSeconds start of the newest bucket remembered. */
export function learnLate(state: CodeState, settings: DetectorSettings, newestStartSeconds: number): void {
  const { recent } = state;
  const lag = Math.min(bucketCountOf(LAG_SECONDS, settings.bucketSeconds), recent.counts.length - 1);
  const until = Math.max(recent.bucketCount - lag, Math.floor(recent.bucketCount / 2));
  for (; state.learnIndex < until; state.learnIndex += 1) {
    const age = recent.bucketCount - 1 - state.learnIndex;
    learnBucket(state, settings, state.learnIndex, newestStartSeconds - age * settings.bucketSeconds);
  }
}

/** How restless a code is shows at its ordinary hours: not where the day has an edge, nor where nearly nothing comes. */
export function isTypicalTime(state: CodeState, startSeconds: number, expected: number): boolean {
  const { season, level } = state;
  if (weekendDoubtAt(state, startSeconds) > 0) return false;
  return edgeVarianceAt(season, startSeconds) === 0 && expected >= QUIET_SHARE * busiestLevel(level);
}

function learnBucket(state: CodeState, settings: DetectorSettings, index: number, startSeconds: number): void {
  const { recent, level, season, dispersion } = state;
  const { bucketSeconds } = settings;
  const count = recent.counts[index % recent.counts.length] ?? UNKNOWN;
  const trafficFactor = trafficFactorOf(recent, settings, index);
  const isSpike = index >= state.spikeFromIndex && index < state.spikeUntilIndex;
  if (count < 0 || isSpike || !isUsual(trafficFactor)) {
    skipDispersion(dispersion);
    return;
  }
  const phi = phiOf(dispersion);
  const dayFactor = seasonFactorAt(season, startSeconds);
  const seasonFactor = dayFactor * weekendFactorAt(state.weekend, startSeconds);
  const isWeekend = isWeekendAt(startSeconds);
  const known = estimateLevel(level, startSeconds, bucketSeconds, phi);
  const exposure = seasonFactor * trafficFactor;
  if (known === null) {
    learnLevel(level, { startSeconds, bucketSeconds, count, exposure });
    return;
  }
  const expected = known.value * exposure;
  const deviation = recent.deviations[deviationSlotBefore(recent, settings, index)] ?? 0;
  const mean = expected * (1 + Math.max(deviation, 0));
  const unsure = known.uncertainty + seasonUncertainty(season);
  const spread = Math.sqrt(phi * mean + expected * expected * (wanderOf(dispersion) + unsure));
  const clipped = Math.min(count, mean + CLIP_DEVIATIONS * spread + CLIP_SPARE_COUNT);
  learnLevel(level, { startSeconds, bucketSeconds, count: clipped, exposure });
  if (isWeekend)
    learnWeekend(state.weekend, { startSeconds, bucketSeconds, count: clipped, exposure: dayFactor * trafficFactor, phi });
  if (!isWeekend || !isWeekendOther(state.weekend))
    learnSeason(season, { startSeconds, bucketSeconds, count: clipped, levelExpected: known.value * trafficFactor, phi });
  const restless = Math.min(count, mean + DISPERSION_CLIP_DEVIATIONS * spread + DISPERSION_CLIP_SPARE_COUNT);
  if (!isTypicalTime(state, startSeconds, expected)) skipDispersion(dispersion);
  else learnDispersion(dispersion, { count: restless, expected, bucketSeconds });
}

function isUsual(trafficFactor: number): boolean {
  return trafficFactor <= MOST_TRAFFIC_TIMES && trafficFactor >= 1 / MOST_TRAFFIC_TIMES;
}
