/**
 * What is read of the stored errors for a spike's evidence: the newest rows of a stretch of event time, by index, each
 * read with a time of its own. PostgreSQL ends what takes longer, and that is an answer, not an outage.
 */
import type { PoolClient, QueryResultRow } from 'pg';
import type { SampledValues } from '../alert/dominant-detail.ts';
import type { ErrorSample, EvidenceReader } from '../alert/ports.ts';
import { validationFieldsOf } from '../envelope/validation-fields.ts';
import { type Database, sqlStateOf } from './database.ts';
import { fieldsOf } from './evidence-row.ts';
import type { JsonValue } from './tables.ts';

/** SQLSTATE of a statement that ran out of time. */
const CANCELED_STATE = '57014';
/** Longest value that is looked at as an explanation. */
const MOST_VALUE_CHARACTERS = 100;

/**
 * $1 code, $2 from, $3 to, $4 most rows. The day names the table partitions to look into. A clock that was ahead counts
 * for nothing, also not when that time comes.
 */
const newest = (columns: string, { from, to, limit } = { from: '$2', to: '$3', limit: '$4' }) => `
select ${columns} from envelope
where code = $1 and occurred_at >= ${from} and occurred_at < ${to}
  and day between ($2::timestamptz at time zone 'UTC')::date and ($3::timestamptz at time zone 'UTC')::date
  and not coalesce('clock_ahead' = any(sanitized), false)
order by occurred_at desc limit ${limit}`;

/** A sample is taken from so many equal parts of its stretch: the newest alone would be what one caller did last minute. */
const PART_COUNT = 4;
/** $1 to $4 as above. */
const SAMPLE_QUERY = `
select newest.* from generate_series(0, ${PART_COUNT - 1}) as part, lateral (
  ${newest('request_id, status, occurred_at, service, route, method, client, release, details', {
    from: `$2::timestamptz + part * ($3::timestamptz - $2::timestamptz) / ${PART_COUNT}`,
    to: `$2::timestamptz + (part + 1) * ($3::timestamptz - $2::timestamptz) / ${PART_COUNT}`,
    limit: `ceil($4::float8 / ${PART_COUNT})`,
  })}
) as newest order by occurred_at desc limit $4`;
const CLIENTS_QUERY = `
select count(*)::int as row_count, count(distinct client)::int as client_count, min(client) as client
from (${newest('client')}) as sampled`;

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
        const rows = await askInTime<SampledRow>(client, SAMPLE_QUERY, sample);
        return rows?.map((row) => ({ requestId: row.request_id, status: row.status, values: valuesOf(row) })) ?? null;
      }),
    countClients: (sample) =>
      withClient(async (client) => {
        const rows = await askInTime<ClientsRow>(client, CLIENTS_QUERY, sample);
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
  text: string,
  { code, fromMs, toMs, limit, timeoutMs }: ErrorSample,
): Promise<readonly R[] | null> {
  await client.query(`begin read only; set local statement_timeout = ${Math.ceil(timeoutMs)}`);
  try {
    const { rows } = await client.query<R>(text, [code, new Date(fromMs), new Date(toMs), limit]);
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
