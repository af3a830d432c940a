/** PURE. A stretch of event time as the states go through it: what is the same for all codes. */
import { coveredBuckets, type Span } from '../detect/collected.ts';
import type { TrafficPoint } from '../detect/traffic.ts';
import { trafficFactors } from '../detect/traffic-line.ts';

export const BUCKET_SECONDS = 10;

export interface Surroundings {
  readonly range: Span;
  /** What was collected of it. */
  readonly spans: readonly Span[];
  /** How busy the API was, as far as that is known: the newest point before the range, and those in it. */
  readonly traffic: readonly TrafficPoint[];
}

export interface Way {
  readonly buckets: readonly number[];
  /** What traffic multiplies the expectation of each bucket by. */
  readonly factors: readonly number[];
  readonly untilSeconds: number;
}

export function wayOf({ range, spans, traffic }: Surroundings): Way {
  const buckets = coveredBuckets(spans, range, BUCKET_SECONDS);
  return { buckets, factors: trafficFactors(traffic, buckets), untilSeconds: range.endSeconds };
}
