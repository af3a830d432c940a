/** Traffic over a stretch of event time, read off the points that were kept of it; points are ascending. */
import type { Span } from './collected.ts';
import { factorAt, type TrafficPoint } from './traffic.ts';

/** A point says what the traffic was for so long; after that the traffic is not known. */
const POINT_VALID_SECONDS = 120;

/** What to multiply the expectation of each bucket by; `points` begin with the newest that is not later than the first bucket. */
export function trafficFactors(points: readonly TrafficPoint[], buckets: readonly number[]): readonly number[] {
  let next = 0;
  let newest: TrafficPoint | null = null;
  return buckets.map((bucket) => {
    for (let point = points[next]; point !== undefined && point.atSeconds <= bucket; point = points[next]) {
      newest = point;
      next += 1;
    }
    return factorAt(newest, bucket);
  });
}

export interface MeanTraffic {
  readonly requestsPerSecond: number;
  readonly usualPerSecond: number | null;
}

/** Null when it was not known for all of the span. */
export function meanTraffic(points: readonly TrafficPoint[], { startSeconds, endSeconds }: Span): MeanTraffic | null {
  let requests = 0;
  let usual: number | null = 0;
  let seconds = 0;
  for (const [index, point] of points.entries()) {
    const untilSeconds = Math.min(points[index + 1]?.atSeconds ?? endSeconds, point.atSeconds + POINT_VALID_SECONDS, endSeconds);
    const held = untilSeconds - Math.max(point.atSeconds, startSeconds);
    if (held <= 0) continue;
    requests += point.requestsPerSecond * held;
    usual = usual === null || point.usualPerSecond === null ? null : usual + point.usualPerSecond * held;
    seconds += held;
  }
  if (seconds < endSeconds - startSeconds || seconds === 0) return null;
  return { requestsPerSecond: requests / seconds, usualPerSecond: usual === null ? null : usual / seconds };
}
