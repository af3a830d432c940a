/**
 * PURE. Which one `key=value` explains a surge: most of its errors carry it, and clearly fewer of the errors before did.
 * What is always there (one service, one route) explains nothing and is left out.
 */
import type { DominantDetail } from './spike.ts';

/** The values of one sampled error: service, route, release, client, scalars of `details`. Redacted before it was stored. */
export type SampledValues = ReadonlyMap<string, string>;

/** Least share of the surge's errors that must carry the value. */
const LEAST_SHARE_RATIO = 0.6;
/** How much commoner it must be than before. */
const LEAST_RISE_RATIO = 1.5;
/** Fewer sampled errors than this are an accident. */
const LEAST_SAMPLE_COUNT = 5;

export function dominantDetail(during: readonly SampledValues[], before: readonly SampledValues[]): DominantDetail | null {
  if (during.length < LEAST_SAMPLE_COUNT) return null;
  const usual = countPairs(before);
  let found: DominantDetail | null = null;
  for (const [pair, { key, value, count }] of countPairs(during)) {
    const shareRatio = count / during.length;
    const usualRatio = before.length === 0 ? 0 : (usual.get(pair)?.count ?? 0) / before.length;
    if (shareRatio < LEAST_SHARE_RATIO || shareRatio < usualRatio * LEAST_RISE_RATIO) continue;
    if (found === null || shareRatio > found.shareRatio) found = { key, value, shareRatio };
  }
  return found;
}

function countPairs(samples: readonly SampledValues[]) {
  const counts = new Map<string, { readonly key: string; readonly value: string; count: number }>();
  for (const [key, value] of samples.flatMap((sample) => [...sample])) {
    const pair = `${key}\n${value}`;
    const counted = counts.get(pair);
    if (counted === undefined) counts.set(pair, { key, value, count: 1 });
    else counted.count += 1;
  }
  return counts;
}
