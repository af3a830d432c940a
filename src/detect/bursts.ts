/**
 * Some codes burst for a minute or three, several times a day, and it means nothing: a job that runs when it likes, a
 * client that retries in a loop and gives up. Height says nothing on such a code, only lasting does. This file keeps how
 * often a code has bursts that are over by themselves so soon. Where they are frequent, a window must stand out without
 * its highest three minutes too (a sum with one block left out, as in a trimmed mean), which a short burst cannot, however
 * high it is. Everywhere else nothing is left out, and nothing is lost.
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
/**
 * Up to so many short bursts a day height is believed as it is; each one more a day asks for so many standard deviations,
 * and from the most on height alone is believed no more.
 */
const FREE_PER_DAY = 1.1;
const DEVIATIONS_PER_BURST = 10;
const MOST_PER_DAY = 1.6;

/** A bucket is up from so many standard deviations on; a burst counts when a short window stood out by as much as this. */
const UP_DEVIATIONS = 2.3;
const PEAK_DEVIATIONS = 3.9;
/** What is left out of a window, and of which windows it is the whole. */
export const SHORT_SECONDS = 180;
/** Longer is no short burst: three minutes and what chance adds at either end. */
const LONGEST_SECONDS = 240;
/** It is over when nothing was up for so long. */
const OVER_SECONDS = 180;

export function createBursts(): Bursts {
  return { count: PRIOR_PER_DAY * PRIOR_DAYS, days: PRIOR_DAYS, startSeconds: null, lastSeconds: 0, peak: 0 };
}

/** By how much more a window must stand out as long as its highest three minutes are in it; Infinity: not at all. */
export function burstDeduction({ count, days }: Bursts): number {
  const perDay = count / days;
  return perDay > MOST_PER_DAY ? Number.POSITIVE_INFINITY : Math.max(perDay - FREE_PER_DAY, 0) * DEVIATIONS_PER_BURST;
}

/** `surprise` of the bucket alone and `peak` of all short windows that end with it, in standard deviations. */
export function learnBursts(
  bursts: Bursts,
  bucket: { readonly startSeconds: number; readonly bucketSeconds: number; readonly surprise: number; readonly peak: number },
): void {
  const { startSeconds, bucketSeconds, surprise, peak } = bucket;
  if (bucketSeconds >= SHORT_SECONDS) return; // a bucket that wide cannot show a short burst
  const keep = 2 ** (-bucketSeconds / (HALF_LIFE_DAYS * SECONDS_PER_DAY));
  bursts.count *= keep;
  bursts.days = bursts.days * keep + bucketSeconds / SECONDS_PER_DAY;
  if (surprise >= UP_DEVIATIONS) {
    bursts.startSeconds ??= startSeconds;
    bursts.lastSeconds = startSeconds;
    bursts.peak = Math.max(bursts.peak, peak);
  } else if (bursts.startSeconds !== null && startSeconds - bursts.lastSeconds >= OVER_SECONDS) {
    const seconds = bursts.lastSeconds - bursts.startSeconds + bucketSeconds;
    if (bursts.peak >= PEAK_DEVIATIONS && seconds <= LONGEST_SECONDS) bursts.count += 1;
    bursts.startSeconds = null;
    bursts.peak = 0;
  }
}
