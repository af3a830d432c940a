/**
 * Rows for lookups, made by SQL in the service's own tables: the documented codes over the last seven days up to now, in
 * the order in which they would have come, with details, context and 500 clients, and the counts that belong to them.
 * Two connections take turns. Vacuumed and analyzed at the end, as autovacuum would have done long since.
 */
import pg from 'pg';

const DAYS = 7;
const CONNECTIONS = 2;
/** In one statement; bounds what a statement holds and shows that it goes on. */
const ROWS_A_STATEMENT = 500_000;

/** Rows of the service's own table for `numbered`, a query of (n, kind, at): number, one of eight kinds from 0, and moment. */
export function insertOf(numbered: string): string {
  return `
with kinds(kind, code, status, message, details) as (values
  (0, 'INVALID_CREDENTIALS', 401, 'Invalid email or password', '{}'),
  (1, 'TOKEN_EXPIRED', 401, 'Access token has expired. Use refresh token to obtain a new one.', '{}'),
  (2, 'TRUNK_NOT_FOUND', 404, 'SIP trunk not found', '{"trunkId":"TRK_invalid123"}'),
  (3, 'DUPLICATE_USERNAME', 409, 'Username already exists', '{"suggestion":"Try mytrunk2","username":"mytrunk"}'),
  (4, 'INSUFFICIENT_BALANCE', 402, 'Insufficient balance to purchase phone number', '{"available":450,"currency":"USD","required":1000,"shortfall":550}'),
  (5, 'PAYMENT_FAILED', 402, 'Payment declined by gateway', '{"gateway":"razorpay","reason":"Insufficient funds in linked account"}'),
  (6, 'RATE_LIMIT_EXCEEDED', 429, 'CPS limit exceeded for this trunk', '{"current":15,"limit":10,"limitType":"cps","retryAfter":1}'),
  (7, 'VALIDATION_ERROR', 422, 'Request validation failed', '{"errors":[{"code":"MIN_LENGTH","field":"password","message":"Password must be at least 8 characters"}]}')
), numbered as (${numbered})
insert into envelope (request_id, code, day, occurred_at, received_at, status, source, message, details,
  service, route, method, client, release, redaction_version)
select 'req_' || substr(md5(n::text), 1, 16), code, (at at time zone 'UTC')::date, at, at + interval '200 ms', status, 'kafka', message,
  details::jsonb, 'billing', '/v1/numbers', 'POST', 'client_' || n * 31 % 500, '2026.11', 1
from numbered join kinds using (kind) order by n`;
}

/** $1 first and $2 last number, $3 rows in all, $4 the end of the span. */
const INSERT_ROWS = insertOf(`
  select n, (n * 7919 % 8)::int as kind, $4::timestamptz - (1 - n / $3::float8) * interval '${DAYS} days' as at
  from generate_series($1::bigint, $2::bigint) as n`);

const INSERT_COUNTS = `
insert into bucket_count (code, bucket_start, is_clock_ahead, replica_id, lane, error_count)
select code, date_bin('10 seconds', occurred_at, timestamptz 'epoch') as bucket_start, false, 'bench', 0, count(*)
from envelope group by code, bucket_start`;

export async function fillRows(connectionString: string, rowCount: number): Promise<void> {
  const values = [rowCount, new Date()];
  await insertNumbered(connectionString, { text: INSERT_ROWS, first: 1, last: rowCount, values });
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    await client.query(INSERT_COUNTS);
    await client.query('vacuum (analyze) envelope, bucket_count');
    await client.query('checkpoint');
  } finally {
    await client.end();
  }
}

export interface NumberedInsert {
  /** $1 first and $2 last number, then the values. */
  readonly text: string;
  readonly first: number;
  readonly last: number;
  readonly values: readonly unknown[];
}

/** Part by part, on a few connections at once. */
export async function insertNumbered(connectionString: string, { text, first, last, values }: NumberedInsert): Promise<void> {
  const clients = Array.from({ length: CONNECTIONS }, () => new pg.Client({ connectionString }));
  await Promise.all(clients.map((client) => client.connect()));
  const share = Math.min(ROWS_A_STATEMENT, Math.ceil((last - first + 1) / CONNECTIONS));
  let next = first;
  async function fillInTurn(client: pg.Client): Promise<void> {
    while (next <= last) {
      const from = next;
      next += share;
      await client.query(text, [from, Math.min(from + share - 1, last), ...values]);
    }
  }
  try {
    await Promise.all(clients.map(fillInTurn));
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}

/** Existing ids from anywhere in the table, in random order; other ones at each call. */
export async function sampleIds(client: pg.Client, rowCount: number, count: number): Promise<readonly string[]> {
  const numbers = Array.from({ length: count }, () => 1 + Math.floor(Math.random() * rowCount));
  const { rows } = await client.query<{ id: string }>(
    `select 'req_' || substr(md5(n::text), 1, 16) as id from unnest($1::bigint[]) as n`,
    [numbers],
  );
  return rows.map(({ id }) => id);
}
