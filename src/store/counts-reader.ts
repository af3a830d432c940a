/**
 * The stored counts for a backtest: summed by PostgreSQL to the width of its buckets, a stretch of event time at a time,
 * so that memory holds one stretch however long the whole is. Counts of clocks that ran ahead are left out, as live.
 */
import { sql } from 'kysely';
import type { Span } from '../detect/collected.ts';
import type { TrafficPoint } from '../detect/traffic.ts';
import type { Database } from './database.ts';
import { createDetectionStore } from './detection-store.ts';
import { createTrafficStore } from './traffic-store.ts';

/** Errors of one code by bucket of the stretch; a bucket without an error holds 0. */
export type CountsByCode = ReadonlyMap<string, Float64Array>;

export interface CountsReader {
  /** Start of the earliest stored bucket from then on; null: there is none. */
  readonly readEarliestSeconds: (fromSeconds: number) => Promise<number | null>;
  /** Up to where the detector has evaluated: later counts may not be complete. null: it never has. */
  readonly readEvaluatedUntilSeconds: () => Promise<number | null>;
  /** Codes that had an error in the span. */
  readonly readCodes: (span: Span) => Promise<readonly string[]>;
  /** Of these codes, in the buckets that begin at the span's start and every `bucketSeconds` after it. */
  readonly readCounts: (span: Span, bucketSeconds: number, codes: readonly string[]) => Promise<CountsByCode>;
  readonly readSpans: (span: Span) => Promise<readonly Span[]>;
  /** Points of the span and the one before it, ascending. */
  readonly readTraffic: (span: Span) => Promise<readonly TrafficPoint[]>;
}

/** Every method @throws StoreUnavailable | StoreRefused. */
export function createCountsReader(database: Database): CountsReader {
  const { kysely } = database;
  const detection = createDetectionStore(database);
  return {
    async readEarliestSeconds(fromSeconds) {
      const earliestMs = await detection.readEarliestBucket(fromSeconds * 1000);
      return earliestMs === null ? null : earliestMs / 1000;
    },
    async readEvaluatedUntilSeconds() {
      const { evaluatedUntilMs } = await detection.readProgress();
      return evaluatedUntilMs === null ? null : evaluatedUntilMs / 1000;
    },
    async readCodes({ startSeconds, endSeconds }) {
      // From code to code through the primary key: `distinct` would read every row.
      const { rows } = await sql<{ code: string }>`
        with recursive known as (
          (select code from bucket_count order by code limit 1)
          union all
          select (select code from bucket_count where code > known.code order by code limit 1) from known where code is not null
        )
        select code from known where code is not null and exists (
          select from bucket_count where bucket_count.code = known.code and not is_clock_ahead
            and bucket_start >= to_timestamp(${startSeconds}::float8) and bucket_start < to_timestamp(${endSeconds}::float8)
        )`.execute(kysely);
      return rows.map(({ code }) => code);
    },
    async readCounts(span, bucketSeconds, codes) {
      const { startSeconds, endSeconds } = span;
      const { rows } = await sql<{ code: string; bucket: number; count: number }>`
        select code, floor((extract(epoch from bucket_start)::float8 - ${startSeconds}::float8) / ${bucketSeconds}::float8)::int as bucket,
          sum(error_count)::float8 as count
        from bucket_count
        where bucket_start >= to_timestamp(${startSeconds}::float8) and bucket_start < to_timestamp(${endSeconds}::float8)
          and not is_clock_ahead and code = any(${codes}::text[])
        group by 1, 2`.execute(kysely);
      const byCode = new Map<string, Float64Array>();
      const bucketCount = Math.ceil((endSeconds - startSeconds) / bucketSeconds);
      for (const { code, bucket, count } of rows) {
        let counts = byCode.get(code);
        if (counts === undefined) {
          counts = new Float64Array(bucketCount);
          byCode.set(code, counts);
        }
        counts[bucket] = count;
      }
      return byCode;
    },
    readSpans: (span) => detection.readSpans(span),
    readTraffic: createTrafficStore(database).readTraffic,
  };
}
