/**
 * Rows, counts and counters as one moment has them: everything is read in one snapshot that writes nothing, so that what
 * is written meanwhile is in all of them or in none. Rows are read once a day of event time.
 *
 * What must hold, with what retention and erasures removed: of each day, errors counted + counts removed = rows + rows
 * removed; of all, counters = counts + counts removed. Both are written in the transaction of what they count.
 */
import type { PoolClient, QueryConfig } from 'pg';
import { OTHER_FIELD, PLACE_MARK, PLACE_PATTERN, VALIDATION_CODE } from '../envelope/validation-fields.ts';
import type { Database } from './database.ts';
import { readDays } from './export-reader.ts';
import { momentOf, type RowSpan } from './row-span.ts';

/** A day of millions of rows takes its time; what hangs for longer is a fault. */
const PATIENCE_MS = 3_600_000;
/** Differences of a day that are told one by one. */
const MOST_TOLD = 20;

export interface RemovedCounts {
  readonly rowCount: number;
  readonly errorCount: number;
  readonly fieldCount: number;
}

export interface CountedDay {
  /** UTC, `YYYY-MM-DD`. */
  readonly day: string;
  readonly errorCount: number;
  readonly removed: RemovedCounts;
}

/** Ten seconds of a code, or of a field and its sub-code, in which rows and count are not the same. */
export interface Differing {
  readonly name: string;
  /** RFC 3339, UTC. */
  readonly bucketStart: string;
  readonly isClockAhead: boolean;
  readonly rowCount: number;
  readonly countedCount: number;
}

export interface Compared {
  readonly rowCount: number;
  readonly countedCount: number;
  readonly differingCount: number;
  /** The first of them. */
  readonly differing: readonly Differing[];
}

export interface ComparedDay extends Compared {
  /** Rows by the series that they are counted under, `code status`. */
  readonly series: readonly { readonly name: string; readonly count: number }[];
}

export interface Counters {
  readonly replicas: readonly { readonly replicaId: string; readonly count: number }[];
  /** By `code status`. */
  readonly errors: readonly { readonly name: string; readonly count: number }[];
  /** By `field sub-code`, with the sum of its counts. */
  readonly fields: readonly { readonly name: string; readonly count: number; readonly countedCount: number }[];
}

export interface ReconcileReader {
  /** Every day that has rows, counts or removals. */
  readonly readDays: () => Promise<readonly CountedDay[]>;
  /** Both ends of a span must lie on the grid of ten seconds that is counted by. */
  readonly compareDay: (day: string, span: RowSpan) => Promise<ComparedDay>;
  readonly compareFields: (day: string, span: RowSpan) => Promise<Compared>;
  readonly readCounters: () => Promise<Counters>;
}

const IS_WITHIN = (
  column: string,
) => `${column} >= $1::date::timestamp at time zone 'UTC' and ${column} < ($1::date + 1)::timestamp at time zone 'UTC'
  and ${column} >= coalesce($2::timestamptz, '-infinity') and ${column} < coalesce($3::timestamptz, 'infinity')`;
const BUCKET = `date_bin('10 seconds', e.occurred_at, timestamptz 'epoch')`;
const ANY_CODE = 'any code';
const IS_AHEAD = `coalesce('clock_ahead' = any(e.sanitized), false)`;

/** The end of both comparisons, behind `stored` and `counted` of (name, bucket_start, is_clock_ahead, n). */
const COMPARED = `
joined as materialized (
  select name, bucket_start, is_clock_ahead, coalesce(s.n, 0)::float8 as rows, coalesce(c.n, 0)::float8 as counted
  from stored s full join counted c using (name, bucket_start, is_clock_ahead)
)
select coalesce(sum(rows), 0) as "rowCount", coalesce(sum(counted), 0) as "countedCount",
  count(*) filter (where rows <> counted)::float8 as "differingCount",
  (select coalesce(json_agg(told), '[]') from (
    select name, to_char(bucket_start at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "bucketStart",
      is_clock_ahead as "isClockAhead", rows as "rowCount", counted as "countedCount"
    from joined where rows <> counted order by bucket_start, name limit ${MOST_TOLD}) as told) as differing`;

/**
 * $1 day, $2 from, $3 to. What a clock ahead sent is compared without its code: it is counted by name only once its code
 * came on time, and the row does not say whether it had.
 */
const COMPARE_DAY = `
with base as materialized (
  select case when ${IS_AHEAD} then '${ANY_CODE}' when not is_valid or counted.code is null then '_other' else e.code end as name,
    case when not is_valid or series.code is null then '_other _other' else e.code || ' ' || label end as series,
    ${BUCKET} as bucket_start, ${IS_AHEAD} as is_clock_ahead, count(*) as n
  from envelope e
  cross join lateral (select coalesce(e.status::text, 'unknown') as label, not coalesce('code_invalid' = any(e.sanitized), false) as is_valid) as said
  left join counted_code counted on counted.code = e.code
  left join error_series series on series.code = e.code and series.status = label
  where e.day = $1::date and ${IS_WITHIN('e.occurred_at')}
  group by 1, 2, 3, 4
), stored as (
  select name, bucket_start, is_clock_ahead, sum(n) as n from base group by 1, 2, 3
), counted as (
  select case when is_clock_ahead then '${ANY_CODE}' else code end as name, bucket_start, is_clock_ahead, sum(error_count) as n from bucket_count
  where ${IS_WITHIN('bucket_start')} group by 1, 2, 3
), ${COMPARED},
  (select coalesce(json_agg(summed), '[]') from (select series as name, sum(n)::float8 as count from base group by 1) as summed) as series
from joined`;

