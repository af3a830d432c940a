/**
 * How a spike begins and ends in the state of its code: what is told of it, and what must no longer be learnt from its
 * buckets. Whether it does is decided elsewhere (news.ts, close.ts).
 */
import type { CloseReason, Closing } from './close.ts';
import { predictDeviation } from './deviation.ts';
import { timeConstantOf, wanderOf } from './dispersion.ts';
import { learnNewLevel } from './new-level.ts';
import { findOnset } from './onset.ts';
import { deviationSlotBefore } from './recent.ts';
import type { DetectorSettings } from './settings.ts';
import type { CodeState, OpenSpike } from './state.ts';
import type { Finding } from './windows.ts';

export interface Transition {
  readonly event: 'open' | 'close';
  /** Start of the bucket whose closing led to it. */
  readonly bucketStartSeconds: number;
  /** The estimated onset, on the opening and on the closing alike. */
  readonly startsAtSeconds: number;
  /** Errors seen and expected: since the onset when it opens; in the look back that found it over when it closes. */
  readonly observed: number;
  readonly expected: number;
  readonly ratio: number;
  /** How long that is. */
  readonly windowSeconds: number;
  /** Of the window that stood out most, or of the look back; in standard deviations. */
  readonly score: number;
  /** What stood out most, on an opening: the window that won, which may hold quiet time before the onset. */
  readonly winner?: WinningWindow;
  /** Why it closed. */
  readonly reason?: CloseReason;
}

export interface WinningWindow {
  readonly windowSeconds: number;
  readonly observed: number;
  readonly expected: number;
}

/** The deviation moves on by a span of time, unseen. */
export function passTime({ deviation, dispersion }: CodeState, seconds: number): void {
  predictDeviation(deviation, { wander: wanderOf(dispersion), timeConstantSeconds: timeConstantOf(dispersion), seconds });
}

/** Opens a spike on the bucket that began at `start`, in epoch seconds. */
export function openSpike(state: CodeState, settings: DetectorSettings, start: number, best: Finding): Transition {
  const { recent } = state;
  const onset = findOnset(state, best);
  const firstIndex = recent.bucketCount - best.bucketCount;
  // A second spike soon after the first: the calm between them is lost to learning, which is cheaper than a list.
  if (state.learnIndex >= state.spikeUntilIndex) state.spikeFromIndex = firstIndex;
  state.spikeUntilIndex = Number.MAX_SAFE_INTEGER;
  const windowSeconds = onset.bucketCount * settings.bucketSeconds;
  const startsAtSeconds = start + settings.bucketSeconds - windowSeconds;
  state.spike = {
    openedAtSeconds: start,
    startsAtSeconds,
    windowSeconds: best.windowSeconds,
    ratio: onset.observed / onset.expected,
    calmSeconds: 0,
    quarters: [],
  };
  rewindDeviation(state, settings, firstIndex);
  return {
    event: 'open',
    bucketStartSeconds: start,
    startsAtSeconds,
    observed: onset.observed,
    expected: onset.expected,
    ratio: onset.observed / onset.expected,
    windowSeconds,
    score: best.score,
    winner: { windowSeconds: best.windowSeconds, observed: best.observed, expected: best.expected },
  };
}

/** The surge has pulled at the deviation since it began: go back to what stood before, carried forward unseen. */
function rewindDeviation(state: CodeState, settings: DetectorSettings, firstIndex: number): void {
  const { recent, deviation } = state;
  const before = deviationSlotBefore(recent, settings, firstIndex);
  deviation.value = recent.deviations[before] ?? 0;
  deviation.variance = recent.variances[before] ?? 0;
  passTime(state, (recent.bucketCount - firstIndex) * settings.bucketSeconds);
}

/** Closes it. */
export function closeSpike(
  state: CodeState,
  settings: DetectorSettings,
  spike: OpenSpike,
  start: number,
  closing: Closing,
): Transition {
  const ratio = closing.observed / closing.expected;
  if (closing.reason === 'new_level') {
    learnNewLevel(state, settings, { ratio: ratio * (1 + state.deviation.value), quarters: spike.quarters });
    state.deviation.value = 0;
    state.deviation.variance = wanderOf(state.dispersion);
  }
  state.spike = null;
  state.spikeUntilIndex = state.recent.bucketCount;
  state.freshIndex = state.recent.bucketCount;
  return {
    event: 'close',
    bucketStartSeconds: start,
    startsAtSeconds: spike.startsAtSeconds,
    observed: closing.observed,
    expected: closing.expected,
    ratio,
    windowSeconds: closing.windowSeconds,
    score: closing.score,
    reason: closing.reason,
  };
}
