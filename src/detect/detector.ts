/**
 * The spike detector: one bucket of one code in, a transition or nothing out. It reads expect -> compare -> decide ->
 * learn; each step is one small file with its formula. Nothing here knows the time, reads or writes anything, or throws
 * dice: the service, a backtest and a recomputed history call the same function and get the same transitions.
 */
import { isPile } from './backlog.ts';
import { learnBursts } from './bursts.ts';
import { learnCalibration } from './calibration.ts';
import { judgeClose } from './close.ts';
import { correctDeviation, predictDeviation } from './deviation.ts';
import { phiOf, timeConstantOf } from './dispersion.ts';
import { isTypicalTime, learnLate } from './learning.ts';
import { estimateLevel } from './level.ts';
import { rememberSpikeBucket } from './new-level.ts';
import { isNews } from './news.ts';
import { rememberForNovelty } from './novelty.ts';
import { rememberBucket, rememberDeviation, rememberTraffic, trafficFactorOf } from './recent.ts';
import { recurringFactorAt, rememberForRecurrence } from './recurrence.ts';
import { seasonFactorAt } from './season.ts';
import type { DetectorSettings } from './settings.ts';
import type { CodeState } from './state.ts';
import { closeSpike, openSpike, passTime, type Transition } from './transition.ts';
import { weekendFactorAt } from './weekend.ts';
import { type Comparison, compareWindows } from './windows.ts';

export { type DetectorSettings, type Preset, settingsFor } from './settings.ts';
export { type CodeState, createCodeState, deserialise, serialise } from './state.ts';
export type { Transition, WinningWindow } from './transition.ts';

/** For so long after an outage, low counts teach nothing. */
const OUTAGE_MEMORY_SECONDS = 15 * 60;

/**
 * One bucket further. Buckets of a code come in order; those between the last and this one were not collected.
 * Changes `state` in place, for speed: serialise it first to keep the old one.
 *
 * @param count errors in the bucket; null = not collected, which is unknown and never zero.
 * @param trafficFactor how much more traffic there was than usual at this time of day (see learning.ts); 1 = not known. The
 * expectation is multiplied by it and what is learnt divided, so that busier is neither news nor the new normal.
 * @throws RangeError when the bucket is not later than the last one, the count is not a number from 0 up, or the factor
 * is not a number above 0.
 */
export function step(
  state: CodeState,
  settings: DetectorSettings,
  bucketStartSeconds: number,
  count: number | null,
  trafficFactor = 1,
): Transition | null {
  if (!(trafficFactor > 0 && Number.isFinite(trafficFactor))) throw new RangeError('a traffic factor is a number above 0');
  if (count !== null && !(count >= 0 && Number.isFinite(count))) throw new RangeError('a count is a number from 0 up, or null');
  skipMissing(state, settings, bucketStartSeconds);
  return stepOne(state, settings, bucketStartSeconds, count, trafficFactor);
}

export function isOpen(state: CodeState): boolean {
  return state.spike !== null;
}

/** Expected errors of the bucket that begins then, from what is known now; null when nothing is known yet. */
export function expectedAt(
  state: CodeState,
  settings: DetectorSettings,
  bucketStartSeconds: number,
  trafficFactor = 1,
): number | null {
  const baseline = baselineAt(state, settings, bucketStartSeconds);
  if (baseline === null) return null;
  const ahead = { ...state.deviation };
  predictDeviation(ahead, {
    wander: 0,
    timeConstantSeconds: timeConstantOf(state.dispersion),
    seconds: Math.max(bucketStartSeconds - (state.nextBucketSeconds ?? bucketStartSeconds), 0),
  });
  return baseline * trafficFactor * (1 + ahead.value);
}

/** How far the newest bucket's best window stands out; 0 when nothing does. */
export function scoreOf(state: CodeState): number {
  return state.score;
}

function stepOne(
  state: CodeState,
  settings: DetectorSettings,
  start: number,
  given: number | null,
  trafficFactor: number,
): Transition | null {
  const expected = expect(state, settings, start, trafficFactor);
  const count = believe(state, settings, start, given, expected);
  rememberBucket(state.recent, count, expected);
  rememberTraffic(state.recent, settings, trafficFactor);
  if (count !== null) rememberForNovelty(state.novelty, start, count);
  state.nextBucketSeconds = start + settings.bucketSeconds;
  const comparison = count === null ? null : compareWindows(state, settings, start);
  const transition = comparison === null ? null : decide(state, settings, start, comparison);
  learn(state, settings, start, count, comparison);
  return transition;
}

