/**
 * The shape of a code's day: 96 factors of a quarter of an hour, mean 1. Few errors cannot show a fine shape, so the fine
 * factors are pulled towards 8 coarse ones and these towards 1, each by a fixed amount of pseudo-data. The factors are
 * renewed once a day and constant in between, so that what was expected when a window began can still be told at its end.
 */
import { roundTo } from './rounding.ts';

export interface Season {
  /** Decaying sums a bin: errors, and what the level alone expected. */
  counts: number[];
  expected: number[];
  /** The factors in use. */
  factors: number[];
  /** Bins after which the factors jump. */
  edges: number[];
  /** Learnt seconds since they were renewed. */
  sinceRenewalSeconds: number;
  renewalCount: number;
}

const BIN_COUNT = 96;
const SECONDS_PER_DAY = 86400;
export const SEASON_BIN_SECONDS = SECONDS_PER_DAY / BIN_COUNT;
const COARSE_BIN_COUNT = 8;
const BINS_PER_COARSE = BIN_COUNT / COARSE_BIN_COUNT;
const RENEWAL_SECONDS = SECONDS_PER_DAY;
/** Weight kept from one day to the next: half is left after 7 days. */
const KEEP_PER_DAY = 2 ** (-1 / 7);
/** Pseudo-data, in expected errors for each unit of phi. */
const SHRINK_WEIGHT = 10;
/** Relative weights of the bins to either side, one and two away: the day has no edges finer than half an hour. */
const SMOOTHING = [1, 2 / 3, 1 / 3] as const;
/** Sums are rounded to this fraction of an error, which keeps the stored state short. */
const SUM_RESOLUTION = 1000;
const FACTOR_RESOLUTION = 10_000;
/** However quiet an hour is, errors in it are possible. */
const LEAST_FACTOR = 0.001;
/**
 * An edge of the day (an office that opens): two bins to either side of it differ by this factor, and by so many standard
 * deviations. Near it, the rate may be off by this share of the larger side, for people come early or late.
 */
const EDGE_TIMES = 2;
const EDGE_DEVIATIONS = 4;
const EDGE_DOUBT = 0.5;
/** Before a whole day was seen, a rate may be off by so much for the time of day alone. */
const UNKNOWN_DAY_VARIANCE = 0.2 ** 2;

export function createSeason(): Season {
  return {
    counts: new Array<number>(BIN_COUNT).fill(0),
    expected: new Array<number>(BIN_COUNT).fill(0),
    factors: new Array<number>(BIN_COUNT).fill(1),
    edges: [],
    sinceRenewalSeconds: 0,
    renewalCount: 0,
  };
}

/** True once a whole day was seen: before, every factor is 1. */
export function isSeasonKnown(season: Season): boolean {
  return season.renewalCount > 0;
}

/** Relative variance of a factor; what is left of it after the first day is learnt as wandering (see dispersion.ts). */
export function seasonUncertainty(season: Season): number {
  return season.renewalCount === 0 ? UNKNOWN_DAY_VARIANCE : 0;
}

/** The factor at a moment, on a straight line between the middles of two bins. */
export function seasonFactorAt(season: Season, epochSeconds: number): number {
  const position = binPositionAt(epochSeconds) - 0.5;
  const left = Math.floor(position);
  if (season.edges.length > 0 && season.edges.includes((left + BIN_COUNT) % BIN_COUNT)) {
    return at(season.factors, position - left < 0.5 ? left : left + 1);
  }
  return interpolate(season.factors, position);
}

/** Relative variance of the factor near an edge. */
export function edgeVarianceAt(season: Season, epochSeconds: number): number {
  if (season.edges.length === 0) return 0;
  const bin = Math.floor(binPositionAt(epochSeconds));
  let most = 0;
  for (const edge of season.edges) {
    const away = (bin - edge + BIN_COUNT) % BIN_COUNT;
    if (away === BIN_COUNT - 1 || away <= 2) most = Math.max(most, at(season.factors, edge), at(season.factors, edge + 1));
  }
  return most === 0 ? 0 : ((EDGE_DOUBT * most) / seasonFactorAt(season, epochSeconds)) ** 2;
}

