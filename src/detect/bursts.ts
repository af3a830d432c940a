/**
 * Some codes burst for a minute or three, several times a day, and it means nothing: a job that runs when it likes, a
 * client that retries in a loop and gives up. Height says nothing on such a code, only lasting does. This file keeps how
 * often a code has bursts that are over by themselves so soon; where they are frequent, windows count each bucket only up
 * to a limit that a short burst cannot get past, however high it is (a winsorised sum; Huber 1964). Everywhere else the
 * limit is off, and nothing is lost.
 */

export interface Bursts {
  /** Short bursts, decaying, and the days over which they were counted, decaying alike. */
  count: number;
  days: number;
  /** The burst in progress: its first and last bucket that was up, and its peak in standard deviations. */
  startSeconds: number | null;
  lastSeconds: number;
  peak: number;
}

const SECONDS_PER_DAY = 86400;
const HALF_LIFE_DAYS = 7;
/** What a code is presumed to do until it has shown itself. */
const PRIOR_PER_DAY = 0.3;
const PRIOR_DAYS = 1.5;
/** With more short bursts a day than this, buckets count up to the lowest limit. */
const MOST_PER_DAY = 1.5;
/** With fewer the limit rises by this power of how many fewer they are, up to where it is off. */
const LIMIT_POWER = 4;
const HIGHEST_LIMIT_DEVIATIONS = 8;

/** A bucket is up from so many standard deviations on, and a burst counts when its peak is as high as this. */
const UP_DEVIATIONS = 3;
const PEAK_DEVIATIONS = 4.2;
/** Longer is no short burst. */
const LONGEST_SECONDS = 180;
/** It is over when nothing was up for so long. */
const OVER_SECONDS = 180;

/** In standard deviations of one minute: three minutes at the limit are not enough to open a spike, five are. */
const LIMIT_DEVIATIONS = 2;
const SECONDS_PER_MINUTE = 60;

export function createBursts(): Bursts {
  return { count: PRIOR_PER_DAY * PRIOR_DAYS, days: PRIOR_DAYS, startSeconds: null, lastSeconds: 0, peak: 0 };
}

/** How many of its standard deviations above expected a bucket counts at most; Infinity where bursts are rare. */
export function limitOf(bursts: Bursts, bucketSeconds: number): number {
  const limit = LIMIT_DEVIATIONS * Math.max((MOST_PER_DAY * bursts.days) / bursts.count, 1) ** LIMIT_POWER;
  return limit > HIGHEST_LIMIT_DEVIATIONS ? Number.POSITIVE_INFINITY : limit * Math.sqrt(bucketSeconds / SECONDS_PER_MINUTE);
}

/** @param surprise of the shortest window that ends with this bucket, in standard deviations. */
export function learnBursts(bursts: Bursts, startSeconds: number, bucketSeconds: number, surprise: number): void {
  if (bucketSeconds >= LONGEST_SECONDS) return; // a bucket that wide cannot show a short burst
  const keep = 2 ** (-bucketSeconds / (HALF_LIFE_DAYS * SECONDS_PER_DAY));
  bursts.count *= keep;
  bursts.days = bursts.days * keep + bucketSeconds / SECONDS_PER_DAY;
  if (surprise >= UP_DEVIATIONS) {
    bursts.startSeconds ??= startSeconds;
    bursts.lastSeconds = startSeconds;
    bursts.peak = Math.max(bursts.peak, surprise);
  } else if (bursts.startSeconds !== null && startSeconds - bursts.lastSeconds >= OVER_SECONDS) {
    const seconds = bursts.lastSeconds - bursts.startSeconds + bucketSeconds;
    if (bursts.peak >= PEAK_DEVIATIONS && seconds <= LONGEST_SECONDS) bursts.count += 1;
    bursts.startSeconds = null;
    bursts.peak = 0;
  }
}
