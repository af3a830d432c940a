/**
 * PURE. What changed: the one `key=value` that the surplus errors of a surge carry and the usual ones do not.
 *
 * Errors since the onset are a mixture: about as many as are always expected, with the shares that every value always
 * has, and the surplus. So each value is held against its own baseline: its excess is its count less what the usual
 * errors alone would bring of it. It explains the surge when that excess is most of the surplus, when its share rose at
 * least twofold, and when chance does not do that to any of the values that were tried (log-likelihood ratio G of the two
 * samples, Dunning 1993). What is always there, what differs in each error, and a code without a past explain nothing.
 */
import type { DominantDetail } from './spike.ts';

/** The values of one sampled error, by key; a key may come twice. Redacted before it was stored. */
export type SampledValues = readonly (readonly [key: string, value: string])[];

/** Least errors beyond those that the baseline brings. */
const LEAST_EXCESS_COUNT = 5;
/** Least share of the surplus errors that must carry the value. */
const LEAST_EXCESS_RATIO = 0.5;
/** How much commoner it must be than before. */
const LEAST_RISE_RATIO = 2;
/** G that one value alone must reach: chance brings it once in about 5000 (chi-squared, one degree of freedom). */
const LEAST_G = 14;
/** A stretch of the past with fewer errors has no say of its own; all stretches together do. */
const LEAST_BASELINE_COUNT = 10;

export interface Surge {
  readonly errors: readonly SampledValues[];
  /** Share of them that would have come anyway, 0 to 1: expected over observed. */
  readonly usualRatio: number;
  /** Stretches of the past: the hour before, the same time of other days. A value must have risen against each. */
  readonly before: readonly (readonly SampledValues[])[];
}

interface Counted {
  readonly key: string;
  readonly value: string;
  readonly count: number;
}

export function dominantDetail({ errors, usualRatio, before }: Surge): DominantDetail | null {
  const count = errors.length;
  const baselines = baselinesOf(before);
  if (count < LEAST_EXCESS_COUNT) return null;
  const usualCount = count * Math.min(Math.max(usualRatio, 0), 1);
  const candidates = countPairs(errors);
  // Each value tried is another chance for chance.
  const leastG = LEAST_G + 2 * Math.log(Math.max(1, candidates.size));
  let found: DominantDetail | null = null;
  let foundG = 0;
  for (const [pair, counted] of candidates) {
    const past = mostCommonPast(baselines, pair);
    const excess = counted.count - past.shareRatio * usualCount;
    if (excess < LEAST_EXCESS_COUNT || excess < LEAST_EXCESS_RATIO * (count - usualCount)) continue;
    const shareRatio = counted.count / count;
    if (shareRatio < LEAST_RISE_RATIO * past.smoothedRatio) continue;
    const g = logLikelihoodRatio(counted.count, count, past.count, past.of);
    if (g < leastG || g < foundG || (g === foundG && found !== null && rankOf(found.key) <= rankOf(counted.key))) continue;
    found = { key: counted.key, value: counted.value, shareRatio, beforeRatio: past.shareRatio };
    foundG = g;
  }
  return found;
}

interface Baseline {
  readonly count: number;
  readonly pairs: ReadonlyMap<string, Counted>;
}

/** Each stretch that can speak for itself, else all of them as one; none when nothing came before, and then G is 0. */
function baselinesOf(before: readonly (readonly SampledValues[])[]): readonly Baseline[] {
  const able = before.filter((errors) => errors.length >= LEAST_BASELINE_COUNT);
  const stretches = able.length > 0 ? able : [before.flat()];
  return stretches.filter((errors) => errors.length > 0).map((errors) => ({ count: errors.length, pairs: countPairs(errors) }));
}

/** The stretch in which the value was commonest: what a nightly job does every night has not changed. */
function mostCommonPast(baselines: readonly Baseline[], pair: string) {
  let most = { count: 0, of: 0, shareRatio: 0, smoothedRatio: 0 };
  for (const { count: of, pairs } of baselines) {
    const count = pairs.get(pair)?.count ?? 0;
    const smoothedRatio = (count + 1) / (of + 2); // Laplace: a value not seen in three errors is not impossible.
    if (smoothedRatio > most.smoothedRatio) most = { count, of, shareRatio: count / of, smoothedRatio };
  }
  return most;
}

/** In how many errors each pair stands, once an error. */
function countPairs(errors: readonly SampledValues[]): ReadonlyMap<string, Counted> {
  const counts = new Map<string, Counted>();
  for (const values of errors) {
    const seen = new Map(values.map(([key, value]) => [`${key}\n${value}`, { key, value }]));
    for (const [pair, { key, value }] of seen) counts.set(pair, { key, value, count: (counts.get(pair)?.count ?? 0) + 1 });
  }
  return counts;
}

/** 2 · sum of observed · ln(observed / expected) over the two by two table of carriers in both samples. */
function logLikelihoodRatio(count: number, of: number, pastCount: number, pastOf: number): number {
  const carriers = count + pastCount;
  const total = of + pastOf;
  const cell = (observed: number, row: number, column: number) =>
    observed === 0 ? 0 : observed * Math.log((observed * total) / (row * column));
  return (
    2 *
    (cell(count, of, carriers) +
      cell(of - count, of, total - carriers) +
      cell(pastCount, pastOf, carriers) +
      cell(pastOf - pastCount, pastOf, total - carriers))
  );
}

/** Among values that stand in the very same errors, the one that somebody can act on is told. */
const ACTIONABLE_KEYS: readonly string[] = ['release', 'client', 'field', 'route', 'service', 'method'];

function rankOf(key: string): number {
  const rank = ACTIONABLE_KEYS.indexOf(key);
  return rank === -1 ? ACTIONABLE_KEYS.length : rank;
}
