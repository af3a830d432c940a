/**
 * Reads records of a topic again at known offsets, from the first to the last of each Kafka partition, under a group of
 * its own that nobody else is in. What is between is passed over; what Kafka holds no more is told by being left out.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { InputFault } from '../errors.ts';
import type { KafkaBatch, KafkaClient, KafkaConsumer, KafkaRecord } from './kafka-ports.ts';

/** Kafka answered nothing for so long, join included. */
const PATIENCE_MS = 30_000;

export interface ReadAgain {
  /** Offsets by Kafka partition. */
  readonly wanted: ReadonlyMap<number, ReadonlySet<bigint>>;
  /** Records of one Kafka partition in offset order; the next ones come once it resolves. */
  readonly onRecords: (partition: number, records: readonly KafkaRecord[]) => Promise<void>;
  /** Offsets that were passed, found or not, of all Kafka partitions together: 0 to 1. */
  readonly onProgress: (share: number) => void;
  readonly signal: AbortSignal;
}

/** What is still to be read of one Kafka partition. */
interface Stretch {
  readonly wanted: ReadonlySet<bigint>;
  readonly first: bigint;
  readonly last: bigint;
  next: bigint;
}

/** Resolves when all that is left of them was handed over. @throws InputFault when Kafka brings nothing; what `onRecords` or the client threw. */
export async function readAgain(client: KafkaClient, { wanted, onRecords, onProgress, signal }: ReadAgain): Promise<void> {
  const ends = await client.readEnds().catch((cause) => {
    throw new InputFault('Kafka does not answer for this topic: no broker is there, or the topic is not.', cause);
  });
  const stretches = stretchesOf(wanted, ends);
  if (stretches.size === 0) return;
  const { promise: done, resolve: finish, reject: fail } = Promise.withResolvers<void>();
  const over = new AbortController();
  let heardAtMs = performance.now();
  let inFlight: Promise<unknown> = Promise.resolve();

  const isOver = (partition: number) => !stretches.has(partition);
  let assigned: readonly number[] = [];
  const applyPauses = () => consumer.pause(assigned.filter(isOver));

  async function begin(): Promise<void> {
    const missing = [...stretches.keys()].filter((partition) => !assigned.includes(partition));
    // Another member of the group holds them, of an earlier run that was killed: it is thrown out, and the group rejoins.
    if (missing.length > 0) return;
    for (const [partition, { next }] of stretches) await consumer.commit(partition, next);
    applyPauses();
  }

  async function take(batch: KafkaBatch): Promise<void> {
    const { partition, records, lastOffset } = batch;
    const stretch = stretches.get(partition);
    if (stretch === undefined) return;
    heardAtMs = performance.now();
    const found = records.filter(({ offset }) => BigInt(offset) >= stretch.next && stretch.wanted.has(BigInt(offset)));
    if (found.length > 0) await onRecords(partition, found);
    stretch.next = lastOffset + 1n;
    onProgress(shareOf(stretches.values(), total));
    if (stretch.next <= stretch.last) return void (await batch.commit());
    stretches.delete(partition);
    applyPauses();
    if (stretches.size === 0) finish();
  }

  async function watch(): Promise<void> {
    while (!over.signal.aborted) {
      await delay(1_000, undefined, { signal: over.signal }).catch(() => {});
      if (performance.now() - heardAtMs > PATIENCE_MS) {
        fail(
          new InputFault(
            `Kafka brought nothing for ${PATIENCE_MS / 1000} s: a broker is away, or a batch there cannot be opened.`,
          ),
        );
      }
    }
  }

  const total = spanOf(stretches.values());
  const stop = () => fail(signal.reason);
  const consumer: KafkaConsumer = client.openConsumer({
    onJoin(partitions) {
      assigned = partitions;
      consumer.pause('all');
      begin().catch(fail);
    },
    async onBatch(batch) {
      if (over.signal.aborted) return;
      const taken = take(batch);
      inFlight = Promise.allSettled([inFlight, taken]);
      await taken.catch(fail);
    },
    onRefused: () => {}, // Another batch may come; if none does, `watch` ends it.
    onAnswer: () => {},
    onEnd: fail,
  });
  signal.addEventListener('abort', stop, { once: true });
  void watch();
  try {
    if (signal.aborted) stop();
    await done;
  } finally {
    over.abort();
    signal.removeEventListener('abort', stop);
    await inFlight;
    await consumer.close();
  }
}

/** Only what Kafka still holds. */
function stretchesOf(
  wanted: ReadAgain['wanted'],
  ends: readonly { readonly partition: number; readonly low: bigint; readonly high: bigint }[],
): Map<number, Stretch> {
  const stretches = new Map<number, Stretch>();
  for (const { partition, low, high } of ends) {
    const held = [...(wanted.get(partition) ?? [])].filter((offset) => offset >= low && offset < high).toSorted(byOffset);
    const [first, last] = [held[0], held.at(-1)];
    if (first !== undefined && last !== undefined) stretches.set(partition, { wanted: new Set(held), first, last, next: first });
  }
  return stretches;
}

function byOffset(one: bigint, other: bigint): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function spanOf(stretches: Iterable<Stretch>): number {
  let span = 0;
  for (const { next, last } of stretches) span += Math.max(0, Number(last - next) + 1);
  return span;
}

function shareOf(stretches: Iterable<Stretch>, total: number): number {
  return total === 0 ? 1 : 1 - spanOf(stretches) / total;
}
