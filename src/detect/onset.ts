/**
 * Where in its window a spike began. The window that stands out first is often longer than the surge so far, so that its
 * sums still hold quiet buckets: an honest ratio and start need the part of it that is up.
 */
import { UNKNOWN } from './recent.ts';
import type { CodeState } from './state.ts';
import type { Finding } from './windows.ts';

export interface Onset {
  readonly bucketCount: number;
  readonly observed: number;
  readonly expected: number;
}

/**
 * Of all stretches that end now and lie within the window, the likeliest to be the surge: the one with the largest
 * Y ln(Y/M) - (Y - M), the log-likelihood ratio of a rate that changed once (Page 1954, as a scan statistic).
 */
export function findOnset(state: CodeState, finding: Finding): Onset {
  const { counts, expected: baselines, bucketCount: end } = state.recent;
  const { bucketCount, baselineFactor } = finding;
  let best: Onset = { bucketCount, observed: finding.observed, expected: finding.expected };
  let bestGain = Number.NEGATIVE_INFINITY;
  let observed = 0;
  let expected = 0;
  for (let length = 1; length <= bucketCount; length += 1) {
    const slot = (end - length) % counts.length;
    const count = counts[slot] ?? UNKNOWN;
    if (count < 0) continue;
    observed += count;
    expected += (baselines[slot] ?? 0) * baselineFactor;
    if (observed <= expected || expected <= 0) continue;
    const gain = observed * Math.log(observed / expected) - (observed - expected);
    if (gain > bestGain) {
      bestGain = gain;
      best = { bucketCount: length, observed, expected };
    }
  }
  return best;
}
