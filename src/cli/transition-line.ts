/** A transition as the line of NDJSON that `surgewatch backtest` prints, whatever the counts came from. */
import type { Transition } from '../detect/detector.ts';
import type { SeverityOf } from './backtest-severity.ts';

const MS_PER_SECOND = 1000;
const RESOLUTION = 1000;

/** @param severityOf of a code, said where it opens; null: no catalogue was given. */
export function transitionLine(series: string, transition: Transition, severityOf: SeverityOf | null): string {
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
    // Both absent when undefined.
    reason: transition.reason,
    severity: transition.event === 'open' ? (severityOf?.(series) ?? undefined) : undefined,
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
