/** PURE. How far event time may be evaluated: behind the watermark a count is taken as complete. */

/** Buckets wait so long behind the database's clock, for envelopes that are on their way. */
export const WATERMARK_LAG_MS = 15_000;
/** What the reader of a Kafka partition wrote longer ago says nothing about now. */
export const PROGRESS_FRESH_MS = 15_000;

/** Where a Kafka partition's reader stands; times in epoch milliseconds. */
export interface PartitionPlace {
  /** Kafka timestamp of the last committed record; null: none known. */
  readonly lastRecordAtMs: number | null;
  readonly isCaughtUp: boolean;
  /** Waits for an operator: the detector does not wait for it. */
  readonly isPaused: boolean;
  readonly updatedAtMs: number;
}

export interface WatermarkInput {
  /** The database's clock. */
  readonly nowMs: number;
  /** null: Kafka is not configured. */
  readonly partitions: readonly PartitionPlace[] | null;
  /** When this process started, by the database's clock. */
  readonly startedAtMs: number;
}

/** Event time up to which buckets are complete, or null while that cannot be said. */
export function watermarkOf({ nowMs, partitions, startedAtMs }: WatermarkInput): number | null {
  let watermarkMs = nowMs - WATERMARK_LAG_MS;
  if (partitions === null) return watermarkMs;
  // After a start or an outage nothing is known of any Kafka partition until a reader reports.
  if (!partitions.some(({ updatedAtMs }) => updatedAtMs >= startedAtMs)) return null;
  for (const { lastRecordAtMs, isCaughtUp, isPaused, updatedAtMs } of partitions) {
    if (isPaused || (isCaughtUp && nowMs - updatedAtMs <= PROGRESS_FRESH_MS)) continue;
    if (lastRecordAtMs === null) return null;
    watermarkMs = Math.min(watermarkMs, lastRecordAtMs);
  }
  return watermarkMs;
}
