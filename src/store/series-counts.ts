/** Counts as the detector reads them: of codes and of validation fields, all writers together, clocks that ran ahead left out. */
import { type Kysely, sql } from 'kysely';
import type { BucketCount } from '../alert/ports.ts';
import type { Span } from '../detect/collected.ts';
import { pairKeyOf, seriesOf, type WatchedSeries } from '../envelope/series-key.ts';
import { OTHER_FIELD } from '../envelope/validation-fields.ts';
import type { DB } from './tables.ts';

// As plain numbers: a stretch has some 100 000 rows, and making a Date of each costs more than reading them.
const NUMBERS = [
  sql<number>`extract(epoch from bucket_start)::float8`.as('start'),
  sql<number>`sum(error_count)::float8`.as('count'),
] as const;

/** @param key of the series to read; undefined: of all. */
export async function readSeriesCounts(kysely: Kysely<DB>, range: Span, key?: string): Promise<readonly BucketCount[]> {
  if (key === undefined) return [...(await readCodes(kysely, range)), ...(await readPairs(kysely, range))];
  const { code, pair } = seriesOf(key);
  return pair === null ? readCodes(kysely, range, code) : readPairs(kysely, range, pair);
}

async function readCodes(kysely: Kysely<DB>, range: Span, code?: string): Promise<readonly BucketCount[]> {
  let query = kysely
    .selectFrom('bucket_count')
    .select(['code', ...NUMBERS])
    .where('bucket_start', '>=', new Date(range.startSeconds * 1000))
    .where('bucket_start', '<', new Date(range.endSeconds * 1000))
    .where('is_clock_ahead', '=', false)
    .groupBy(['code', 'bucket_start']);
  if (code !== undefined) query = query.where('code', '=', code);
  const rows = await query.execute();
  return rows.map((row) => ({ code: row.code, bucketStartSeconds: row.start, count: row.count }));
}

/** The pair that stands for the rest is counted but not watched: its surge would name nothing. */
async function readPairs(kysely: Kysely<DB>, range: Span, pair?: WatchedSeries['pair']): Promise<readonly BucketCount[]> {
  let query = kysely
    .selectFrom('field_count')
    .select(['field', 'sub_code', ...NUMBERS])
    .where('bucket_start', '>=', new Date(range.startSeconds * 1000))
    .where('bucket_start', '<', new Date(range.endSeconds * 1000))
    .where('is_clock_ahead', '=', false)
    .where('sub_code', '<>', OTHER_FIELD.code)
    .groupBy(['field', 'sub_code', 'bucket_start']);
  if (pair) query = query.where('field', '=', pair.field).where('sub_code', '=', pair.code);
  const rows = await query.execute();
  return rows.map((row) => ({
    code: pairKeyOf({ field: row.field, code: row.sub_code }),
    bucketStartSeconds: row.start,
    count: row.count,
  }));
}
