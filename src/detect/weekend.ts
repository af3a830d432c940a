/**
 * Weekends that have hours of their own. The level (level.ts) knows that a weekend brings more or less; a code of office
 * hours also spreads it otherwise over the day: flat where weekdays have walls. For those, and only for those, this file
 * keeps what each hour of a weekend brings beside what the shape of the day lets expect, and corrects the shape by it.
 */
import { isWeekendAt, weekendShareAt } from './level.ts';
import { roundTo } from './rounding.ts';
import { type Season, seasonFactorAt } from './season.ts';

export interface Weekend {
  /** Decaying sums an hour: errors, and buckets weighted by the day's shape and traffic. */
  counts: number[];
  exposures: number[];
  /** What the day's factor is multiplied by, an hour; empty while weekends are shaped as weekdays. */
  factors: number[];
  /** Weekend time learnt since the factors were looked at, and in all. */
  sinceRenewalSeconds: number;
  learntSeconds: number;
}

const HOUR_COUNT = 24;
const SECONDS_PER_HOUR = 3600;
const SECONDS_PER_DAY = 86400;
const RENEWAL_SECONDS = 6 * SECONDS_PER_HOUR;
/** Nothing is said of weekends before so much of them was learnt. */
const LEAST_LEARNT_SECONDS = SECONDS_PER_DAY;
/** Half is left after four weekends. */
const KEEP_PER_RENEWAL = 2 ** (-RENEWAL_SECONDS / (8 * SECONDS_PER_DAY));
/** Pseudo-data, in expected errors for each unit of phi: to find out whether an hour is other, and once it is known to be. */
const TEST_WEIGHT = 10;
const USE_WEIGHT = 1;
/** An hour is otherwise than on weekdays by this factor and so many standard deviations; so many hours make a weekend other. */
const OTHER_TIMES = 3;
const OTHER_DEVIATIONS = 5;
const LEAST_OTHER_HOURS = 6;
const SUM_RESOLUTION = 100;
const FACTOR_RESOLUTION = 10_000;
const LEAST_FACTOR = 0.001;
/** Around the midnights where a weekend begins and ends the correction is 1 in the mean: the level is shared there. */
const MIDNIGHT_HOURS: readonly number[] = [22, 23, 0, 1];

export function createWeekend(): Weekend {
  return {
    counts: new Array<number>(HOUR_COUNT).fill(0),
    exposures: new Array<number>(HOUR_COUNT).fill(0),
    factors: [],
    sinceRenewalSeconds: 0,
    learntSeconds: 0,
  };
}

/** Whether weekends have hours of their own, as far as is known. */
export function isWeekendOther(weekend: Weekend): boolean {
  return weekend.factors.length > 0;
}

/** What the day's factor is multiplied by; 1 on weekdays. */
export function weekendFactorAt(weekend: Weekend, epochSeconds: number): number {
  if (weekend.factors.length === 0 || !isWeekendAt(epochSeconds)) return 1;
  return weekend.factors[hourOf(epochSeconds)] ?? 1;
}

/**
 * Relative variance of the day's factor on weekends of which a code with edges in its day has not seen a whole day yet: it
 * may be closed when it is open on weekdays, or as busy all day as then.
 */
export function weekendDoubtAt({ weekend, season }: { weekend: Weekend; season: Season }, epochSeconds: number): number {
  if (isWeekendKnown(weekend) || season.edges.length === 0 || weekendShareAt(epochSeconds) === 0) return 0;
  const factor = seasonFactorAt(season, epochSeconds);
  return factor >= 1 ? 1 : ((1 - factor) / factor) ** 2;
}

/** Adds one learnt bucket of a weekend; `exposure` is the day's factor times the traffic's. */
export function learnWeekend(
  weekend: Weekend,
  bucket: {
    readonly startSeconds: number;
    readonly bucketSeconds: number;
    readonly count: number;
    readonly exposure: number;
    readonly phi: number;
  },
): void {
  const hour = hourOf(bucket.startSeconds);
  weekend.counts[hour] = (weekend.counts[hour] ?? 0) + bucket.count;
  weekend.exposures[hour] = (weekend.exposures[hour] ?? 0) + bucket.exposure;
  weekend.learntSeconds += bucket.bucketSeconds;
  weekend.sinceRenewalSeconds += bucket.bucketSeconds;
  if (weekend.sinceRenewalSeconds < RENEWAL_SECONDS) return;
  weekend.sinceRenewalSeconds = 0;
  if (isWeekendKnown(weekend)) renew(weekend, bucket.phi);
}

function isWeekendKnown({ learntSeconds }: Weekend): boolean {
  return learntSeconds >= LEAST_LEARNT_SECONDS;
}

function renew(weekend: Weekend, phi: number): void {
  const { counts, exposures } = weekend;
  const level = sumOf(counts) / sumOf(exposures);
  const timesOf = (hour: number, weight: number) => ((counts[hour] ?? 0) + weight) / (level * (exposures[hour] ?? 0) + weight);
  const hours = counts.map((_, hour) => hour);
  const others = hours.filter((hour) => {
    const weight = TEST_WEIGHT * phi;
    const times = timesOf(hour, weight);
    const further = Math.max(times, 1 / times);
    const deviation = Math.sqrt((phi * further) / (level * (exposures[hour] ?? 0) + weight));
    return further >= OTHER_TIMES && Math.abs(times - 1) > OTHER_DEVIATIONS * deviation;
  });
  if (others.length < LEAST_OTHER_HOURS) weekend.factors = [];
  else {
    const factors = hours.map((hour) => timesOf(hour, USE_WEIGHT * phi));
    const midnight = MIDNIGHT_HOURS.reduce((sum, hour) => sum + (factors[hour] ?? 1), 0) / MIDNIGHT_HOURS.length;
    weekend.factors = factors.map((factor) => Math.max(roundTo(factor / midnight, FACTOR_RESOLUTION), LEAST_FACTOR));
  }
  weekend.counts = counts.map((sum) => roundTo(sum * KEEP_PER_RENEWAL, SUM_RESOLUTION));
  weekend.exposures = exposures.map((sum) => roundTo(sum * KEEP_PER_RENEWAL, SUM_RESOLUTION));
}

function hourOf(epochSeconds: number): number {
  return Math.floor((epochSeconds % SECONDS_PER_DAY) / SECONDS_PER_HOUR);
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
