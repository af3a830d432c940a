/** One kafkajs consumer behind our port: its defaults lose records, its events and error types stop here. */
import kafkajs, { type Consumer, type EachBatchPayload, type KafkaMessage } from 'kafkajs';
import { PARTITIONS_AT_ONCE } from '../kafka-client.ts';
import type { KafkaConsumer, KafkaConsumerListeners, KafkaLog, KafkaRecord } from '../kafka-ports.ts';
import { ALL_HEADERS, type AllHeaders } from './headers.ts';

/** What the group says when the assignment is over; the consumer rejoins by itself. */
const REJOIN_TYPES: readonly string[] = ['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'];

export interface KafkajsConsumerDeps {
  readonly topic: string;
  readonly consumer: Consumer;
  /** Every header of a record is wanted, not only those that are read. */
  readonly keepsHeaders: boolean;
  readonly listeners: KafkaConsumerListeners;
  readonly log: KafkaLog;
}

export function openKafkajsConsumer({ topic, consumer, keepsHeaders, listeners, log }: KafkajsConsumerDeps): KafkaConsumer {
  let hasJoined = false;
  let isStopped = false;
  let isRejoinDue = false;
  let paused: 'all' | readonly number[] = [];

  const commit = (partition: number, offset: bigint) => consumer.commitOffsets([{ topic, partition, offset: `${offset}` }]);

  /** kafkajs knows pauses only between a join and its end. */
  function applyPause(): void {
    if (!hasJoined || isStopped) return;
    if (paused === 'all') {
      consumer.pause([{ topic }]);
    } else {
      consumer.resume([{ topic }]);
      if (paused.length > 0) consumer.pause([{ topic, partitions: [...paused] }]);
    }
  }

  async function eachBatch(payload: EachBatchPayload): Promise<void> {
    const { batch, heartbeat, commitOffsetsIfNecessary, resolveOffset, isRunning, isStale } = payload;
    // Several batches wait in the client's queue; after one of them learnt that the group rejoins, the others must not
    // delay it. Returning leaves a batch unresolved, so that it is fetched again.
    if (isRejoinDue) return;
    const { partition } = batch;
    const last = batch.lastOffset();
    try {
      await listeners.onBatch({
        partition,
        records: keepsHeaders ? batch.messages.map(withAllHeaders) : batch.messages,
        firstOffset: BigInt(batch.firstOffset() ?? last),
        lastOffset: BigInt(last),
        highWatermark: BigInt(batch.highWatermark),
        heartbeat,
        async commit() {
          if (!isRunning() || isStale()) return false;
          const offset = `${BigInt(last) + 1n}`;
          await commitOffsetsIfNecessary({ topics: [{ topic, partitions: [{ partition, offset }] }] });
          resolveOffset(last);
          return true;
        },
      });
    } catch (error) {
      if (error instanceof kafkajs.KafkaJSProtocolError && REJOIN_TYPES.includes(error.type)) isRejoinDue = true;
      throw error;
    }
  }

  async function run(): Promise<void> {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: PARTITIONS_AT_ONCE,
      eachBatch,
    });
  }

  const { GROUP_JOIN, CRASH, STOP, REQUEST, END_BATCH_PROCESS } = consumer.events;
  consumer.on(GROUP_JOIN, ({ payload }) => {
    hasJoined = true;
    isRejoinDue = false;
    listeners.onJoin(payload.memberAssignment[topic] ?? []);
    applyPause();
  });
  consumer.on(CRASH, ({ payload }) => listeners.onEnd(payload.error));
  consumer.on(STOP, () => {
    isStopped = true;
  });
  consumer.on(REQUEST, ({ payload: { apiName } }) => {
    if (apiName === 'Fetch') listeners.onAnswer('fetch');
    else if (apiName === 'Heartbeat') listeners.onAnswer('heartbeat');
  });
  // Batches of nothing but control or aborted records never reach `eachBatch`; uncommitted, they would show as lag for ever.
  consumer.on(END_BATCH_PROCESS, ({ payload: { batchSize, partition, firstOffset, lastOffset, highWatermark } }) => {
    if (batchSize > 0) return;
    const handed = listeners.onBatch({
      partition,
      records: [],
      firstOffset: BigInt(firstOffset ?? lastOffset),
      lastOffset: BigInt(lastOffset),
      highWatermark: BigInt(highWatermark),
      heartbeat: async () => {},
      commit: () => commit(partition, BigInt(lastOffset) + 1n).then(() => true),
    });
    handed.catch((error) => log.debug({ err: error }, 'a batch without records could not be committed'));
  });
  const started = run().catch(listeners.onEnd);

  return {
    pause(partitions) {
      paused = partitions;
      applyPause();
    },
    async commit(partition, offset) {
      await commit(partition, offset);
      consumer.seek({ topic, partition, offset: `${offset}` });
    },
    async close() {
      // kafkajs hangs when it is stopped in the middle of its start.
      await started;
      await consumer.disconnect();
    },
  };
}

function withAllHeaders(message: KafkaMessage): KafkaRecord {
  const headers: Readonly<Record<symbol, AllHeaders['value']>> = Object(message.headers);
  return { ...message, allHeaders: headers[ALL_HEADERS] ?? [] };
}
