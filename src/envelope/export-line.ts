/**
 * A stored row as one line of an export, and what an import reads of it beyond the envelope: when and by which way it
 * first came, and what was changed in it then. With that an import makes the very same row. Read only from a file that an
 * operator imports; to the webhook and to Kafka it is an unknown field like any other.
 *
 * Nothing in it can move the detector: a moment of receipt lies never ahead of our clock, and can only make an envelope
 * more ahead of its own.
 */
import { contextOf } from './context.ts';
import { type JsonObject, type JsonValue, type RedactedFields, SANITIZATIONS, type Sanitization } from './schema.ts';
import { parseTimestamp } from './timestamp.ts';

/** Name of the member beside `requestId`. */
const RECORDED_KEY = 'recorded';

export interface Recorded {
  /** Epoch milliseconds. */
  readonly receivedAtMs: number;
  /** As written; whoever uses it knows which there are. */
  readonly source: string;
  readonly sanitized: readonly Sanitization[];
}

type Kept = 'code' | 'status' | 'message' | 'detailsJson' | 'occurredAt';
type Stated = 'service' | 'route' | 'method' | 'client' | 'release' | 'traceparent';

export interface ExportedRow extends Pick<RedactedFields, Kept | Stated> {
  readonly requestId: string;
  readonly sanitized: readonly string[];
  readonly receivedAtMs: number;
  readonly source: string;
}

/** Without the line feed. */
export function exportLine(row: ExportedRow): string {
  const { requestId, code, message, detailsJson, occurredAt, status, service, route, method, client, release, traceparent } = row;
  const context = JSON.stringify(contextOf({ httpStatus: status, service, route, method, client, release, traceparent }));
  const recorded = JSON.stringify({
    receivedAt: new Date(row.receivedAtMs).toISOString(),
    source: row.source,
    ...(row.sanitized.length > 0 && { sanitized: row.sanitized }),
  });
  // By hand, since details are JSON text already.
  return (
    `{"status":"error","error":{"code":${JSON.stringify(code)},"message":${JSON.stringify(message)}` +
    `${detailsJson === '{}' ? '' : `,"details":${detailsJson}`}},"timestamp":"${occurredAt}","requestId":"${requestId}"` +
    `${context === '{}' ? '' : `,"context":${context}`},"${RECORDED_KEY}":${recorded}}`
  );
}

/** null: nothing is recorded, or not as an export writes it. */
export function readRecorded(line: JsonObject, nowMs: number): Recorded | null {
  const stated: JsonValue | undefined = line[RECORDED_KEY];
  if (typeof stated !== 'object' || stated === null || !('receivedAt' in stated)) return null;
  const { receivedAt, source, sanitized } = stated;
  const received = typeof receivedAt === 'string' ? parseTimestamp(receivedAt) : null;
  if (received === null || typeof source !== 'string') return null;
  const named = Array.isArray(sanitized) ? sanitized : [];
  return {
    receivedAtMs: Math.min(received.epochMs, nowMs),
    source,
    sanitized: SANITIZATIONS.filter((change) => named.includes(change)),
  };
}
