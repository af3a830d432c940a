/**
 * Rows as the write statement reads them: an array a column, binary, in memory that a lane uses again and again. Dead
 * letters, which are few, go as JSON.
 */
import type { RedactedEnvelope, RejectReason } from '../envelope/schema.ts';
import type { Storable } from '../ingest/ports.ts';
import { ArrayWriter, OIDS } from './array-writer.ts';
import type { Plan } from './write-plan.ts';

export interface Row {
  /** Place among the storables of the call. */
  readonly n: number;
  readonly storable: Extract<Storable, { kind: 'envelope' }>;
  /** Place in the plan of the list of its validation fields, from 1; 0: it has none. */
  readonly fields: number;
}

const CONTEXT_FIELDS = ['service', 'route', 'method', 'client', 'release', 'traceparent'] as const;

/** @returns what makes the row parameters of one statement; they hold until it is called again. */
export function createRowColumns() {
  const requestIds = new ArrayWriter(OIDS.text);
  const codes = new ArrayWriter(OIDS.text);
  const days = new ArrayWriter(OIDS.date);
  const occurredAt = new ArrayWriter(OIDS.timestamptz);
  const receivedAt = new ArrayWriter(OIDS.timestamptz);
  const statuses = new ArrayWriter(OIDS.int4);
  const sources = new ArrayWriter(OIDS.text);
  const messages = new ArrayWriter(OIDS.text);
  const details = new ArrayWriter(OIDS.jsonb);
  const sanitized = new ArrayWriter(OIDS.text);
  const context = CONTEXT_FIELDS.map(() => new ArrayWriter(OIDS.text));
  const writers = [requestIds, codes, days, occurredAt, receivedAt, statuses, sources, messages, details];

  return function columnsOf(rows: readonly Row[]): readonly (Buffer | null)[] {
    for (const writer of writers) writer.clear();
    let hasContext = false;
    let isSanitized = false;
    for (const { storable } of rows) {
      const { envelope } = storable;
      const { receivedAtMs, source } = storable.recorded ?? storable;
      requestIds.text(envelope.requestId);
      codes.text(envelope.code);
      days.date(envelope.occurredAtMs);
      occurredAt.timestamptz(envelope.occurredAtMs, microsOf(envelope.occurredAt));
      receivedAt.timestamptz(receivedAtMs, 0);
      statuses.int4(envelope.status);
      sources.text(source);
      messages.text(envelope.message);
      details.jsonb(envelope.detailsJson);
      hasContext ||= isContextStated(envelope);
      isSanitized ||= envelope.sanitized.length > 0;
    }
    return [
      ...writers.map((writer) => writer.bytes()),
      // Columns that few envelopes fill: null where none of these does, which costs nobody anything.
      ...CONTEXT_FIELDS.map((field, at) => (hasContext ? columnOf(context[at], rows, ({ [field]: text }) => text) : null)),
      isSanitized ? columnOf(sanitized, rows, (envelope) => arrayLiteral(envelope.sanitized)) : null,
    ];
  };
}

function isContextStated({ service, route, method, client, release, traceparent }: RedactedEnvelope): boolean {
  return service !== null || route !== null || method !== null || client !== null || release !== null || traceparent !== null;
}

function columnOf(
  writer: ArrayWriter | undefined,
  rows: readonly Row[],
  textOf: (envelope: RedactedEnvelope) => string | null,
): Buffer | null {
  if (writer === undefined || rows.every(({ storable }) => textOf(storable.envelope) === null)) return null;
  writer.clear();
  for (const { storable } of rows) writer.text(textOf(storable.envelope));
  return writer.bytes();
}

/** The parameters that only batches with validation fields have. */
export function fieldColumnsOf({ rows, fields, fieldLists }: Plan): readonly unknown[] {
  const requestIds = new ArrayWriter(OIDS.text);
  const days = new ArrayWriter(OIDS.date);
  const lists = new ArrayWriter(OIDS.int4);
  for (const { storable, fields: list } of rows) {
    if (list === 0) continue;
    requestIds.text(storable.envelope.requestId);
    days.date(storable.envelope.occurredAtMs);
    lists.int4(list);
  }
  const places = fieldLists.flatMap((list, at) => list.map((place) => ({ list: at + 1, place })));
  return [
    requestIds.bytes(),
    days.bytes(),
    lists.bytes(),
    places.map(({ list }) => list),
    places.map(({ place }) => place),
    fields.map(({ field }) => field),
    fields.map(({ code }) => code),
  ];
}

/** Microseconds beyond the millisecond: the fourth to sixth digit of the fraction. */
function microsOf(occurredAt: RedactedEnvelope['occurredAt']): number {
  const end = occurredAt.length - 1; // Behind the fraction stands Z alone.
  const digitCount = end - occurredAt.lastIndexOf('.') - 1;
  return digitCount > 3 && digitCount <= 6 ? Number(occurredAt.slice(end - digitCount + 3, end).padEnd(3, '0')) : 0;
}

/** Of names that need no quotes. */
function arrayLiteral(names: readonly string[]): string | null {
  return names.length === 0 ? null : `{${names.join()}}`;
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
