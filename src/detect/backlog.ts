/**
 * The first buckets after a gap may hold what piled up during it: a scrape that failed, a consumer that was away. Such
 * counts say nothing about their own bucket, so they are taken as not collected, unless they are more than what the gap
 * can have piled up, all of them together.
 */

export interface Backlog {
  /** Buckets not collected, just before the next one. */
  gapBucketCount: number;
  /** Errors that may still come of the pile; 0 when there is none. */
  allowance: number;
  /** Until then the pile may come. */
  untilSeconds: number;
}

const PILE_TIMES = 2;
const PILE_SPARE_COUNT = 3;
/** How long a pile takes to come: so many buckets, and at least so long. */
const PILE_BUCKET_COUNT = 3;
const PILE_SECONDS = 120;

export function createBacklog(): Backlog {
  return { gapBucketCount: 0, allowance: 0, untilSeconds: 0 };
}

/** Whether the bucket is part of a pile and says nothing about itself. Uses up the allowance, in place. */
export function isPile(
  backlog: Backlog,
  bucket: { readonly startSeconds: number; readonly bucketSeconds: number; readonly count: number; readonly expected: number },
): boolean {
  const { startSeconds, bucketSeconds, count, expected } = bucket;
  if (backlog.gapBucketCount > 0) {
    backlog.allowance = PILE_TIMES * expected * (backlog.gapBucketCount + 1) + PILE_SPARE_COUNT;
    backlog.untilSeconds = startSeconds + Math.max(PILE_BUCKET_COUNT * bucketSeconds, PILE_SECONDS);
    backlog.gapBucketCount = 0;
  } else {
    if (backlog.allowance === 0) return false;
    // Its own errors and what is left of the pile.
    backlog.allowance += PILE_TIMES * expected;
    // A bucket as usual: the pile has come.
    if (startSeconds >= backlog.untilSeconds || count <= PILE_TIMES * expected) {
      backlog.allowance = 0;
      return false;
    }
  }
  const isPart = count <= backlog.allowance;
  backlog.allowance = isPart ? backlog.allowance - count : 0;
  return isPart;
}
