/**
 * The first bucket after a gap may hold what piled up during it: a scrape that failed, a consumer that was away. Such a
 * count says nothing about its own bucket, so it is taken as not collected unless it is more than a backlog explains.
 */

const BACKLOG_TIMES = 2;
const BACKLOG_SPARE_COUNT = 3;

/** @param gapBucketCount buckets not collected just before this one. */
export function isBacklog(count: number, expected: number, gapBucketCount: number): boolean {
  return gapBucketCount > 0 && count <= BACKLOG_TIMES * expected * (gapBucketCount + 1) + BACKLOG_SPARE_COUNT;
}
