/** Turns what @platformatic/kafka fetched of one Kafka partition into a batch of ours. Pure. */
import { type Consumer, IS_CONTROL, IS_TRANSACTIONAL, type RecordsBatch } from '@platformatic/kafka';
import type { KafkaBatch, KafkaRecord, RefusedBatch } from '../kafka-ports.ts';
import { isBlank } from './codecs.ts';

/** The only record format that the library reads, of Kafka 0.11 and later. */
const MAGIC = 2;
/** Attribute bit: the broker's clock stamped the batch, and its records carry no times of their own. */
const IS_LOG_APPEND_TIME = 1 << 3;
/** Where a control record's key says what it marks, and the value for an aborted transaction. */
const CONTROL_TYPE_AT = 2;
const CONTROL_ABORT = 0;

export type FetchedPartition = Awaited<ReturnType<Consumer['fetch']>>['responses'][number]['partitions'][number];
export type FetchedBatch = Pick<KafkaBatch, 'partition' | 'records' | 'firstOffset' | 'lastOffset' | 'highWatermark'>;

/** A batch to hand over, or the one that stands where reading is to go on and cannot be opened. */
export type Fetched =
  | { readonly kind: 'batch'; readonly batch: FetchedBatch }
  | { readonly kind: 'refused'; readonly batch: RefusedBatch };

type Headers = Exclude<KafkaRecord['headers'], undefined>;

/** A repeated header becomes a list. Without a prototype, so that a header of any name is just a key. */
function toHeaders(pairs: RecordsBatch['records'][number]['headers']): Headers {
  const headers: Record<string, Buffer | Buffer[]> = Object.create(null);
  for (const [key, value] of pairs) {
    if (key === null || value === null) continue;
    const name = key.toString();
    const earlier = headers[name];
    if (earlier === undefined) headers[name] = value;
    else if (Array.isArray(earlier)) earlier.push(value);
    else headers[name] = [earlier, value];
  }
  return headers;
}

function toRecords(batch: RecordsBatch, from: bigint): readonly KafkaRecord[] {
  const first = Number(batch.firstOffset);
  const isExact = Number.isSafeInteger(first + batch.lastOffsetDelta);
  const isStampedByBroker = (batch.attributes & IS_LOG_APPEND_TIME) !== 0;
  const firstTime = Number(batch.firstTimestamp);
  const records: KafkaRecord[] = [];
  for (const { offsetDelta, timestampDelta, key, value, headers } of batch.records) {
    if (batch.firstOffset + BigInt(offsetDelta) < from) continue;
    records.push({
      offset: isExact ? `${first + offsetDelta}` : `${batch.firstOffset + BigInt(offsetDelta)}`,
      timestamp: isStampedByBroker ? `${batch.maxTimestamp}` : `${firstTime + Number(timestampDelta)}`,
      key,
      value,
      ...(headers.length === 0 ? {} : { headers: toHeaders(headers), allHeaders: [...headers] }),
    });
  }
  return records;
}

const lastOffsetOf = (batch: RecordsBatch) => batch.firstOffset + BigInt(batch.lastOffsetDelta);

/**
 * The records that may be read: those of aborted transactions and control records are left out, their offsets are not. The
 * library's own filter knows one aborted transaction a producer and lets one pass whose end is not fetched yet.
 */
function readCommitted(batches: readonly RecordsBatch[], aborted: FetchedPartition['abortedTransactions'], from: bigint) {
  const begun = (aborted ?? []).toSorted((a, b) => Number(a.firstOffset - b.firstOffset));
  const abortedProducers = new Set<bigint>();
  return batches.flatMap((batch) => {
    for (let next = begun[0]; next !== undefined && next.firstOffset <= lastOffsetOf(batch); next = begun[0]) {
      abortedProducers.add(next.producerId);
      begun.shift();
    }
    if ((batch.attributes & IS_CONTROL) !== 0) {
      if (batch.records[0]?.key?.readInt16BE(CONTROL_TYPE_AT) === CONTROL_ABORT) abortedProducers.delete(batch.producerId);
      return [];
    }
    const isAborted = (batch.attributes & IS_TRANSACTIONAL) !== 0 && abortedProducers.has(batch.producerId);
    return isAborted ? [] : toRecords(batch, from);
  });
}

/** What one fetch brought of a Kafka partition that was asked for from `from` on; null: nothing. */
export function readFetched(fetched: FetchedPartition, from: bigint): Fetched | null {
  const all = (fetched.records ?? []).filter((batch) => lastOffsetOf(batch) >= from);
  const bad = all.findIndex((batch) => batch.magic !== MAGIC || isBlank(batch));
  const batches = bad === -1 ? all : all.slice(0, bad);
  const [first = all[0]] = batches;
  if (first === undefined) return null;
  const { partitionIndex: partition, highWatermark } = fetched;
  const firstOffset = first.firstOffset < from ? from : first.firstOffset;
  const lastOffset = lastOffsetOf(batches.at(-1) ?? first);
  if (batches.length > 0) {
    const records = readCommitted(batches, fetched.abortedTransactions, from);
    return { kind: 'batch', batch: { partition, records, firstOffset, lastOffset, highWatermark } };
  }
  const reason = first.magic === MAGIC ? 'it cannot be inflated, or is too large' : 'its format is older than Kafka 0.11';
  return { kind: 'refused', batch: { partition, firstOffset, lastOffset, reason } };
}
