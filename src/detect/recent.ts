/**
 * What the detector can still look back on: the last hour of counts with what the baseline expected of each, and a minute
 * apart the deviation as it then stood. Rings, so that a bucket costs the same however old the code is. Numbers are
 * rounded as they enter, because the rings are most of a stored state and its text must stay short.
 */

import type { Deviation } from './deviation.ts';
import { roundTo } from './rounding.ts';
import type { DetectorSettings } from './settings.ts';
import { bucketCountOf } from './window-shapes.ts';

export interface Recent {
  /** Buckets ever remembered; the newest has index `bucketCount - 1`. */
  bucketCount: number;
  /** By index modulo length; UNKNOWN where the bucket was not collected. */
  counts: number[];
  /** Baseline of each bucket without deviation; UNKNOWN while nothing was learnt. */
  expected: number[];
  /** By minute; the last value of each minute. */
  deviations: number[];
  variances: number[];
  /** What traffic multiplied the expectation by, by minute as the deviation; empty while that was never anything but 1. */
  trafficFactors: number[];
}

export const UNKNOWN = -1;

const MINUTE_SECONDS = 60;
const SIGNIFICANT_DIGITS = 5;
const DEVIATION_RESOLUTION = 1e4;
const VARIANCE_RESOLUTION = 1e6;
const FACTOR_RESOLUTION = 1e4;
/** The minute in progress and the one a window's start may lie in. */
const SPARE_MINUTES = 2;

export function createRecent(settings: DetectorSettings): Recent {
  const length = settings.historyBucketCount;
  const minutes = Math.ceil(length / minuteBucketCount(settings)) + SPARE_MINUTES;
  return {
    bucketCount: 0,
    counts: new Array<number>(length).fill(UNKNOWN),
    expected: new Array<number>(length).fill(UNKNOWN),
    deviations: new Array<number>(minutes).fill(0),
    variances: new Array<number>(minutes).fill(0),
    trafficFactors: [],
  };
}

export function rememberBucket(recent: Recent, count: number | null, expected: number | null): void {
  const slot = recent.bucketCount % recent.counts.length;
  recent.counts[slot] = count ?? UNKNOWN;
  recent.expected[slot] = expected === null ? UNKNOWN : significant(expected);
  recent.bucketCount += 1;
}

/** Keeps what traffic made of the newest bucket's expectation. An installation that knows no traffic pays nothing for it. */
export function rememberTraffic(recent: Recent, settings: DetectorSettings, factor: number): void {
  if (recent.trafficFactors.length === 0) {
    if (factor === 1) return;
    recent.trafficFactors = new Array<number>(recent.deviations.length).fill(1);
  }
  const slot = Math.floor((recent.bucketCount - 1) / minuteBucketCount(settings)) % recent.trafficFactors.length;
  recent.trafficFactors[slot] = roundTo(factor, FACTOR_RESOLUTION);
}

/** What traffic multiplied the expectation of bucket `index` by, to the minute. */
export function trafficFactorOf(recent: Recent, settings: DetectorSettings, index: number): number {
  const { trafficFactors } = recent;
  if (trafficFactors.length === 0) return 1;
  return trafficFactors[Math.floor(index / minuteBucketCount(settings)) % trafficFactors.length] ?? 1;
}

/** Keeps the deviation as it stands after the newest bucket. */
export function rememberDeviation(recent: Recent, settings: DetectorSettings, deviation: Deviation): void {
  const slot = Math.floor((recent.bucketCount - 1) / minuteBucketCount(settings)) % recent.deviations.length;
  recent.deviations[slot] = roundTo(deviation.value, DEVIATION_RESOLUTION);
  recent.variances[slot] = roundTo(deviation.variance, VARIANCE_RESOLUTION);
}

/** Where to find the deviation as it stood at the end of the last whole minute before bucket `index`; UNKNOWN before the first. */
export function deviationSlotBefore(recent: Recent, settings: DetectorSettings, index: number): number {
  const minute = Math.floor(index / minuteBucketCount(settings)) - 1;
  return minute < 0 ? UNKNOWN : minute % recent.deviations.length;
}

function minuteBucketCount(settings: DetectorSettings): number {
  return bucketCountOf(MINUTE_SECONDS, settings.bucketSeconds);
}

function significant(value: number): number {
  if (value <= 0) return 0;
  const digits = SIGNIFICANT_DIGITS - 1 - Math.floor(Math.log10(value));
  if (digits <= 0) return Math.round(value);
  const scale = 10 ** digits;
  return roundTo(value, scale);
}
