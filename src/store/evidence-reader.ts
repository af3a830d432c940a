/**
 * What is read of the stored errors for a spike's evidence: the newest rows of a stretch of event time, by index, each
 * read with a time of its own. PostgreSQL ends what takes longer, and that is an answer, not an outage.
 */
import type { PoolClient, QueryResultRow } from 'pg';
import type { SampledValues } from '../alert/dominant-detail.ts';
import type { ErrorSample, EvidenceReader } from '../alert/ports.ts';
import { PLACE_MARK, PLACE_PATTERN, validationFieldsOf } from '../envelope/validation-fields.ts';
import { type Database, sqlStateOf } from './database.ts';
import { fieldsOf } from './evidence-row.ts';
import type { JsonValue } from './tables.ts';

/** SQLSTATE of a statement that ran out of time. */
const CANCELED_STATE = '57014';
/** Longest value that is looked at as an explanation. */
const MOST_VALUE_CHARACTERS = 100;

/** Whether the details name the pair, wherever in a list. */
const NAMES_PAIR = `
  and exists (
    select from jsonb_array_elements(case jsonb_typeof(details -> 'errors') when 'array' then details -> 'errors' else '[]' end) as named
    where named ->> 'code' = $6 and regexp_replace(named ->> 'field', '${PLACE_PATTERN}', '${PLACE_MARK}', 'g') = $5)`;

/**
 * $1 code, $2 from, $3 to, $4 most rows; of a pair also $5 its field and $6 its sub-code. The day names the table
 * partitions to look into. A clock that was ahead counts for nothing, also not when that time comes.
 */
interface Bounds {
  readonly from: string;
  readonly to: string;
  readonly limit: string;
}
const WHOLE: Bounds = { from: '$2', to: '$3', limit: '$4' };

const newest = (columns: string, isOfPair: boolean, { from, to, limit } = WHOLE) => `
select ${columns} from envelope
where code = $1 and occurred_at >= ${from} and occurred_at < ${to}
  and day between ($2::timestamptz at time zone 'UTC')::date and ($3::timestamptz at time zone 'UTC')::date
  and not coalesce('clock_ahead' = any(sanitized), false)${isOfPair ? NAMES_PAIR : ''}
order by occurred_at desc limit ${limit}`;

/** A sample is taken from so many equal parts of its stretch: the newest alone would be what one caller did last minute. */
const PART_COUNT = 4;
const sampleQuery = (isOfPair: boolean) => `
select newest.* from generate_series(0, ${PART_COUNT - 1}) as part, lateral (
  ${newest('request_id, status, occurred_at, service, route, method, client, release, details', isOfPair, {
    from: `$2::timestamptz + part * ($3::timestamptz - $2::timestamptz) / ${PART_COUNT}`,
    to: `$2::timestamptz + (part + 1) * ($3::timestamptz - $2::timestamptz) / ${PART_COUNT}`,
    limit: `ceil($4::float8 / ${PART_COUNT})`,
  })}
) as newest order by occurred_at desc limit $4`;
const clientsQuery = (isOfPair: boolean) => `
select count(*)::int as row_count, count(distinct client)::int as client_count, min(client) as client
from (${newest('client', isOfPair)}) as sampled`;

interface SampledRow extends QueryResultRow {
  readonly request_id: string;
  readonly status: number | null;
  readonly service: string | null;
  readonly route: string | null;
  readonly method: string | null;
  readonly client: string | null;
  readonly release: string | null;
  readonly details: JsonValue;
}
interface ClientsRow extends QueryResultRow {
  readonly row_count: number;
  readonly client_count: number;
  readonly client: string | null;
}

export function createEvidenceReader({ withClient }: Pick<Database, 'withClient'>): EvidenceReader {
  return {
    sampleErrors: (sample) =>
      withClient(async (client) => {
        const rows = await askInTime<SampledRow>(client, sampleQuery, sample);
        return rows?.map((row) => ({ requestId: row.request_id, status: row.status, values: valuesOf(row) })) ?? null;
      }),
    countClients: (sample) =>
      withClient(async (client) => {
        const rows = await askInTime<ClientsRow>(client, clientsQuery, sample);
        const [row] = rows ?? [];
        if (row === undefined) return null;
        const count = row.client_count;
        return { count, isLeast: row.row_count >= sample.limit, only: count === 1 ? row.client : null };
      }),
  };
}

/** null: it took too long. */
async function askInTime<R extends QueryResultRow>(
  client: PoolClient,
  query: (isOfPair: boolean) => string,
  { code, pair, fromMs, toMs, limit, timeoutMs }: ErrorSample,
): Promise<readonly R[] | null> {
  await client.query(`begin read only; set local statement_timeout = ${Math.ceil(timeoutMs)}`);
  try {
    const { rows } = await client.query<R>(query(pair !== null), [
      ...[code, new Date(fromMs), new Date(toMs), limit],
      ...(pair === null ? [] : [pair.field, pair.code]),
    ]);
    await client.query('commit');
    return rows;
  } catch (error) {
    if (sqlStateOf(error) !== CANCELED_STATE) throw error;
    await client.query('rollback');
    return null;
  }
}

function valuesOf({ details, service, route, method, client, release }: SampledRow): SampledValues {
  const fields = validationFieldsOf(details);
  return [
    ...scalarsOf({ service, route, method, client, release }, ''),
    ...scalarsOf(fieldsOf(details), 'details.'),
    ...fields.map(({ field, code }) => ['field', `${field} ${code}`] as const),
  ];
}

/** Values short enough to be compared and shown. */
function scalarsOf(fields: Readonly<Record<string, JsonValue | undefined>>, prefix: string): SampledValues {
  return Object.entries(fields).flatMap(([key, value]) =>
    (typeof value === 'string' && value.length <= MOST_VALUE_CHARACTERS) ||
    typeof value === 'number' ||
    typeof value === 'boolean'
      ? [[`${prefix}${key}`, String(value)] as const]
      : [],
  );
}
