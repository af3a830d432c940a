/** A grade as the figures that people compare: rates, shares, delays, and one figure for all of it. */
import type { Grade, GradedEvent } from './grade.ts';

/** Figures of some of the surges. NaN where there were none. */
export interface Part {
  readonly count: number;
  /** Share detected. */
  readonly pod: number;
  /** In buckets. */
  readonly delayP50: number;
  readonly delayP90: number;
  readonly resolveP50: number;
  readonly resolveP90: number;
  /** Share of the detected whose alert closed before they ended. */
  readonly early: number;
}

export interface Summary {
  readonly falseAlarmRate: number;
  readonly coldFalseAlarmRate: number;
  /** Of all detected. */
  readonly realertShare: number;
  /** NaN where there were no daily bursts. */
  readonly cronShare: number;
  readonly utility: number;
  readonly all: Part;
  /** Square surges of k >= 5 that last five minutes or more. */
  readonly square: Part;
}

/** A catch is worth 1 at once and 1/e after so long. */
const WORTH_SECONDS = 900;
const FALSE_ALARM_COST = 100;
const REALERT_COST = 20;
const LEAST_USEFUL_K = 2.99;
/** k is rounded in some truths: 5 may stand there as 4.98. */
const SQUARE_K = 4.9;
const SQUARE_MINUTES = 5;

export function summarise(grade: Grade): Summary {
  const material = grade.events.filter(({ event }) => event.material);
  return {
    falseAlarmRate: grade.falseAlarms / grade.codeDays,
    coldFalseAlarmRate: grade.falseAlarmsCold / Math.max(grade.coldDays, Number.EPSILON),
    realertShare: grade.realerts / Math.max(1, hitsOf(grade.events).length),
    cronShare: grade.cron.alerted / grade.cron.total,
    utility: utilityOf(grade),
    all: partOf(material),
    square: partOf(
      material.filter(({ event }) => event.kind === 'box' && event.k >= SQUARE_K && event.minutes >= SQUARE_MINUTES),
    ),
  };
}

export function partOf(events: readonly GradedEvent[]): Part {
  const hits = hitsOf(events);
  const delays = hits.flatMap(({ delay }) => (delay === null ? [] : [delay]));
  const resolved = hits.flatMap(({ event, resolve }) => (event.kind === 'step' || resolve === null ? [] : [resolve]));
  return {
    count: events.length,
    pod: hits.length / events.length,
    delayP50: percentile(delays, 0.5),
    delayP90: percentile(delays, 0.9),
    resolveP50: percentile(resolved, 0.5),
    resolveP90: percentile(resolved, 0.9),
    early: hits.filter(({ resolve }) => resolve !== null && resolve < 0).length / hits.length,
  };
}

/** POD of the material surges without steps whose k lies in low..high. */
export function podByK(grade: Grade, low: number, high: number): number {
  return partOf(grade.events.filter(({ event }) => event.material && event.kind !== 'step' && event.k >= low && event.k < high))
    .pod;
}

/** 100 = every material surge of k >= 3 caught in its first bucket and no false alarm. */
function utilityOf(grade: Grade): number {
  const events = grade.events.filter(({ event }) => event.material && event.k >= LEAST_USEFUL_K);
  const worth = events.reduce(
    (sum, { delay }) => sum + (delay === null ? 0 : Math.exp((-delay * grade.bucketSeconds) / WORTH_SECONDS)),
    0,
  );
  const hits = Math.max(1, hitsOf(grade.events).length);
  const falseAlarmRate = grade.falseAlarms / grade.codeDays;
  return (100 * worth) / events.length - FALSE_ALARM_COST * falseAlarmRate - (REALERT_COST * grade.realerts) / hits;
}

function hitsOf(events: readonly GradedEvent[]): readonly GradedEvent[] {
  return events.filter(({ isHit }) => isHit);
}

/** The value below which `share` of the values lie, taken from above. */
function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
