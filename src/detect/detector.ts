/**
 * The spike detector: one bucket of one code in, a transition or nothing out. It reads expect -> compare -> decide ->
 * learn; each step is one small file with its formula. Nothing here knows the time, reads or writes anything, or throws
 * dice: the service, a backtest and a recomputed history call the same function and get the same transitions.
 */
import { isBacklog } from './backlog.ts';
import { learnCalibration } from './calibration.ts';
import { type CloseReason, type Closing, judgeClose } from './close.ts';
import { correctDeviation, predictDeviation } from './deviation.ts';
import { phiOf, wanderOf } from './dispersion.ts';
import { learnLate } from './learning.ts';
import { estimateLevel, scaleLevel } from './level.ts';
import { findOnset } from './onset.ts';
import { deviationSlotBefore, rememberBucket, rememberDeviation, rememberTraffic } from './recent.ts';
import { seasonFactorAt } from './season.ts';
import type { DetectorSettings } from './settings.ts';
import type { CodeState, OpenSpike } from './state.ts';
import { type Comparison, compareWindows, type Finding } from './windows.ts';

export { type DetectorSettings, type Preset, settingsFor } from './settings.ts';
export { type CodeState, createCodeState, deserialise, serialise } from './state.ts';

export interface Transition {
  readonly event: 'open' | 'close';
  /** Start of the bucket whose closing led to it. */
  readonly bucketStartSeconds: number;
  /** The estimated onset, on the opening and on the closing alike. */
  readonly startsAtSeconds: number;
  /** Errors seen and expected: since the onset when it opens; in the look back that found it over when it closes. */
  readonly observed: number;
  readonly expected: number;
  readonly ratio: number;
  /** How long that is. */
  readonly windowSeconds: number;
  /** Of the window that stood out most, or of the look back; in standard deviations. */
  readonly score: number;
  /** What stood out most, on an opening: the window that won, which may hold quiet time before the onset. */
  readonly winner?: WinningWindow;
  /** Why it closed. */
  readonly reason?: CloseReason;
}

export interface WinningWindow {
  readonly windowSeconds: number;
  readonly observed: number;
  readonly expected: number;
}

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
  predictDeviation(ahead, 0, Math.max(bucketStartSeconds - (state.nextBucketSeconds ?? bucketStartSeconds), 0));
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
  const count = believe(state, given, expected);
  rememberBucket(state.recent, count, expected);
  rememberTraffic(state.recent, settings, trafficFactor);
  state.nextBucketSeconds = start + settings.bucketSeconds;
  const comparison = count === null ? null : compareWindows(state, settings, start);
  const transition = comparison === null ? null : decide(state, settings, start, comparison);
  learn(state, settings, start, count, comparison);
  return transition;
}

/** The baseline of this bucket for its traffic; the deviation moves on by one bucket, unseen. */
function expect(state: CodeState, settings: DetectorSettings, start: number, trafficFactor: number): number | null {
  predictDeviation(state.deviation, wanderOf(state.dispersion), settings.bucketSeconds);
  const baseline = baselineAt(state, settings, start);
  return baseline === null ? null : baseline * trafficFactor;
}

/** The count, or null when it is a backlog and says nothing about its own bucket. */
function believe(state: CodeState, count: number | null, expected: number | null): number | null {
  const gap = state.gapBucketCount;
  state.gapBucketCount = count === null ? gap + 1 : 0;
  if (count === null || expected === null) return count;
  return isBacklog(count, expected * (1 + state.deviation.value), gap) ? null : count;
}

function decide(state: CodeState, settings: DetectorSettings, start: number, comparison: Comparison): Transition | null {
  const { best } = comparison;
  state.score = Math.max(best?.score ?? 0, 0);
  if (state.spike !== null) {
    const closing = judgeClose(state, state.spike, settings, start);
    return closing === null ? null : close(state, state.spike, start, closing);
  }
  return best !== null && best.score >= settings.threshold ? open(state, settings, start, best) : null;
}

function open(state: CodeState, settings: DetectorSettings, start: number, best: Finding): Transition {
  const { recent } = state;
  const onset = findOnset(state, best);
  const firstIndex = recent.bucketCount - best.bucketCount;
  // A second spike soon after the first: the calm between them is lost to learning, which is cheaper than a list.
  if (state.learnIndex >= state.spikeUntilIndex) state.spikeFromIndex = firstIndex;
  state.spikeUntilIndex = Number.MAX_SAFE_INTEGER;
  const windowSeconds = onset.bucketCount * settings.bucketSeconds;
  const startsAtSeconds = start + settings.bucketSeconds - windowSeconds;
  state.spike = { openedAtSeconds: start, startsAtSeconds, windowSeconds: best.windowSeconds, calmSeconds: 0 };
  rewindDeviation(state, settings, firstIndex);
  return {
    event: 'open',
    bucketStartSeconds: start,
    startsAtSeconds,
    observed: onset.observed,
    expected: onset.expected,
    ratio: onset.observed / onset.expected,
    windowSeconds,
    score: best.score,
    winner: { windowSeconds: best.windowSeconds, observed: best.observed, expected: best.expected },
  };
}

/** The surge has pulled at the deviation since it began: go back to what stood before, carried forward unseen. */
function rewindDeviation(state: CodeState, settings: DetectorSettings, firstIndex: number): void {
  const { recent, deviation } = state;
  const before = deviationSlotBefore(recent, settings, firstIndex);
  deviation.value = recent.deviations[before] ?? 0;
  deviation.variance = recent.variances[before] ?? 0;
  predictDeviation(deviation, wanderOf(state.dispersion), (recent.bucketCount - firstIndex) * settings.bucketSeconds);
}

function close(state: CodeState, spike: OpenSpike, start: number, closing: Closing): Transition {
  const ratio = closing.observed / closing.expected;
  if (closing.reason === 'new_level') {
    scaleLevel(state.level, ratio * (1 + state.deviation.value));
    state.deviation.value = 0;
    state.deviation.variance = wanderOf(state.dispersion);
  }
  state.spike = null;
  state.spikeUntilIndex = state.recent.bucketCount;
  state.freshIndex = state.recent.bucketCount;
  return {
    event: 'close',
    bucketStartSeconds: start,
    startsAtSeconds: spike.startsAtSeconds,
    observed: closing.observed,
    expected: closing.expected,
    ratio,
    windowSeconds: closing.windowSeconds,
    score: closing.score,
    reason: closing.reason,
  };
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
  if (comparison !== null && count !== null && state.spike === null) {
    if (!isOutage && expected > 0) correctDeviation(deviation, { count, expected, phi: phiOf(state.dispersion) });
    learnCalibration(state.calibration, comparison.surprises, settings.bucketSeconds);
  }
  rememberDeviation(recent, settings, deviation);
  learnLate(state, settings, start);
}

/** Level times season: neither traffic nor the deviation is in it. */
function baselineAt(state: CodeState, settings: DetectorSettings, start: number): number | null {
  const level = estimateLevel(state.level, start, settings.bucketSeconds, phiOf(state.dispersion));
  return level === null ? null : level.value * seasonFactorAt(state.season, start);
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
  predictDeviation(state.deviation, wanderOf(state.dispersion), jumped * settings.bucketSeconds);
  state.gapBucketCount += jumped;
}
