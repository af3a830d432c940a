/** One consumer of @platformatic/kafka behind our port: its membership, its fetching and its end. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionPool, Consumer } from '@platformatic/kafka';
import type { KafkaClient, KafkaClientDeps, KafkaConsumer, KafkaConsumerListeners } from '../kafka-ports.ts';
import { runFetcher } from './fetcher.ts';
import { createHandOver } from './hand-over.ts';
import { createMembership } from './membership.ts';

/** How long the group is told that we leave; after a broken connection nobody listens. */
const LEAVE_DEADLINE_MS = 3_000;

export interface PlatformaticConsumerDeps extends KafkaClientDeps {
  readonly topic: string;
  readonly consumer: Consumer;
  readonly fetchPool: ConnectionPool;
  readonly offsets: Pick<KafkaClient, 'readEnds' | 'readCommitted'>;
  readonly listeners: KafkaConsumerListeners;
}

export function openPlatformaticConsumer(deps: PlatformaticConsumerDeps): KafkaConsumer {
  const { topic, consumer, fetchPool, offsets, listeners } = deps;
  const over = new AbortController();
  const { signal } = over;
  let paused: 'all' | ReadonlySet<number> = new Set();

  function end(cause: unknown): void {
    if (signal.aborted) return;
    over.abort();
    listeners.onEnd(cause);
  }

  const membership = createMembership({
    ...deps,
    signal,
    onEnd: end,
    onJoin(assigned) {
      handOver.positions.clear();
      listeners.onJoin(assigned);
    },
    onBeat: () => listeners.onAnswer('heartbeat'),
  });
  const handOver = createHandOver({ ...deps, membership, onBatch: listeners.onBatch, signal });

  consumer.topics.track(topic);
  void membership.join();
  const fetching = runFetcher({
    ...deps,
    connectionPool: fetchPool,
    offsets,
    membership,
    handOver,
    isPaused: (partition) => paused === 'all' || paused.has(partition),
    signal,
  });

  return {
    pause(partitions) {
      paused = partitions === 'all' ? 'all' : new Set(partitions);
    },
    async commit(partition, offset) {
      await consumer.commit({ offsets: [{ topic, partition, offset, leaderEpoch: -1 }] });
      handOver.positions.delete(partition);
    },
    async close() {
      over.abort();
      await fetchPool.close();
      const timer = new AbortController();
      const deadline = delay(LEAVE_DEADLINE_MS, undefined, { signal: timer.signal }).catch(() => {});
      // Not one after the other: a join that waits for other members would keep us from leaving.
      await Promise.race([Promise.allSettled([fetching, consumer.close(true)]), deadline]);
      timer.abort();
      await consumer.connections.close().catch(() => {});
    },
  };
}
