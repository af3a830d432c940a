/**
 * How many errors a bucket of this code brings once the time of day is taken out. Weekdays and weekends have a level
 * each, because many APIs halve at weekends; each leans on the other until it has hours of its own.
 * Forgetting runs on learnt time and not on the calendar: a gap or a week of weekdays does not make a weekend unknown.
 */

/** Sums over learnt buckets, both decaying alike: errors, and buckets weighted by their season factor. */
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
/** Errors added to what was counted: a code never seen is rare, not impossible. */
const PRIOR_COUNT = 0.5;
const SECONDS_PER_DAY = 86400;
/** 1970-01-01 was a Thursday: three days after a Monday. */
const EPOCH_WEEKDAY = 3;
const FIRST_WEEKEND_DAY = 5;

export function createLevel(): Level {
  return { weekday: { count: 0, exposure: 0 }, weekend: { count: 0, exposure: 0 } };
}

/** UTC: a code has no home time zone. */
export function isWeekend(epochSeconds: number): boolean {
  return (Math.floor(epochSeconds / SECONDS_PER_DAY) + EPOCH_WEEKDAY) % 7 >= FIRST_WEEKEND_DAY;
}

/** Errors a bucket at season factor 1; null while nothing was learnt. */
export function levelAt(level: Level, epochSeconds: number, bucketSeconds: number): number | null {
  const { own, other } = sidesAt(level, epochSeconds);
  const tied = Math.min(other.exposure, TIE_SECONDS / bucketSeconds);
  const exposure = own.exposure + tied;
  if (exposure <= 0) return null;
  const borrowed = other.exposure > 0 ? (other.count / other.exposure) * tied : 0;
  return (own.count + borrowed + PRIOR_COUNT) / exposure;
}

/** Relative variance of that level: phi over the number of errors it was learnt from. */
export function levelUncertainty(level: Level, epochSeconds: number, bucketSeconds: number, phi: number): number {
  const { own, other } = sidesAt(level, epochSeconds);
  const tied = Math.min(other.exposure, TIE_SECONDS / bucketSeconds);
  const borrowed = other.exposure > 0 ? (other.count / other.exposure) * tied : 0;
  return phi / (own.count + borrowed + PRIOR_COUNT);
}

/** Adds one learnt bucket. */
export function learnLevel(
  level: Level,
  bucket: {
    readonly startSeconds: number;
    readonly bucketSeconds: number;
    readonly count: number;
    readonly seasonFactor: number;
  },
): void {
  const keep = 2 ** (-bucket.bucketSeconds / HALF_LIFE_SECONDS);
  const { own } = sidesAt(level, bucket.startSeconds);
  own.count = own.count * keep + bucket.count;
  own.exposure = own.exposure * keep + bucket.seasonFactor;
}

/** A lasting change of level concerns both kinds of day. */
export function scaleLevel(level: Level, ratio: number): void {
  level.weekday.count *= ratio;
  level.weekend.count *= ratio;
}

function sidesAt(level: Level, epochSeconds: number): { readonly own: LevelSums; readonly other: LevelSums } {
  return isWeekend(epochSeconds) ? { own: level.weekend, other: level.weekday } : { own: level.weekday, other: level.weekend };
}
