/** Storables as the two JSON texts that the write statement reads. By hand, since details are JSON text already. */
import { REDACTION_VERSION } from '../envelope/redact.ts';
import type { RedactedEnvelope, RejectReason } from '../envelope/schema.ts';
import type { Storable } from '../ingest/ports.ts';

export interface Row {
  /** Place among the storables of the call. */
  readonly n: number;
  readonly storable: Extract<Storable, { kind: 'envelope' }>;
  /** How many other codes of the same requestId and day stand before it in the batch. */
  readonly rank: number;
  /** Places of its validation fields in the plan, from 1. */
  readonly fields: readonly number[];
}

export function rowsJson(rows: readonly Row[]): string {
  let json = '[';
  for (const { n, storable, rank, fields } of rows) {
    const { envelope, receivedAtMs, source } = storable;
    if (json.length > 1) json += ',';
    json += `{"n":${n},"r":"${envelope.requestId}","c":${JSON.stringify(envelope.code)},"d":"${envelope.day}","o":"${envelope.occurredAt}","v":${receivedAtMs / 1000}`;
    json += `,"s":${envelope.status},"src":"${source}","m":${JSON.stringify(envelope.message)},"j":${envelope.detailsJson}`;
    json += contextJson(envelope);
    if (envelope.sanitized.length > 0) json += `,"z":${JSON.stringify(envelope.sanitized)}`;
    if (fields.length > 0) json += `,"f":[${fields.join()}]`;
    json += `,"rv":${REDACTION_VERSION},"rank":${rank}}`;
  }
  return `${json}]`;
}

function contextJson({ service, route, method, client, release, traceparent }: RedactedEnvelope): string {
  let json = '';
  if (service !== null) json += `,"sv":${JSON.stringify(service)}`;
  if (route !== null) json += `,"ro":${JSON.stringify(route)}`;
  if (method !== null) json += `,"me":${JSON.stringify(method)}`;
  if (client !== null) json += `,"cl":${JSON.stringify(client)}`;
  if (release !== null) json += `,"re":${JSON.stringify(release)}`;
  if (traceparent !== null) json += `,"tp":${JSON.stringify(traceparent)}`;
  return json;
}

/** A dead letter to be: a delivery that was rejected before the store, or that the store turned down. */
export interface DeadRow {
  readonly n: number;
  readonly storable: Storable;
  readonly reason: RejectReason;
}

export function deadLettersJson(rows: readonly DeadRow[]): string {
  return JSON.stringify(
    rows.map(({ n, storable, reason }) => ({
      n,
      src: storable.source,
      reason,
      t: storable.coordinates?.topic ?? null,
      p: storable.coordinates?.partition ?? null,
      o: storable.coordinates?.offset ?? null,
      b: storable.sizeBytes,
      h: Buffer.from(storable.digest()).toString('hex'),
      r: storable.kind === 'envelope' ? storable.envelope.requestId : storable.requestId,
      v: storable.receivedAtMs / 1000,
    })),
  );
}
