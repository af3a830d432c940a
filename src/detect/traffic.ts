/**
 * How busy the API is, against how busy it usually is at this time of day: the factor that the expectation of every code
 * is multiplied by. What is usual is learnt from the traffic itself, by the same level and season as the errors of a code.
 * Only the ratio is handed on, so that traffic that stops being known is no break: the factor goes back to 1, the plain
 * expectation of level and season.
 */
import { SLOWEST_TIME_CONSTANT_SECONDS } from './deviation.ts';
import { createLevel, estimateLevel, type Level, learnLevel } from './level.ts';
import { roundTo } from './rounding.ts';
import { createSeason, isSeasonKnown, learnSeason, type Season, seasonFactorAt } from './season.ts';

/** What is remembered of the traffic: plain numbers. */
export interface Traffic {
  level: Level;
  season: Season;
  firstDay: FirstDay;
  /** Moment of the last reading; null before the first. */
  lastAtSeconds: number | null;
}

/** While the season is not known there is nothing to hold a level against: the first whole day tells both. */
interface FirstDay {
  requestCount: number;
  /** Requests a second of the first reading: any constant would do, since only the shape is taken. */
  referencePerSecond: number;
}

/** One reading, and what it means from its moment on. */
export interface TrafficPoint {
  /** Buckets that start from then on have this traffic. */
  readonly atSeconds: number;
  readonly requestsPerSecond: number;
  /** Requests a second that are usual at that time of day; null while that is not known. */
  readonly usualPerSecond: number | null;
  /** What to multiply expected errors by. */
  readonly factor: number;
}

/** Requests are counted in units of so long; what a reading stands for may be several. */
const UNIT_SECONDS = 10;
/** A reading stands for the time since the one before, up to so long. */
const LONGEST_READING_SECONDS = 60;
/** Traffic is compared by the minute, with so many usual requests added to both sides: a handful of requests says little. */
const COMPARED_SECONDS = 60;
const PRIOR_REQUEST_COUNT = 30;
/** Beyond these, errors hardly follow the traffic: an API that nobody reaches still fails by itself, a flood is refused. */
const LEAST_FACTOR = 0.25;
const MOST_FACTOR = 8;
/** A reading teaches the level, and the season, at most so many times the usual, and at least that part of it. */
const LEVEL_CLIP_TIMES = 3;
const SEASON_CLIP_TIMES = 1.5;
/** A first day with a hole of more than this is not whole, and begins again. */
const LONGEST_FIRST_DAY_GAP_SECONDS = 15 * 60;
const DAY_SECONDS = 86_400;
const LEAST_REFERENCE_PER_SECOND = 0.1;
const FACTOR_RESOLUTION = 1e4;
/** Readings are many: their noise is that of the season's shape and not of counting. */
const PHI = 1;

export function createTraffic(): Traffic {
  return { level: createLevel(), season: createSeason(), firstDay: createFirstDay(), lastAtSeconds: null };
}

/**
 * One reading further: compares it with what is usual, then learns it. Changes `traffic` in place. Until a whole day was
 * seen the factor is 1, or the shape of the day would be taken for a change of traffic.
 * @throws RangeError when the reading is not later than the last one, or not a number from 0 up.
 */
export function readTraffic(traffic: Traffic, atSeconds: number, requestsPerSecond: number): TrafficPoint {
  if (!(requestsPerSecond >= 0 && Number.isFinite(requestsPerSecond))) throw new RangeError('traffic is a number from 0 up');
  const { lastAtSeconds } = traffic;
  if (lastAtSeconds !== null && atSeconds <= lastAtSeconds) throw new RangeError('a reading must be later than the last one');
  const usualPerSecond = usualAt(traffic, atSeconds);
  learn(traffic, atSeconds, requestsPerSecond);
  return { atSeconds, requestsPerSecond, usualPerSecond, factor: factorOf(requestsPerSecond, usualPerSecond) };
}

/** Takes a point that was judged before, as after a restart: what is learnt is the same. */
export function recallTraffic(traffic: Traffic, { atSeconds, requestsPerSecond }: TrafficPoint): void {
  learn(traffic, atSeconds, requestsPerSecond);
}

/**
 * The factor of a bucket, from the newest point that is not later: the older that is, the less it says, as with every
 * deviation from the usual. Null: there is none.
 */
