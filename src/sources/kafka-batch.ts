/** Turns fetched Kafka records into deliveries. Pure. */
import type { Delivery } from '../ingest/ports.ts';
import type { KafkaRecord } from './kafka-ports.ts';

/** The only headers that are passed on: context that an envelope may lack. Anything else may carry secrets. */
export const CONTEXT_HEADERS = ['httpStatus', 'service', 'route', 'method', 'client', 'release', 'traceparent'] as const;
/** A longer header value is ignored. */
export const MAX_HEADER_BYTES = 1024;
/** Deliveries handed over in one call. */
export const MAX_CHUNK_DELIVERIES = 1000;
/** Bytes handed over in one call; a single larger delivery goes alone. */
export const MAX_CHUNK_BYTES = 4 * 1024 * 1024;

export interface FetchedRecords {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly KafkaRecord[];
}

type HeaderValue = Buffer | string | (Buffer | string)[] | undefined;

/** UTF-8 text of a header; a repeated header counts by its last value, as Kafka's `lastHeader`. */
function readHeader(value: HeaderValue): string | null {
  const last = Array.isArray(value) ? value.at(-1) : value;
  if (last === undefined) return null;
  const bytes = typeof last === 'string' ? Buffer.from(last) : last;
  if (bytes.length > MAX_HEADER_BYTES) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

function readContextHeaders(headers: KafkaRecord['headers']): Record<string, string> | null {
  if (headers === undefined) return null;
  let context: Record<string, string> | null = null;
  for (const name of CONTEXT_HEADERS) {
    // Own properties only: a header named __proto__ replaces the prototype of the object that a client builds.
    const text = Object.hasOwn(headers, name) ? readHeader(headers[name]) : null;
    if (text === null) continue;
    context ??= {};
    context[name] = text;
  }
  return context;
}

/** One delivery a record, in offset order. `receivedAtMs`: our clock, epoch milliseconds. */
export function toDeliveries({ topic, partition, records }: FetchedRecords, receivedAtMs: number): readonly Delivery[] {
  return records.map((record) => {
    const headers = readContextHeaders(record.headers);
    const coordinates = { topic, partition, offset: record.offset };
    const delivery: Delivery = { source: 'kafka', bytes: record.value, receivedAtMs, coordinates };
    return headers === null ? delivery : { ...delivery, headers };
  });
}

/** Splits deliveries, order kept, so that one call is bounded in number and bytes. */
export function toChunks(deliveries: readonly Delivery[]): readonly (readonly Delivery[])[] {
  const chunks: Delivery[][] = [];
  let chunk: Delivery[] = [];
  let chunkBytes = 0;
  for (const delivery of deliveries) {
    const bytes = delivery.bytes?.byteLength ?? 0;
    if (chunk.length === MAX_CHUNK_DELIVERIES || (chunk.length > 0 && chunkBytes + bytes > MAX_CHUNK_BYTES)) {
      chunks.push(chunk);
      chunk = [];
      chunkBytes = 0;
    }
    chunk.push(delivery);
    chunkBytes += bytes;
  }
  if (chunk.length > 0) chunks.push(chunk);
  return chunks;
}

/** Kafka's timestamp of a record, epoch milliseconds; null when it has none (-1). */
function recordTimeMs(record: KafkaRecord): number | null {
  const timeMs = Number(record.timestamp);
  return record.timestamp !== '' && Number.isSafeInteger(timeMs) && timeMs >= 0 ? timeMs : null;
}

/** Kafka timestamps of the first and the last record that have one. */
export function recordTimes(records: readonly KafkaRecord[]): {
  firstRecordAtMs: number | null;
  lastRecordAtMs: number | null;
} {
  const first = records.find((record) => recordTimeMs(record) !== null);
  const last = records.findLast((record) => recordTimeMs(record) !== null);
  return {
    firstRecordAtMs: first === undefined ? null : recordTimeMs(first),
    lastRecordAtMs: last === undefined ? null : recordTimeMs(last),
  };
}
