/** A row of `envelope` as lookups read it, and as everybody else sees it. */
import type { StoredEnvelope } from '../http/ports.ts';

export const LISTED_COLUMNS = `request_id, code, status, source, message, details, service, route, method, client, release,
  traceparent, sanitized, occurred_at, received_at, (extract(epoch from occurred_at) * 1000000)::bigint as micros`;

export interface EnvelopeRow {
  readonly request_id: string;
  readonly code: string;
  readonly status: number | null;
  readonly source: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly service: string | null;
  readonly route: string | null;
  readonly method: string | null;
  readonly client: string | null;
  readonly release: string | null;
  readonly traceparent: string | null;
  readonly sanitized: readonly string[] | null;
  readonly occurred_at: Date;
  readonly received_at: Date;
  /** `occurred_at` without the loss of a Date: microseconds since the epoch, in decimal. */
  readonly micros: string;
}

export function envelopeOf(row: EnvelopeRow): StoredEnvelope {
  return {
    requestId: row.request_id,
    code: row.code,
    status: row.status,
    source: row.source,
    message: row.message,
    details: row.details,
    occurredAtMs: row.occurred_at.getTime(),
    receivedAtMs: row.received_at.getTime(),
    service: row.service,
    route: row.route,
    method: row.method,
    client: row.client,
    release: row.release,
    traceparent: row.traceparent,
    sanitized: row.sanitized ?? [],
  };
}