/** Adds one learnt bucket; `levelExpected` is what level and traffic expected of it, without season. */
export function learnSeason(
  season: Season,
  bucket: {
    readonly startSeconds: number;
    readonly bucketSeconds: number;
    readonly count: number;
    readonly levelExpected: number;
    readonly phi: number;
  },
): void {
  const bin = Math.floor(binPositionAt(bucket.startSeconds));
  season.counts[bin] = (season.counts[bin] ?? 0) + bucket.count;
  season.expected[bin] = (season.expected[bin] ?? 0) + bucket.levelExpected;
  season.sinceRenewalSeconds += bucket.bucketSeconds;
  if (season.sinceRenewalSeconds >= RENEWAL_SECONDS) renewFactors(season, bucket.phi);
}

/** Time of day (UTC), in bins since midnight. */
function binPositionAt(epochSeconds: number): number {
  return (((epochSeconds % SECONDS_PER_DAY) + SECONDS_PER_DAY) % SECONDS_PER_DAY) / SEASON_BIN_SECONDS;
}

function renewFactors(season: Season, phi: number): void {
  const weight = SHRINK_WEIGHT * phi;
  const coarse = Array.from({ length: COARSE_BIN_COUNT }, (_, index) => {
    const from = index * BINS_PER_COARSE;
    const to = from + BINS_PER_COARSE;
    return (sumOf(season.counts, from, to) + weight) / (sumOf(season.expected, from, to) + weight);
  });
  const edges = findEdges(season, weight, phi);
  const fine = Array.from({ length: BIN_COUNT }, (_, bin) => {
    const towards = interpolate(coarse, (bin + 0.5) / BINS_PER_COARSE - 0.5);
    return (smoothed(season.counts, bin, edges) + weight * towards) / (smoothed(season.expected, bin, edges) + weight);
  });
  const mean = sumOf(fine, 0, BIN_COUNT) / BIN_COUNT;
  season.edges = edges;
  season.factors = fine.map((factor) => Math.max(roundTo(factor / mean, FACTOR_RESOLUTION), LEAST_FACTOR));
  season.counts = season.counts.map((sum) => roundTo(sum * KEEP_PER_DAY, SUM_RESOLUTION));
  season.expected = season.expected.map((sum) => roundTo(sum * KEEP_PER_DAY, SUM_RESOLUTION));
  season.sinceRenewalSeconds = 0;
  season.renewalCount += 1;
}

/** Bins after which the day changes at once: far too much for chance, and for a curve. */
function findEdges(season: Season, weight: number, phi: number): number[] {
  const edges: number[] = [];
  for (let bin = 0; bin < BIN_COUNT; bin += 1) {
    const before = {
      count: at(season.counts, bin - 1) + at(season.counts, bin),
      expected: at(season.expected, bin - 1) + at(season.expected, bin),
    };
    const after = {
      count: at(season.counts, bin + 1) + at(season.counts, bin + 2),
      expected: at(season.expected, bin + 1) + at(season.expected, bin + 2),
    };
    const one = (before.count + weight) / (before.expected + weight);
    const other = (after.count + weight) / (after.expected + weight);
    const low = Math.min(one, other);
    const high = Math.max(one, other);
    if (high < EDGE_TIMES * low) continue;
    const chance = Math.sqrt((phi * one) / (before.expected + weight) + (phi * other) / (after.expected + weight));
    if (high - low > EDGE_DEVIATIONS * chance) edges.push(bin);
  }
  return edges;
}

function smoothed(sums: readonly number[], bin: number, edges: readonly number[]): number {
  let total = at(sums, bin);
  for (const step of [-1, 1]) {
    for (let away = 1; away < SMOOTHING.length; away += 1) {
      const edge = step === 1 ? bin + away - 1 : bin - away;
      if (edges.includes((edge + BIN_COUNT) % BIN_COUNT)) break;
      total += (SMOOTHING[away] ?? 0) * at(sums, bin + step * away);
    }
  }
  return total;
}

/** `position` 0 is the middle of the first value; the values lie on a circle. */
function interpolate(circle: readonly number[], position: number): number {
  const left = Math.floor(position);
  const share = position - left;
  return at(circle, left) * (1 - share) + at(circle, left + 1) * share;
}

function at(circle: readonly number[], index: number): number {
  return circle[(index + circle.length) % circle.length] ?? 0;
}

function sumOf(values: readonly number[], from: number, to: number): number {
  let total = 0;
  for (let index = from; index < to; index += 1) total += values[index] ?? 0;
  return total;
}
