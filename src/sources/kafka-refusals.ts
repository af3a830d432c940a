/**
 * Finds out whose batch cannot be opened. A codec of kafkajs knows the offsets of a batch but not its Kafka partition; where
 * the client does not tell it, a refusal is laid at each partition that stands within those offsets, has records to read and does not move; one that stays
 * under suspicion is paused, and the others go on.
 */
import type { RefusedBatch } from './kafka-ports.ts';
import type { KafkaPositions } from './kafka-positions.ts';

/** A partition is found out after so many refusals without a batch of its own … */
const MIN_REFUSALS = 5;
/** … over at least this time: another broker's partitions may refuse many times while one batch is being stored. */
const MIN_SUSPICION_MS = 2_000;

export interface Refusals {
  /** Answers the Kafka partitions that this refusal convicts. */
  noteRefused(batch: RefusedBatch, busy: ReadonlySet<number>, nowMs: number): readonly number[];
  /** A batch of the partition was opened. */
  noteOpened(partition: number): void;
  /** The partition goes on: it may be convicted again. */
  release(partition: number): void;
  clear(): void;
}

export function createRefusals(positions: KafkaPositions): Refusals {
  const suspects = new Map<number, { count: number; readonly sinceMs: number }>();
  const convicted = new Set<number>();

  function isAt(partition: number, { firstOffset, lastOffset }: RefusedBatch, nowMs: number): boolean {
    const standing = positions.standing(partition, nowMs);
    return standing !== null && standing.lag > 0 && standing.committed >= firstOffset && standing.committed <= lastOffset;
  }

  return {
    noteRefused(batch, busy, nowMs) {
      if (batch.partition !== null) {
        if (convicted.has(batch.partition)) return [];
        convicted.add(batch.partition);
        return [batch.partition];
      }
      const found: number[] = [];
      for (const partition of positions.partitions()) {
        if (convicted.has(partition) || busy.has(partition) || !isAt(partition, batch, nowMs)) continue;
        const suspect = suspects.get(partition) ?? { count: 0, sinceMs: nowMs };
        suspect.count += 1;
        suspects.set(partition, suspect);
        if (suspect.count < MIN_REFUSALS || nowMs - suspect.sinceMs < MIN_SUSPICION_MS) continue;
        convicted.add(partition);
        found.push(partition);
      }
      return found;
    },
    noteOpened(partition) {
      suspects.delete(partition);
    },
    release(partition) {
      suspects.delete(partition);
      convicted.delete(partition);
    },
    clear() {
      suspects.clear();
      convicted.clear();
    },
  };
}
