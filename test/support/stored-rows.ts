/** Rows of the database beside what they should be, in one shape that a test can compare. */
import type { RedactedEnvelope } from '../../src/envelope/schema.ts';
import type { TestDatabase } from './postgres.ts';

export type ComparableRow = Readonly<Record<string, unknown>>;

const QUERY = `select request_id, code, day::text, floor(extract(epoch from occurred_at) * 1000)::bigint::text as ms, status, message,
  details, service, route, method, client, release, traceparent, coalesce(sanitized, '{}') as sanitized from envelope`;

/** Every row, by its identity. */
export async function readRows({ query }: Pick<TestDatabase, 'query'>): Promise<ReadonlyMap<string, ComparableRow>> {
  const rows = await query(QUERY);
  return new Map(rows.map((row) => [`${row['request_id']} ${row['day']} ${row['code']}`, row]));
}

export function keyOf({ requestId, day, code }: RedactedEnvelope): string {
  return `${requestId} ${day} ${code}`;
}

/** The row that the store must make of it. */
export function comparable(row: RedactedEnvelope): ComparableRow {
  const { code, day, status, message, service, route, method, client, release, traceparent, sanitized } = row;
  return {
    request_id: row.requestId,
    code,
    day,
    ms: String(row.occurredAtMs),
    status,
    message,
    details: JSON.parse(row.detailsJson),
    service,
    route,
    method,
    client,
    release,
    traceparent,
    sanitized: [...sanitized],
  };
}
