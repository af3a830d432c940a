/** A spike against the traffic of its time: which share of the requests failed with its code, and which usually does. */
import type { Span } from '../detect/collected.ts';
import type { TrafficPoint } from '../detect/traffic.ts';
import { meanTraffic } from '../detect/traffic-line.ts';
import type { TrafficEvidence } from './spike.ts';

/**
 * Null when the traffic was not known throughout, or when there were more errors than requests: then what was asked for
 * does not count the requests that these errors answer.
 */
export function trafficEvidence(
  points: readonly TrafficPoint[],
  span: Span,
  { observed, expected }: { readonly observed: number; readonly expected: number },
): TrafficEvidence | null {
  const mean = meanTraffic(points, span);
  if (mean === null) return null;
  const requestCount = mean.requestsPerSecond * (span.endSeconds - span.startSeconds);
  if (requestCount < observed || requestCount <= 0) return null;
  return { ...mean, errorRatio: observed / requestCount, usualErrorRatio: expected / requestCount };
}
