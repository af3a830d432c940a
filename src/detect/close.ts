/**
 * When a spike is over. Either the counts are back to what was expected before it and stay there for a few minutes, or
 * they have been up for so long that this is the code's new level, which nobody wants to be told of again.
 */
import { phiOf } from './dispersion.ts';
import { surpriseOf } from './negative-binomial.ts';
import { UNKNOWN } from './recent.ts';
import type { DetectorSettings } from './settings.ts';
import type { CodeState, OpenSpike } from './state.ts';
import { bucketCountOf } from './window-shapes.ts';

export type CloseReason = 'subsided' | 'new_level';

/** What was seen in the look that closed it. */
export interface Closing {
  readonly reason: CloseReason;
  readonly observed: number;
  readonly expected: number;
  readonly windowSeconds: number;
  readonly score: number;
}

/** Length of the look back, by the length of the window that opened the spike: the first row it does not exceed. */
const LOOKS: readonly { readonly openedWithinSeconds: number; readonly lookSeconds: number }[] = [
  { openedWithinSeconds: 300, lookSeconds: 300 },
  { openedWithinSeconds: 1200, lookSeconds: 600 },
];
const LONGEST_LOOK_SECONDS = 1200;

/** Back to normal: less than this many standard deviations above expected, for so long. */
const CALM_Z = 1;
const CALM_SECONDS = 180;

const NEW_LEVEL_AFTER_SECONDS = 3 * 3600;
const NEW_LEVEL_LOOK_SECONDS = 3600;

/** Null while the spike goes on. Counts calm time in `spike`, in place. */
export function judgeClose(
  state: CodeState,
  spike: OpenSpike,
  settings: DetectorSettings,
  bucketStartSeconds: number,
): Closing | null {
  const look = LOOKS.find((row) => spike.windowSeconds <= row.openedWithinSeconds)?.lookSeconds ?? LONGEST_LOOK_SECONDS;
  const seen = lookBack(state, settings, look);
  spike.calmSeconds = seen.score < CALM_Z ? spike.calmSeconds + settings.bucketSeconds : 0;
  if (spike.calmSeconds >= CALM_SECONDS) return { reason: 'subsided', ...seen };
  if (bucketStartSeconds - spike.openedAtSeconds < NEW_LEVEL_AFTER_SECONDS) return null;
  return { reason: 'new_level', ...lookBack(state, settings, NEW_LEVEL_LOOK_SECONDS) };
}

/** The last `seconds` against the baseline and the deviation kept from before the spike. */
function lookBack(state: CodeState, settings: DetectorSettings, seconds: number): Omit<Closing, 'reason'> {
  const { recent, deviation } = state;
  const bucketCount = Math.min(bucketCountOf(seconds, settings.bucketSeconds), recent.counts.length, recent.bucketCount);
  let observed = 0;
  let baseline = 0;
  for (let index = recent.bucketCount - bucketCount; index < recent.bucketCount; index += 1) {
    const slot = index % recent.counts.length;
    const count = recent.counts[slot] ?? UNKNOWN;
    const expected = recent.expected[slot] ?? UNKNOWN;
    if (count < 0 || expected < 0) continue;
    observed += count;
    baseline += expected;
  }
  const expected = baseline * (1 + deviation.value);
  const variance = phiOf(state.dispersion) * expected + baseline * baseline * deviation.variance;
  const score = baseline > 0 ? surpriseOf(observed, expected, variance) : 0;
  return { observed, expected, windowSeconds: bucketCount * settings.bucketSeconds, score };
}
