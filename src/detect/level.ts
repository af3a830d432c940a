/**
 * How many errors a bucket of this code brings once the time of day is taken out. Weekdays and weekends have a level
 * each, because many APIs halve at weekends; each leans on the other until it has hours of its own.
 * Forgetting runs on learnt time and not on the calendar: a gap or a week of weekdays does not make a weekend unknown.
 */

/** Sums over learnt buckets, both decaying alike: errors, and buckets weighted by their season and traffic factors. */
export interface LevelSums {
  count: number;
  exposure: number;
}

export interface Level {
  weekday: LevelSums;
  weekend: LevelSums;
}

const HALF_LIFE_SECONDS = 24 * 3600;
/** Pseudo-data that ties one kind of day to the other. */
const TIE_SECONDS = 4 * 3600;
/** The tie is gone once a kind of day has so many times its worth of its own: it would hold apart levels far apart together. */
const TIE_FADES_AFTER = 6;
/** What the old level is worth once it has moved. */
const MOVED_SECONDS = 3 * 3600;
/** Errors added to what was counted: a code never seen is rare, not impossible. */
const PRIOR_COUNT = 0.5;
const SECONDS_PER_DAY = 86400;
const SECONDS_PER_WEEK = 7 * SECONDS_PER_DAY;
/** 1970-01-05, the first Monday of the epoch. */
const FIRST_MONDAY_SECONDS = 4 * SECONDS_PER_DAY;
const SATURDAY_SECONDS = 5 * SECONDS_PER_DAY;
/** To either side of the midnights where a weekend begins and ends. */
const BLEND_SECONDS = 2 * 3600;

export function createLevel(): Level {
  return { weekday: { count: 0, exposure: 0 }, weekend: { count: 0, exposure: 0 } };
}

/** What is known of the level at a moment. */
export interface LevelEstimate {
  /** Errors a bucket at season and traffic factor 1. */
  readonly value: number;
  /** Variance of its error, relative to its square. */
  readonly uncertainty: number;
}

/** Null while nothing was learnt. */
export function estimateLevel(level: Level, epochSeconds: number, bucketSeconds: number, phi: number): LevelEstimate | null {
  const tie = TIE_SECONDS / bucketSeconds;
  const share = weekendShareAt(epochSeconds);
  if (share === 0) return estimateSide(level.weekday, level.weekend, tie, phi);
  if (share === 1) return estimateSide(level.weekend, level.weekday, tie, phi);
  const weekday = estimateSide(level.weekday, level.weekend, tie, phi);
  const weekend = estimateSide(level.weekend, level.weekday, tie, phi);
  if (weekday === null || weekend === null) return null;
  const value = weekday.value * (1 - share) + weekend.value * share;
  const apart = (weekday.value - weekend.value) / value;
  return {
    value,
    uncertainty: weekday.uncertainty * (1 - share) + weekend.uncertainty * share + share * (1 - share) * apart * apart,
  };
}

/** One kind of day, with what it borrows from the other: relative variance phi over the errors it was learnt from. */
function estimateSide(own: LevelSums, other: LevelSums, tie: number, phi: number): LevelEstimate | null {
  const tied = Math.min(other.exposure, tie * Math.max(1 - own.exposure / (tie * TIE_FADES_AFTER), 0));
  const exposure = own.exposure + tied;
  if (exposure <= 0) return null;
  const borrowed = other.exposure > 0 ? (other.count / other.exposure) * tied : 0;
  const count = own.count + borrowed + PRIOR_COUNT;
  return { value: count / exposure, uncertainty: phi / count };
}

/**
 * 0 on weekdays, 1 at weekends, on a straight line between for some hours around the two midnights (UTC: a code has no
 * home time zone). In those hours the level is either the one or the other, and which is part of its uncertainty.
 */
export function weekendShareAt(epochSeconds: number): number {
  const intoWeek = modulo(epochSeconds - FIRST_MONDAY_SECONDS, SECONDS_PER_WEEK);
  const sinceSaturday = modulo(intoWeek - SATURDAY_SECONDS + SECONDS_PER_WEEK / 2, SECONDS_PER_WEEK) - SECONDS_PER_WEEK / 2;
  const sinceMonday = modulo(intoWeek + SECONDS_PER_WEEK / 2, SECONDS_PER_WEEK) - SECONDS_PER_WEEK / 2;
  if (Math.abs(sinceSaturday) < BLEND_SECONDS) return 0.5 + sinceSaturday / (2 * BLEND_SECONDS);
  if (Math.abs(sinceMonday) < BLEND_SECONDS) return 0.5 - sinceMonday / (2 * BLEND_SECONDS);
  return intoWeek >= SATURDAY_SECONDS ? 1 : 0;
}

/** Which kind of day a bucket teaches. */
export function isWeekendAt(epochSeconds: number): boolean {
  return weekendShareAt(epochSeconds) >= 0.5;
}

function modulo(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor;
}

/** Adds one learnt bucket. */
export function learnLevel(
  level: Level,
  bucket: {
    readonly startSeconds: number;
    readonly bucketSeconds: number;
    readonly count: number;
    /** Season factor times traffic factor: how many plain buckets this one stands for. */
    readonly exposure: number;
  },
): void {
  const keep = 2 ** (-bucket.bucketSeconds / HALF_LIFE_SECONDS);
  const own = isWeekendAt(bucket.startSeconds) ? level.weekend : level.weekday;
  own.count = own.count * keep + bucket.count;
  own.exposure = own.exposure * keep + bucket.exposure;
}

/**
 * A lasting change: from now on both kinds of day bring `ratio` times the errors they did. What was learnt before is worth
 * a few hours only, so that the new level is soon its own.
 */
export function moveLevel(level: Level, ratio: number, bucketSeconds: number): void {
  for (const side of [level.weekday, level.weekend]) {
    if (side.exposure === 0) continue;
    const value = (side.count + PRIOR_COUNT) / side.exposure;
    side.exposure = Math.min(side.exposure, MOVED_SECONDS / bucketSeconds);
    // The level of a code that had none is all prior: the errors must come from somewhere.
    side.count = Math.max(ratio * value * side.exposure - PRIOR_COUNT, 0);
  }
}

/** Errors a bucket at season factor 1 on the busier kind of day; 0 while nothing was learnt. */
export function busiestLevel({ weekday, weekend }: Level): number {
  return Math.max(
    weekday.exposure > 0 ? weekday.count / weekday.exposure : 0,
    weekend.exposure > 0 ? weekend.count / weekend.exposure : 0,
  );
}