/** The baseline of this bucket for its traffic; the deviation moves on by one bucket, unseen. */
function expect(state: CodeState, settings: DetectorSettings, start: number, trafficFactor: number): number | null {
  passTime(state, settings.bucketSeconds);
  const baseline = baselineAt(state, settings, start);
  return baseline === null ? null : baseline * trafficFactor;
}

/** The count, or null when it is part of a pile and says nothing about its own bucket. */
function believe(
  state: CodeState,
  settings: DetectorSettings,
  startSeconds: number,
  count: number | null,
  expected: number | null,
): number | null {
  if (count === null) state.backlog.gapBucketCount += 1;
  if (count === null || expected === null) return count; // nothing is expected yet that could pile up
  const bucket = { startSeconds, bucketSeconds: settings.bucketSeconds, count, expected: expected * (1 + state.deviation.value) };
  return isPile(state.backlog, bucket) ? null : count;
}

function decide(state: CodeState, settings: DetectorSettings, start: number, comparison: Comparison): Transition | null {
  const { best } = comparison;
  state.score = Math.max(best?.score ?? 0, 0);
  if (state.spike !== null) {
    const closing = judgeClose(state, state.spike, settings, start);
    return closing === null ? null : closeSpike(state, settings, state.spike, start, closing);
  }
  return best !== null && isNews(state, settings, start, best) ? openSpike(state, settings, start, best) : null;
}

/** The deviation follows at once, unless a spike or an outage is on; everything else is learnt late. */
function learn(
  state: CodeState,
  settings: DetectorSettings,
  start: number,
  count: number | null,
  comparison: Comparison | null,
): void {
  const { recent, deviation } = state;
  const expected = recent.expected[(recent.bucketCount - 1) % recent.expected.length] ?? 0;
  if (comparison?.isOutage) state.outageUntilSeconds = start + OUTAGE_MEMORY_SECONDS;
  const isOutage = start < state.outageUntilSeconds;
  if (isOutage) deviation.value = Math.max(deviation.value, 0);
  if (count !== null) rememberBursts(state, settings, start, count, expected);
  if (comparison !== null && count !== null && recurringFactorAt(state.recurrence, start) === 1) {
    learnBursts(state.bursts, {
      startSeconds: start,
      bucketSeconds: settings.bucketSeconds,
      surprise: comparison.surprises[0] ?? 0,
      peak: comparison.shortPeak,
    });
    if (state.spike === null && !isOutage) {
      if (expected > 0) correctDeviation(deviation, { count, expected, phi: phiOf(state.dispersion) });
      if (isTypicalTime(state, start, expected))
        learnCalibration(state.calibration, comparison.surprises, settings.bucketSeconds);
    }
  }
  rememberDeviation(recent, settings, deviation);
  learnLate(state, settings, start);
}

/** What may turn out to be a new level, or to come back tomorrow at this time. */
function rememberBursts(
  state: CodeState,
  settings: DetectorSettings,
  startSeconds: number,
  count: number,
  expected: number,
): void {
  const { recent, deviation, dispersion, spike, recurrence } = state;
  if (spike !== null) {
    rememberSpikeBucket(spike.quarters, startSeconds, count, trafficFactorOf(recent, settings, recent.bucketCount - 1));
  }
  if (expected <= 0) return;
  const mean = expected * (1 + deviation.value);
  const variance = phiOf(dispersion) * mean + expected * expected * deviation.variance;
  rememberForRecurrence(recurrence, { startSeconds, count, expected: mean, variance });
}

/** Level times season: neither traffic nor the deviation is in it. */
function baselineAt(state: CodeState, settings: DetectorSettings, start: number): number | null {
  const level = estimateLevel(state.level, start, settings.bucketSeconds, phiOf(state.dispersion));
  return level === null ? null : level.value * seasonFactorAt(state.season, start) * weekendFactorAt(state.weekend, start);
}

/** Steps over what was not collected. After an hour of nothing the rings are empty, and the rest can be jumped. */
function skipMissing(state: CodeState, settings: DetectorSettings, until: number): void {
  const { nextBucketSeconds: next } = state;
  if (next === null) return;
  if (until < next) throw new RangeError('a bucket must be later than the last one');
  const missing = Math.floor((until - next) / settings.bucketSeconds);
  const stepped = Math.min(missing, settings.historyBucketCount);
  for (let nth = 0; nth < stepped; nth += 1) stepOne(state, settings, next + nth * settings.bucketSeconds, null, 1);
  const jumped = missing - stepped;
  passTime(state, jumped * settings.bucketSeconds);
  state.backlog.gapBucketCount += jumped;
}
