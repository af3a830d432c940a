/**
 * What the detector is told: bucket width and how surprised it must be before it opens a spike. Everything that follows
 * from those two (window lengths in buckets, how far rates wander within each window) is worked out once here, so that
 * the per-bucket path only multiplies. Pages a week are turned into a threshold here too, and nowhere else.
 */
import { type WindowShape, windowShapesFor } from './window-shapes.ts';

export type Preset = 'standard' | 'quiet';

export interface DetectorSettings {
  /** Width of one bucket, in seconds. */
  readonly bucketSeconds: number;
  /** Score (standard deviations, after all deductions) at which a window opens a spike. */
  readonly threshold: number;
  /** Errors a window must hold before it may open a spike, however surprising they are. */
  readonly minimumCount: number;
  /** Whether a surge must also be new: as bad as anything that came in the last weeks. */
  readonly asksNovelty: boolean;
  /** Window lengths, shortest first. */
  readonly windows: readonly WindowShape[];
  /** Buckets kept for looking back: the longest window. */
  readonly historyBucketCount: number;
}

export interface SettingsOptions {
  readonly bucketSeconds: number;
  readonly preset?: Preset;
  /** Overrides the preset. */
  readonly threshold?: number;
  /** Overrides the preset: spikes a week that nobody needed, for the whole installation. */
  readonly falsePagesPerWeek?: number;
  /** Codes that share `falsePagesPerWeek`. */
  readonly activeCodeCount?: number;
}

/** Fewer errors than this are never a spike. */
const MINIMUM_COUNT = 3;

/**
 * In buckets as wide as this a lone burst that means nothing and a fault that lasts for minutes look alike, one full
 * bucket each; whoever wants quiet is then told only of what was never as bad before.
 */
const BURST_BUCKET_SECONDS = 300;

/** Bounds of what a caller may ask for: below, noise opens spikes by the hour; above, nothing ever does. */
export const THRESHOLD_BOUNDS = { least: 1, most: 50 } as const;

interface FalseAlarmRow {
  readonly threshold: number;
  readonly perCodeDay: number;
}

/** What holds for buckets at least so wide: narrow ones are looked at more often, and bring more false alarms. */
interface WidthTable {
  readonly leastBucketSeconds: number;
  readonly presets: Readonly<Record<Preset, number>>;
  /** False alarms per code and day by threshold, lowest first, measured on two weeks of generated series. */
  readonly falseAlarms: readonly FalseAlarmRow[];
}

const WIDTH_TABLES: readonly WidthTable[] = [
  {
    // 480 series of 60 s buckets.
    leastBucketSeconds: 30,
    presets: { standard: 4.1, quiet: 4.755 },
    falseAlarms: [
      { threshold: 3.7, perCodeDay: 0.0589 },
      { threshold: 3.9, perCodeDay: 0.0275 },
      { threshold: 4.1, perCodeDay: 0.0157 },
      { threshold: 4.3, perCodeDay: 0.0072 },
      { threshold: 4.5, perCodeDay: 0.0036 },
      { threshold: 4.7, perCodeDay: 0.0017 },
      { threshold: 5.1, perCodeDay: 0.0002 },
    ],
  },
  {
    // 123 series of 10 s buckets.
    leastBucketSeconds: 1,
    presets: { standard: 4.3, quiet: 5 },
    falseAlarms: [
      { threshold: 4.2, perCodeDay: 0.0333 },
      { threshold: 4.5, perCodeDay: 0.0155 },
      { threshold: 5.1, perCodeDay: 0.003 },
    ],
  },
];

const DAYS_PER_WEEK = 7;

/** @throws RangeError when a number is outside what the detector can work with. */
export function settingsFor(options: SettingsOptions): DetectorSettings {
  const { bucketSeconds } = options;
  if (!(Number.isInteger(bucketSeconds) && bucketSeconds >= 1 && bucketSeconds <= 3600)) {
    throw new RangeError('bucketSeconds must be a whole number from 1 to 3600');
  }
  const windows = windowShapesFor(bucketSeconds);
  return {
    bucketSeconds,
    threshold: thresholdFor(options),
    minimumCount: MINIMUM_COUNT,
    asksNovelty: options.preset === 'quiet' && bucketSeconds >= BURST_BUCKET_SECONDS,
    windows,
    historyBucketCount: windows.at(-1)?.bucketCount ?? 1,
  };
}

function thresholdFor({
  bucketSeconds,
  preset = 'standard',
  threshold,
  falsePagesPerWeek,
  activeCodeCount = 1,
}: SettingsOptions): number {
  if (threshold !== undefined) {
    if (!(threshold >= THRESHOLD_BOUNDS.least && threshold <= THRESHOLD_BOUNDS.most)) {
      throw new RangeError(`threshold must be from ${THRESHOLD_BOUNDS.least} to ${THRESHOLD_BOUNDS.most}`);
    }
    return threshold;
  }
  if (falsePagesPerWeek !== undefined) {
    if (!(falsePagesPerWeek > 0 && Number.isFinite(falsePagesPerWeek))) {
      throw new RangeError('falsePagesPerWeek must be a number above 0');
    }
    return thresholdForBudget(falsePagesPerWeek / (Math.max(1, activeCodeCount) * DAYS_PER_WEEK), tableFor(bucketSeconds));
  }
  return tableFor(bucketSeconds).presets[preset];
}

/**
 * The threshold whose false alarms per code and day are `perCodeDay`: the logarithm of the rate falls nearly linearly
 * with the threshold, so the table is read with a straight line in it and carried on by its outer slope at either end.
 */
function thresholdForBudget(perCodeDay: number, { falseAlarms }: WidthTable): number {
  const { left, slope } = lineWhere(falseAlarms, (row) => row.perCodeDay <= perCodeDay);
  const threshold = left.threshold + (Math.log(perCodeDay) - Math.log(left.perCodeDay)) / slope;
  return Math.min(Math.max(threshold, THRESHOLD_BOUNDS.least), THRESHOLD_BOUNDS.most);
}

/** The other way round: how often chance alone brings a score of at least this, per code and day. */
export function falseAlarmsPerCodeDay(score: number, bucketSeconds: number): number {
  const { left, slope } = lineWhere(tableFor(bucketSeconds).falseAlarms, (row) => row.threshold >= score);
  return left.perCodeDay * Math.exp(slope * (score - left.threshold));
}

function tableFor(bucketSeconds: number): WidthTable {
  const found = WIDTH_TABLES.find(({ leastBucketSeconds }) => bucketSeconds >= leastBucketSeconds);
  if (found === undefined) throw new RangeError('no table of false alarms is that narrow');
  return found;
}

/** The line through the first row for which it holds and the row before; slope in log rate per threshold. */
function lineWhere(
  rows: readonly FalseAlarmRow[],
  isReached: (row: FalseAlarmRow) => boolean,
): { readonly left: FalseAlarmRow; readonly slope: number } {
  let [left, right] = rows;
  for (const next of rows.slice(2)) {
    if (right !== undefined && isReached(right)) break;
    [left, right] = [right, next];
  }
  if (left === undefined || right === undefined) throw new RangeError('the table of false alarms needs two rows');
  return { left, slope: Math.log(right.perCodeDay / left.perCodeDay) / (right.threshold - left.threshold) };
}
