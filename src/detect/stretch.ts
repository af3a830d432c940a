/** What came of one code in a stretch of the last hour, and what its baseline expected just before the stretch began. */
import { deviationSlotBefore, UNKNOWN } from './recent.ts';
import type { DetectorSettings } from './settings.ts';
import type { CodeState } from './state.ts';

export interface StretchSum {
  readonly observed: number;
  readonly expected: number;
}

/** Buckets that begin in from..to; null when none of them is remembered, or nothing was known yet. */
export function sumStretch(
  state: CodeState,
  settings: DetectorSettings,
  fromSeconds: number,
  toSeconds: number,
): StretchSum | null {
  const { recent, nextBucketSeconds: next } = state;
  if (next === null) return null;
  const indexAt = (seconds: number) => recent.bucketCount - Math.ceil((next - seconds) / settings.bucketSeconds);
  const first = Math.max(indexAt(fromSeconds), recent.bucketCount - recent.counts.length, 0);
  const end = Math.min(indexAt(toSeconds), recent.bucketCount);
  // As it stood before: a rise common to all codes must not be taken for what is expected of them.
  const deviation = recent.deviations[deviationSlotBefore(recent, settings, first)] ?? 0;
  let observed = 0;
  let expected = 0;
  let isKnown = false;
  for (let index = first; index < end; index += 1) {
    const slot = index % recent.counts.length;
    const count = recent.counts[slot] ?? UNKNOWN;
    const baseline = recent.expected[slot] ?? UNKNOWN;
    if (count < 0 || baseline < 0) continue;
    isKnown = true;
    observed += count;
    expected += baseline * (1 + Math.max(deviation, -1));
  }
  return isKnown ? { observed, expected } : null;
}
