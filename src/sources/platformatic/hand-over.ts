/**
 * Hands fetched batches over and moves the positions that reading goes on from: only a commit does. The library beats for us
 * whatever a batch does, so a batch that hangs is found here, and our Kafka partitions go to the others until it ends.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Consumer } from '@platformatic/kafka';
import { PARTITIONS_AT_ONCE, SESSION_TIMEOUT_MS } from '../kafka-client.ts';
import type { KafkaClientDeps, KafkaConsumerListeners } from '../kafka-ports.ts';
import type { Membership } from './membership.ts';
import type { FetchedBatch } from './records.ts';

/** After a commit or a heartbeat was refused: the group is about to say why. */
const REFUSED_WAIT_MS = 250;

export interface HandOverDeps extends KafkaClientDeps {
  readonly topic: string;
  readonly consumer: Consumer;
  readonly membership: Membership;
  readonly onBatch: KafkaConsumerListeners['onBatch'];
  readonly signal: AbortSignal;
}

export interface HandOver {
  /** Next offset to read of each Kafka partition where it is known. */
  readonly positions: Map<number, bigint>;
  /** Resolves when none of the batches is with the source any more; those of another assignment than `epoch` are dropped. Never rejects. */
  hand(batches: readonly FetchedBatch[], epoch: number): Promise<void>;
  /** To be called every second or so. Never rejects. */
  watch(): Promise<void>;
}

export function createHandOver({ topic, consumer, membership, onBatch, onTrouble, now, log, signal }: HandOverDeps): HandOver {
  const positions = new Map<number, bigint>();
  /** When each batch that is with the source gave its last sign of life. */
  const busy = new Map<number, number>();
  let hasSteppedOut = false;

  async function handOne(batch: FetchedBatch, epoch: number): Promise<void> {
    const { partition, lastOffset } = batch;
    const isOurs = () => epoch === membership.epoch() && !signal.aborted;
    if (!isOurs()) return;
    busy.set(partition, now());
    try {
      await onBatch({
        ...batch,
        async heartbeat() {
          if (!isOurs() || membership.isRejoining()) throw new Error('the Kafka group makes a new assignment');
          busy.set(partition, now());
        },
        async commit() {
          if (!isOurs()) return false;
          const offset = lastOffset + 1n;
          await consumer.commit({ offsets: [{ topic, partition, offset, leaderEpoch: -1 }] });
          if (isOurs()) positions.set(partition, offset);
          return true;
        },
      });
    } catch (error) {
      onTrouble();
      log.debug({ err: error }, '@platformatic/kafka: a batch was not committed');
      await delay(REFUSED_WAIT_MS, undefined, { signal }).catch(() => {});
    } finally {
      busy.delete(partition);
    }
  }

  return {
    positions,
    async hand(batches, epoch) {
      const waiting = [...batches];
      const work = async () => {
        for (let batch = waiting.shift(); batch !== undefined; batch = waiting.shift()) await handOne(batch, epoch);
      };
      await Promise.all(Array.from({ length: PARTITIONS_AT_ONCE }, work));
    },
    async watch() {
      if (hasSteppedOut) {
        if (busy.size > 0) return;
        hasSteppedOut = false;
        await membership.join();
        return;
      }
      const silent = [...busy].find(([, beatAtMs]) => now() - beatAtMs > SESSION_TIMEOUT_MS);
      if (silent === undefined) return;
      hasSteppedOut = true;
      log.warn({ topic, partition: silent[0] }, 'a Kafka batch hangs: its Kafka partitions are left to the others of the group');
      await membership.stepOut();
    },
  };
}
