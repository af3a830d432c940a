/**
 * Whether a code has been worse before. A surge may stand out from its baseline every day on a code that bursts every
 * day; one that beats everything of the last weeks is news on any code. Three spans are watched, each with the largest
 * count that it ever held; records fade, so that what was long ago may be news again.
 */

export interface Novelty {
  /** Counts of the newest quarters of an hour, oldest first; the last is in progress. */
  quarters: number[];
  /** Start of the quarter in progress; null before the first bucket. */
  quarterSeconds: number | null;
  /** Largest sums so far by span, in errors. */
  records: number[];
}

const QUARTER_SECONDS = 15 * 60;
/** 15 minutes, 1 hour, 4 hours. */
const SPAN_QUARTERS = [1, 4, 16] as const;
const QUARTER_COUNT = 16;
const KEEP_PER_QUARTER = 2 ** (-QUARTER_SECONDS / (30 * 86400));

export function createNovelty(): Novelty {
  return { quarters: [0], quarterSeconds: null, records: SPAN_QUARTERS.map(() => 0) };
}

/** Adds a bucket; a quarter that is complete becomes part of the records. */
export function rememberForNovelty(novelty: Novelty, bucketStartSeconds: number, count: number): void {
  const quarter = Math.floor(bucketStartSeconds / QUARTER_SECONDS) * QUARTER_SECONDS;
  novelty.quarterSeconds ??= quarter;
  const passed = (quarter - novelty.quarterSeconds) / QUARTER_SECONDS;
  for (let nth = 0; nth < Math.min(passed, QUARTER_COUNT); nth += 1) completeQuarter(novelty);
  novelty.quarterSeconds = quarter;
  const last = novelty.quarters.length - 1;
  novelty.quarters[last] = (novelty.quarters[last] ?? 0) + count;
}

function completeQuarter(novelty: Novelty): void {
  for (const [nth, quarters] of SPAN_QUARTERS.entries()) {
    novelty.records[nth] = Math.max((novelty.records[nth] ?? 0) * KEEP_PER_QUARTER, sumOfLast(novelty.quarters, quarters));
  }
  novelty.quarters.push(0);
  if (novelty.quarters.length > QUARTER_COUNT) novelty.quarters.shift();
}

/** Largest ratio of what came in a span to the most that ever came in one as long: above 1, it has never been worse. */
export function noveltyOf(novelty: Novelty): number {
  let most = 0;
  for (const [nth, quarters] of SPAN_QUARTERS.entries()) {
    const record = novelty.records[nth] ?? 0;
    const sum = sumOfLast(novelty.quarters, quarters);
    most = Math.max(most, record > 0 ? sum / record : sum > 0 ? Number.POSITIVE_INFINITY : 0);
  }
  return most;
}

function sumOfLast(values: readonly number[], count: number): number {
  let sum = 0;
  for (let index = Math.max(0, values.length - count); index < values.length; index += 1) sum += values[index] ?? 0;
  return sum;
}
