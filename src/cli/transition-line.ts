/** A transition as the line of NDJSON that `surgewatch backtest` prints, whatever the counts came from. */
import type { Transition } from '../detect/detector.ts';

const MS_PER_SECOND = 1000;
const RESOLUTION = 1000;

export function transitionLine(series: string, transition: Transition): string {
  return JSON.stringify({
    series,
    timestamp: rfc3339(transition.bucketStartSeconds),
    event: transition.event,
    startsAt: rfc3339(transition.startsAtSeconds),
    observed: transition.observed,
    expected: rounded(transition.expected),
    ratio: rounded(transition.ratio),
    windowSeconds: transition.windowSeconds,
    score: rounded(transition.score),
    reason: transition.reason, // absent when undefined
  });
}

/** Whole seconds without a fraction, as every other time we print. */
export function rfc3339(epochSeconds: number): string {
  return new Date(Math.round(epochSeconds * MS_PER_SECOND)).toISOString().replace('.000Z', 'Z');
}

/** To the third decimal: more is noise to a reader and keeps runs from being compared. */
export function rounded(value: number): number {
  return Number.isFinite(value) ? Math.round(value * RESOLUTION) / RESOLUTION : value;
}
