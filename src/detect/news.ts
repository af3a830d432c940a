/**
 * Whether what stands out is worth a spike. It must be surprising enough, more so right after another spike, whose tail is
 * no second one; it must be more than what comes at this time every day; and where quiet is asked for, it must be as bad
 * as anything of the last weeks.
 */
import { noveltyOf } from './novelty.ts';
import { recurringFactorAt } from './recurrence.ts';
import type { DetectorSettings } from './settings.ts';
import type { CodeState } from './state.ts';
import type { Finding } from './windows.ts';

/** For so long after a spike, another must stand out by so many standard deviations more. */
const AFTERMATH_SECONDS = 3600;
const AFTERMATH_DEVIATIONS = 1.5;
/** Times the most that ever came. */
const LEAST_NOVELTY = 1;

/** `finding` is the window that stands out most and ends with the bucket that began at `start`, in epoch seconds. */
export function isNews(state: CodeState, settings: DetectorSettings, start: number, best: Finding): boolean {
  const sinceSpikeSeconds = (state.recent.bucketCount - state.spikeUntilIndex) * settings.bucketSeconds;
  const isAftermath = state.spikeUntilIndex > 0 && sinceSpikeSeconds < AFTERMATH_SECONDS;
  if (best.score < settings.threshold + (isAftermath ? AFTERMATH_DEVIATIONS : 0)) return false;
  if (settings.asksNovelty && noveltyOf(state.novelty) < LEAST_NOVELTY) return false;
  return best.observed > recurringCount(state, settings, start, best);
}

/** Most errors that the window may hold and still be what comes at this time every day. */
function recurringCount(
  state: CodeState,
  settings: DetectorSettings,
  start: number,
  { bucketCount, baselineFactor }: Finding,
): number {
  const { recent, recurrence } = state;
  let count = 0;
  for (let ago = 0; ago < bucketCount; ago += 1) {
    const expected = Math.max(recent.expected[(recent.bucketCount - 1 - ago) % recent.expected.length] ?? 0, 0);
    count += expected * baselineFactor * recurringFactorAt(recurrence, start - ago * settings.bucketSeconds);
  }
  return count;
}
