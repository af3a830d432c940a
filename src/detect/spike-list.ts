/**
 * Transitions of a replay, paired to the spikes that people would have seen. A code that opens again soon after its close
 * continues the same spike, as it does live, so that what is counted here is pages and not the detector's second thoughts.
 */
import type { Transition } from './detector.ts';

export interface ReplayedSpike {
  readonly code: string;
  /** The estimated onset. */
  readonly startsAtSeconds: number;
  /** Start of the bucket whose closing opened it. */
  readonly openedAtSeconds: number;
  /** null: still open where the replay ended. */
  readonly closedAtSeconds: number | null;
  /** As it opened: what came, what was expected, and in how long. */
  readonly observed: number;
  readonly expected: number;
  readonly windowSeconds: number;
  readonly score: number;
}

export interface SpikeListOptions {
  /** What opened earlier was only warm-up: neither it nor its continuation is listed. */
  readonly fromSeconds: number;
  /** A code that opens again sooner than this after its close continues its spike. */
  readonly holdSeconds: number;
}

interface Growing {
  readonly opening: Transition;
  readonly isListed: boolean;
  closedAtSeconds: number | null;
}

export interface SpikeList {
  /** Transitions of a code come in order. */
  readonly add: (code: string, transition: Transition) => void;
  /** In the order in which they opened. */
  readonly spikes: () => readonly ReplayedSpike[];
}

export function createSpikeList({ fromSeconds, holdSeconds }: SpikeListOptions): SpikeList {
  const byCode = new Map<string, Growing[]>();

  function add(code: string, transition: Transition): void {
    const known = byCode.get(code) ?? [];
    byCode.set(code, known);
    const last = known.at(-1);
    const at = transition.bucketStartSeconds;
    if (transition.event === 'close') {
      if (last !== undefined) last.closedAtSeconds = at;
    } else if (last !== undefined && last.closedAtSeconds !== null && at - last.closedAtSeconds < holdSeconds) {
      last.closedAtSeconds = null;
    } else {
      known.push({ opening: transition, isListed: at >= fromSeconds, closedAtSeconds: null });
    }
  }

  function spikes(): readonly ReplayedSpike[] {
    const listed = [...byCode].flatMap(([code, all]) => all.filter(({ isListed }) => isListed).map((one) => spikeOf(code, one)));
    return listed.sort((one, other) => one.openedAtSeconds - other.openedAtSeconds || (one.code < other.code ? -1 : 1));
  }

  return { add, spikes };
}

function spikeOf(code: string, { opening, closedAtSeconds }: Growing): ReplayedSpike {
  return {
    code,
    startsAtSeconds: opening.startsAtSeconds,
    openedAtSeconds: opening.bucketStartSeconds,
    closedAtSeconds,
    observed: opening.observed,
    expected: opening.expected,
    windowSeconds: opening.windowSeconds,
    score: opening.score,
  };
}