/** $1 day, $2 from, $3 to. Each field once a row, under the name that it is counted by. */
const COMPARE_FIELDS = `
with named as (
  select distinct e.request_id, ${BUCKET} as bucket_start, ${IS_AHEAD} as is_clock_ahead,
    coalesce(series.field || ' ' || series.sub_code, '${OTHER_FIELD.field} ${OTHER_FIELD.code}') as name
  from envelope e
  cross join lateral jsonb_array_elements(
    case when jsonb_typeof(e.details -> 'errors') = 'array' then e.details -> 'errors' else '[]' end) as item
  left join field_series series on length(item ->> 'field') <= 256
    and series.field = regexp_replace(item ->> 'field', '${PLACE_PATTERN}', '${PLACE_MARK}', 'g') and series.sub_code = item ->> 'code'
  where e.day = $1::date and e.code = '${VALIDATION_CODE}' and ${IS_WITHIN('e.occurred_at')}
    and jsonb_typeof(item -> 'field') = 'string' and jsonb_typeof(item -> 'code') = 'string'
), stored as (
  select name, bucket_start, is_clock_ahead, count(*) as n from named group by 1, 2, 3
), counted as (
  select field || ' ' || sub_code as name, bucket_start, is_clock_ahead, sum(error_count) as n from field_count
  where ${IS_WITHIN('bucket_start')} group by 1, 2, 3
), ${COMPARED}
from joined`;

const COUNTED_DAYS = `
with counted as (
  select (bucket_start at time zone 'UTC')::date as day, sum(error_count) as n from bucket_count group by 1
), fields as (
  select distinct (bucket_start at time zone 'UTC')::date as day from field_count
), removed as (
  select day, sum(row_count) as row_count, sum(error_count) as error_count, sum(field_count) as field_count from removed_count group by 1
), days as (
  select day from counted union select day from fields union select day from removed union select unnest($1::date[])
)
select days.day::text as day, coalesce(counted.n, 0)::float8 as "errorCount", json_build_object(
  'rowCount', coalesce(row_count, 0), 'errorCount', coalesce(error_count, 0), 'fieldCount', coalesce(field_count, 0)) as removed
from days left join counted on counted.day = days.day left join removed on removed.day = days.day order by days.day`;

const REPLICA_TOTALS = `
select replica_id as "replicaId", sum(total)::float8 as count from error_total group by 1 order by 1`;
const ERROR_TOTALS = `select code || ' ' || status as name, sum(total)::float8 as count from error_total group by 1 order by 1`;
const FIELD_TOTALS = `
with totals as (select field || ' ' || sub_code as name, sum(total)::float8 as n from field_total group by 1),
counted as (select field || ' ' || sub_code as name, sum(error_count)::float8 as n from field_count group by 1)
select name, coalesce(totals.n, 0) as count, coalesce(counted.n, 0) as "countedCount"
from totals full join counted using (name) order by name`;

/** Runs `work` on one snapshot. @throws StoreUnavailable | StoreRefused. */
export function withReconcileReader<T>(database: Database, work: (reader: ReconcileReader) => Promise<T>): Promise<T> {
  return database.withClient(async (client) => {
    await client.query('begin isolation level repeatable read read only');
    await client.query(`set local statement_timeout = ${PATIENCE_MS}`);
    const result = await work(createReader(client));
    await client.query('commit');
    return result;
  });
}

function createReader(client: PoolClient): ReconcileReader {
  async function query<Row extends object>(text: string, values: unknown[] = []): Promise<readonly Row[]> {
    const config: QueryConfig & { readonly query_timeout: number } = { text, values, query_timeout: PATIENCE_MS };
    return (await client.query<Row>(config)).rows;
  }
  async function one<Row extends object>(text: string, day: string, { fromMs, toMs }: RowSpan): Promise<Row> {
    const [row] = await query<Row>(text, [day, momentOf(fromMs), momentOf(toMs)]);
    if (row === undefined) throw new Error('an aggregate has one row');
    return row;
  }
  return {
    async readDays() {
      const stored = await readDays({ withClient: (read) => read(client) });
      return query<CountedDay>(COUNTED_DAYS, [stored]);
    },
    compareDay: (day, span) => one<ComparedDay>(COMPARE_DAY, day, span),
    compareFields: (day, span) => one<Compared>(COMPARE_FIELDS, day, span),
    async readCounters() {
      return {
        replicas: await query<Counters['replicas'][number]>(REPLICA_TOTALS),
        errors: await query<Counters['errors'][number]>(ERROR_TOTALS),
        fields: await query<Counters['fields'][number]>(FIELD_TOTALS),
      };
    },
  };
}
