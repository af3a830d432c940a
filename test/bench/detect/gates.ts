/** What the detector has to reach, by what it is run on and how; the targets were set before it was built. */
import type { Preset } from '../../../src/detect/detector.ts';
import type { Grade } from './grade.ts';
import type { Cost } from './run-suite.ts';
import { podByK, type Summary } from './summary.ts';

export interface Measured {
  readonly summary: Summary;
  readonly grade: Grade;
  readonly cost: Cost;
  /** Of Grafana's rules on the same data; null when they were not run. */
  readonly grafana: Summary | null;
}

export interface Gate {
  readonly what: string;
  readonly is: 'at_most' | 'at_least';
  readonly reach: number;
  readonly unit: 'per code-day' | '%' | 'buckets' | 'seconds' | 'points' | 'µs' | 'bytes' | 'a week';
  /** Hangs on the machine: it may be overshot by half before it counts as lost. */
  readonly isTimed?: true;
  readonly of: (measured: Measured) => number;
}

/** Which table holds. */
export interface Occasion {
  readonly suite: string;
  readonly bucketSeconds: number;
  readonly preset: Preset;
  readonly falsePagesPerWeek: number | undefined;
}

const PERCENT = 100;
const DAYS_PER_WEEK = 7;

const falseAlarms = (reach: number): Gate => ({
  what: 'false alarms',
  is: 'at_most',
  reach,
  unit: 'per code-day',
  of: ({ summary }) => summary.falseAlarmRate,
});
const detected = (reach: number): Gate => ({
  what: 'surges detected (POD)',
  is: 'at_least',
  reach,
  unit: '%',
  of: ({ summary }) => summary.all.pod * PERCENT,
});
const detectedAt = (what: string, low: number, high: number, reach: number): Gate => ({
  what: `POD at ${what}`,
  is: 'at_least',
  reach,
  unit: '%',
  of: ({ grade }) => podByK(grade, low, high) * PERCENT,
});
const utility = (reach: number): Gate => ({
  what: 'utility',
  is: 'at_least',
  reach,
  unit: 'points',
  of: ({ summary }) => summary.utility,
});

const STANDARD: readonly Gate[] = [
  falseAlarms(0.02),
  detected(77),
  {
    what: 'square surges, k ≥ 5, ≥ 5 min',
    is: 'at_least',
    reach: 97.5,
    unit: '%',
    of: ({ summary }) => summary.square.pod * PERCENT,
  },
  { what: '… their delay p50', is: 'at_most', reach: 0, unit: 'buckets', of: ({ summary }) => summary.square.delayP50 },
  { what: '… their delay p90', is: 'at_most', reach: 4, unit: 'buckets', of: ({ summary }) => summary.square.delayP90 },
  detectedAt('k = 3', 2.5, 4, 57),
  detectedAt('k = 5', 4, 6, 84),
  detectedAt('k = 10', 8.5, 12.5, 95),
  detectedAt('k ≥ 15', 12.5, Number.POSITIVE_INFINITY, 98.7),
  { what: 'resolve p50', is: 'at_most', reach: 5, unit: 'buckets', of: ({ summary }) => summary.all.resolveP50 },
  { what: 'resolve p90', is: 'at_most', reach: 10, unit: 'buckets', of: ({ summary }) => summary.all.resolveP90 },
  { what: 'closed early', is: 'at_most', reach: 6, unit: '%', of: ({ summary }) => summary.all.early * PERCENT },
  { what: 're-alerts per detected', is: 'at_most', reach: 0.4, unit: '%', of: ({ summary }) => summary.realertShare * PERCENT },
  { what: 'daily bursts alerted', is: 'at_most', reach: 3, unit: '%', of: ({ summary }) => summary.cronShare * PERCENT },
  {
    what: 'false alarms in the cold start',
    is: 'at_most',
    reach: 0.04,
    unit: 'per code-day',
    of: ({ summary }) => summary.coldFalseAlarmRate,
  },
  utility(69),
];
const QUIET: readonly Gate[] = [falseAlarms(0.003), detected(71)];
/** Also of each world by itself. */
export const WORLD_GATES: readonly Gate[] = [falseAlarms(0.06), detected(71), utility(60)];
const TEN_SECONDS: readonly Gate[] = [
  falseAlarms(0.03),
  detected(73),
  {
    what: 'square surges, k ≥ 5: delay p50',
    is: 'at_most',
    reach: 70,
    unit: 'seconds',
    of: ({ summary, grade }) => summary.square.delayP50 * grade.bucketSeconds,
  },
];
const BUDGET_PER_PAGE_ASKED = 1.5;
const budget = (falsePagesPerWeek: number): readonly Gate[] => [
  {
    what: 'false alarms of all codes',
    is: 'at_most',
    reach: BUDGET_PER_PAGE_ASKED * falsePagesPerWeek,
    unit: 'a week',
    of: ({ grade }) => grade.falseAlarms / weeksOf(grade),
  },
  detected(68),
];
/** On every suite. */
const FLOOR: readonly Gate[] = [
  { ...falseAlarms(0.1), what: 'floor: false alarms' },
  {
    what: 'floor: POD above that of Grafana’s rules by',
    is: 'at_least',
    reach: 0,
    unit: '%',
    of: ({ summary, grafana }) => (summary.all.pod - (grafana?.all.pod ?? Number.NaN)) * PERCENT,
  },
  {
    what: 'floor: false alarms as a share of theirs',
    is: 'at_most',
    reach: 33.3,
    unit: '%',
    of: ({ summary, grafana }) => (summary.falseAlarmRate / (grafana?.falseAlarmRate ?? Number.NaN)) * PERCENT,
  },
];
const COST: readonly Gate[] = [
  {
    what: 'time a bucket and code',
    is: 'at_most',
    reach: 5,
    unit: 'µs',
    isTimed: true,
    of: ({ cost }) => cost.microsecondsPerBucket,
  },
  { what: 'largest state of a code', is: 'at_most', reach: 12_000, unit: 'bytes', of: ({ cost }) => cost.stateBytesMax },
];

export function gatesFor({ suite, bucketSeconds, preset, falsePagesPerWeek }: Occasion): readonly Gate[] {
  const rest = [...FLOOR, ...COST];
  if (falsePagesPerWeek !== undefined) return [...budget(falsePagesPerWeek), ...rest];
  if (preset === 'quiet') return [...QUIET, ...rest];
  if (suite === 'worlds') return [...WORLD_GATES, ...rest];
  return bucketSeconds < 60 ? [...TEN_SECONDS, ...rest] : [...STANDARD, ...rest];
}

/** NaN (nothing to measure it on) is neither met nor short. */
export function isMet({ is, reach }: Gate, measured: number): boolean | null {
  if (Number.isNaN(measured)) return null;
  return is === 'at_most' ? measured <= reach : measured >= reach;
}

function weeksOf(grade: Grade): number {
  return grade.codeDays / grade.codes / DAYS_PER_WEEK;
}