export function factorAt(newest: TrafficPoint | null, bucketStartSeconds: number): number {
  if (newest === null || newest.factor === 1) return 1;
  const ageSeconds = Math.max(bucketStartSeconds - newest.atSeconds - LONGEST_READING_SECONDS, 0);
  return rounded(newest.factor ** Math.exp(-ageSeconds / SLOWEST_TIME_CONSTANT_SECONDS));
}

/** Null through the first day, which is learnt as a whole. */
function usualAt({ level, season }: Traffic, atSeconds: number): number | null {
  const known = estimateLevel(level, atSeconds, UNIT_SECONDS, PHI);
  return known === null ? null : (known.value * seasonFactorAt(season, atSeconds)) / UNIT_SECONDS;
}

function factorOf(requestsPerSecond: number, usualPerSecond: number | null): number {
  if (usualPerSecond === null) return 1;
  const seen = requestsPerSecond * COMPARED_SECONDS + PRIOR_REQUEST_COUNT;
  const usual = usualPerSecond * COMPARED_SECONDS + PRIOR_REQUEST_COUNT;
  return rounded(Math.min(Math.max(seen / usual, LEAST_FACTOR), MOST_FACTOR));
}

function learn(traffic: Traffic, atSeconds: number, requestsPerSecond: number): void {
  const sinceSeconds = atSeconds - (traffic.lastAtSeconds ?? atSeconds - UNIT_SECONDS);
  traffic.lastAtSeconds = atSeconds;
  const reading = {
    startSeconds: atSeconds,
    bucketSeconds: Math.min(sinceSeconds, LONGEST_READING_SECONDS),
    requestsPerSecond,
  };
  if (isSeasonKnown(traffic.season)) learnReading(traffic, reading);
  else learnFirstDay(traffic, reading, sinceSeconds > LONGEST_FIRST_DAY_GAP_SECONDS);
}

interface Reading {
  readonly startSeconds: number;
  readonly bucketSeconds: number;
  readonly requestsPerSecond: number;
}

function learnReading({ level, season }: Traffic, { startSeconds, bucketSeconds, requestsPerSecond }: Reading): void {
  const units = bucketSeconds / UNIT_SECONDS;
  const levelExpected = (estimateLevel(level, startSeconds, UNIT_SECONDS, PHI)?.value ?? 0) * units;
  const seasonFactor = seasonFactorAt(season, startSeconds);
  const expected = levelExpected * seasonFactor;
  const count = (times: number) =>
    Math.min(Math.max(requestsPerSecond * bucketSeconds, expected / times), expected * times + PRIOR_REQUEST_COUNT);
  const bucket = { startSeconds, bucketSeconds };
  learnLevel(level, { ...bucket, count: count(LEVEL_CLIP_TIMES), exposure: seasonFactor * units });
  learnSeason(season, { ...bucket, count: count(SEASON_CLIP_TIMES), levelExpected, phi: PHI });
}

/** A level that runs along with the first day would take the morning's rise out of the season and put it into itself. */
function learnFirstDay(traffic: Traffic, { startSeconds, bucketSeconds, requestsPerSecond }: Reading, isAfterGap: boolean): void {
  if (isAfterGap) {
    traffic.season = createSeason();
    traffic.firstDay = createFirstDay();
  }
  const { firstDay, season } = traffic;
  if (firstDay.referencePerSecond === 0) {
    firstDay.referencePerSecond = Math.max(requestsPerSecond, LEAST_REFERENCE_PER_SECOND);
  }
  const count = requestsPerSecond * bucketSeconds;
  firstDay.requestCount += count;
  const levelExpected = firstDay.referencePerSecond * bucketSeconds;
  learnSeason(season, { startSeconds, bucketSeconds, count, levelExpected, phi: PHI });
  if (!isSeasonKnown(season)) return;
  const whole = { count: firstDay.requestCount, exposure: DAY_SECONDS / UNIT_SECONDS };
  learnLevel(traffic.level, { startSeconds, bucketSeconds: DAY_SECONDS, ...whole });
}

function createFirstDay(): FirstDay {
  return { requestCount: 0, referencePerSecond: 0 };
}

function rounded(factor: number): number {
  return roundTo(factor, FACTOR_RESOLUTION);
}
