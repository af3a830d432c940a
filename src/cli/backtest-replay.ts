/**
 * The stored counts through the detector, bucket by bucket: read and replayed a stretch at a time, each code of a stretch
 * at once, so that its state stays in the processor's cache. What was not collected is stepped over: unknown, never zero.
 */
import { coveredBuckets, type Span } from '../detect/collected.ts';
import type { Transition } from '../detect/detector.ts';
import type { Replay } from '../detect/replay.ts';
import { trafficFactors } from '../detect/traffic-line.ts';
import type { CountsByCode, CountsReader } from '../store/counts-reader.ts';

export interface ReplayPlan {
  /** Warm-up and what is reported; both ends on the grid of buckets. */
  readonly range: Span;
  readonly bucketSeconds: number;
  readonly codes: readonly string[];
}

/** One setting's view of the same counts. */
export interface Follower {
  readonly replay: Replay;
  /** In the order of event time, then of codes. */
  readonly take: (code: string, transition: Transition) => Promise<void> | void;
}

export interface ReplayWatch {
  readonly onBucket: (code: string, bucketStartSeconds: number, count: number) => void;
  /** Starts of the buckets that were collected, a stretch at a time. */
  readonly onCollected: (bucketStarts: readonly number[]) => void;
  /** Share of the range, and buckets of all codes and settings so far. */
  readonly onProgress: (share: number, stepCount: number) => void;
  readonly isOver: () => boolean;
}

/** Most buckets of all codes together in one stretch: a fraction of a second of work and some megabytes. */
const STEPS_A_STRETCH = 200_000;
const LONGEST_STRETCH_SECONDS = 24 * 3600;

/** @throws StoreUnavailable | StoreRefused. */
export async function replayStored(
  reader: CountsReader,
  plan: ReplayPlan,
  followers: readonly Follower[],
  watch: ReplayWatch,
): Promise<void> {
  const { range } = plan;
  let stepCount = 0;
  const stretches = [...stretchesOf(plan)];
  // One ahead: PostgreSQL sums the next stretch while this one is replayed.
  let next = readStretch(reader, plan, stretches[0]);
  for (const [nth, stretch] of stretches.entries()) {
    const read = await next;
    if (read === null || watch.isOver()) return;
    next = readStretch(reader, plan, stretches[nth + 1]);
    next.catch(() => {}); // Its fault is thrown where it is awaited.
    const { counts, buckets } = read;
    watch.onCollected(buckets);
    for (const follower of followers) await follow(follower, plan, read);
    for (const code of plan.codes) {
      const own = counts.get(code);
      for (const at of buckets) watch.onBucket(code, at, countAt(own, at, stretch, plan.bucketSeconds));
    }
    stepCount += buckets.length * plan.codes.length * followers.length;
    watch.onProgress((stretch.endSeconds - range.startSeconds) / (range.endSeconds - range.startSeconds), stepCount);
  }
}

async function readStretch(reader: CountsReader, plan: ReplayPlan, stretch: Span | undefined): Promise<StretchCounts | null> {
  if (stretch === undefined) return null;
  const counts = await reader.readCounts(stretch, plan.bucketSeconds, plan.codes);
  const buckets = coveredBuckets(await reader.readSpans(stretch), stretch, plan.bucketSeconds);
  return { stretch, buckets, factors: trafficFactors(await reader.readTraffic(stretch), buckets), counts };
}

interface StretchCounts {
  readonly stretch: Span;
  readonly buckets: readonly number[];
  /** What traffic multiplied the expectation of each bucket by, as live. */
  readonly factors: readonly number[];
  readonly counts: CountsByCode;
}

async function follow({ replay, take }: Follower, plan: ReplayPlan, read: StretchCounts): Promise<void> {
  const { stretch, buckets, factors, counts } = read;
  const found: { readonly code: string; readonly transition: Transition }[] = [];
  for (const code of plan.codes) {
    const own = counts.get(code);
    for (const [index, at] of buckets.entries()) {
      const { transition } = replay.feed(code, at, countAt(own, at, stretch, plan.bucketSeconds), factors[index]);
      if (transition !== null) found.push({ code, transition });
    }
  }
  found.sort((one, other) => one.transition.bucketStartSeconds - other.transition.bucketStartSeconds);
  for (const { code, transition } of found) await take(code, transition);
}

function countAt(counts: Float64Array | undefined, atSeconds: number, { startSeconds }: Span, bucketSeconds: number): number {
  return counts?.[(atSeconds - startSeconds) / bucketSeconds] ?? 0;
}

function* stretchesOf({ range, bucketSeconds, codes }: ReplayPlan): Iterable<Span> {
  const most = Math.min(STEPS_A_STRETCH / Math.max(codes.length, 1), LONGEST_STRETCH_SECONDS / bucketSeconds);
  const stretchSeconds = Math.max(Math.floor(most), 1) * bucketSeconds;
  for (let startSeconds = range.startSeconds; startSeconds < range.endSeconds; startSeconds += stretchSeconds) {
    yield { startSeconds, endSeconds: Math.min(startSeconds + stretchSeconds, range.endSeconds) };
  }
}
