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

/**
 * How far the look back reaches: as far as the surge, as it was lately, would stand out by so many standard deviations.
 * A large surge is seen to be over within minutes; one that fades or was small is not lost sight of too soon.
 */
const LOOK_DEVIATIONS = 3;
const SHORTEST_LOOK_MINUTES = 3;
const LONGEST_LOOK_MINUTES = 9;
const LATELY_SECONDS = 600;
/** A surge is taken to exceed the expected errors at least by this share, and a minute to expect so many at least. */
const LEAST_EXCESS_RATIO = 0.01;
const LEAST_EXPECTED = 1e-9;
const SECONDS_PER_MINUTE = 60;

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
  const seen = lookBack(state, settings, lookSecondsFor(state, settings, spike));
  spike.calmSeconds = seen.score < CALM_Z ? spike.calmSeconds + settings.bucketSeconds : 0;
  if (spike.calmSeconds >= CALM_SECONDS) return { reason: 'subsided', ...seen };
  if (bucketStartSeconds - spike.openedAtSeconds < NEW_LEVEL_AFTER_SECONDS) return null;
  return { reason: 'new_level', ...lookBack(state, settings, NEW_LEVEL_LOOK_SECONDS) };
}

/** n minutes of a surge of e errors a minute above m stand out by n·e / sqrt(phi·n·(m + e)) standard deviations. */
function lookSecondsFor(state: CodeState, settings: DetectorSettings, spike: OpenSpike): number {
  const { recent, deviation } = state;
  const newest = recent.expected[(recent.bucketCount - 1) % recent.expected.length] ?? 0;
  const expected = (Math.max(newest, LEAST_EXPECTED) * (1 + deviation.value) * SECONDS_PER_MINUTE) / settings.bucketSeconds;
  const lately = lookBack(state, settings, LATELY_SECONDS);
  const ratio = Math.min(lately.expected > 0 ? lately.observed / lately.expected : 1, spike.ratio);
  const excess = Math.max(ratio - 1, LEAST_EXCESS_RATIO) * expected;
  const minutes = (LOOK_DEVIATIONS ** 2 * phiOf(state.dispersion) * (expected + excess)) / (excess * excess);
  return Math.min(Math.max(Math.ceil(minutes), SHORTEST_LOOK_MINUTES), LONGEST_LOOK_MINUTES) * SECONDS_PER_MINUTE;
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
