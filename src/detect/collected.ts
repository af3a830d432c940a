/**
 * Which event time was collected at all: outside every collected span a missing error is unknown and never zero. The
 * service and a backtest of its counts read it here, so that both take the same buckets for known.
 */

/** Half open, epoch seconds. */
export interface Span {
  readonly startSeconds: number;
  readonly endSeconds: number;
}

/** Starts of the buckets of `range` that lie whole inside the spans taken together. */
export function coveredBuckets(spans: readonly Span[], range: Span, bucketSeconds: number): number[] {
  const starts: number[] = [];
  let next = range.startSeconds;
  for (const run of join(spans)) {
    while (next < run.startSeconds) next += bucketSeconds;
    const until = Math.min(run.endSeconds, range.endSeconds);
    for (; next + bucketSeconds <= until; next += bucketSeconds) starts.push(next);
  }
  return starts;
}

/** How much of `range` lies inside the spans taken together. */
export function collectedSeconds(spans: readonly Span[], { startSeconds, endSeconds }: Span): number {
  let seconds = 0;
  for (const run of join(spans)) {
    seconds += Math.max(0, Math.min(run.endSeconds, endSeconds) - Math.max(run.startSeconds, startSeconds));
  }
  return seconds;
}

/** Overlapping and touching spans as one; ascending. */
function join(spans: readonly Span[]): readonly Span[] {
  const joined: Span[] = [];
  for (const span of spans.toSorted((one, other) => one.startSeconds - other.startSeconds)) {
    const last = joined.at(-1);
    if (last === undefined || span.startSeconds > last.endSeconds) joined.push(span);
    else joined[joined.length - 1] = { ...last, endSeconds: Math.max(last.endSeconds, span.endSeconds) };
  }
  return joined;
}
