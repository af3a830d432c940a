/**
 * A real broker with one Kafka client under test before it: topics, records from several kinds of producers, sources whose
 * store is the test, and what the broker says of groups. Used by the contract that every client must keep.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import kafkajs from 'kafkajs';
import type { Delivery } from '../../src/ingest/ports.ts';
import { createKafkaClient } from '../../src/sources/kafka-client.ts';
import type { KafkaBatch, KafkaClient, KafkaConsumer } from '../../src/sources/kafka-ports.ts';
import {
  createKafkaSource,
  type KafkaConfig,
  type KafkaProgress,
  type KafkaSource,
  type KafkaSourceDeps,
} from '../../src/sources/kafka-source.ts';
import type { KafkaBroker } from './kafka.ts';
import { createBareConfig, createBareDeps } from './kafka-bare.ts';
import { programs, required } from './requirements.ts';
import { makeTempDir } from './temp-dir.ts';
import { waitFor } from './wait-for.ts';

const { ConfigResourceTypes } = kafkajs;
const DEADLINE_MS = 45_000;
/** librdkafka refuses a larger message before it compresses it. */
const KCAT_MESSAGE_BYTES = 64 * 1024 * 1024;

export type ClientName = KafkaConfig['client'];
export type KafkaScene = ReturnType<typeof createKafkaScene>;
/** A scene of the test's own, which ends with it. */
export type OpenScene = (context: TestContext) => KafkaScene;

export interface Watched {
  readonly source: KafkaSource;
  readonly deliveries: Delivery[];
  readonly progress: Map<number, KafkaProgress>;
  readonly skipped: Map<number, number>;
  readonly lags: Map<number, number>;
  readonly paused: Map<number, boolean>;
  isUp: boolean | null;
}

let topicCount = 0;

export function createKafkaScene(broker: KafkaBroker, client: ClientName) {
  const open = new Set<{ stop(): Promise<void> }>();
  const { withAdmin } = broker;

  const configOf = (topic: string, groupId: string, by: ClientName): KafkaConfig =>
    createBareConfig({ brokers: broker.brokers, topic, groupId, client: by });

  return {
    broker,
    client,
    produce: broker.produce,
    withAdmin,

    /** A source whose store takes everything unless `deps` say otherwise. */
    async watch(topic: string, groupId: string, deps: Partial<KafkaSourceDeps> = {}, by = client): Promise<Watched> {
      const watched: Omit<Watched, 'source'> = {
        deliveries: [],
        progress: new Map(),
        skipped: new Map(),
        lags: new Map(),
        paused: new Map(),
        isUp: null,
      };
      const ingest = deps.ingest ?? (async () => []);
      const source = createKafkaSource(configOf(topic, groupId, by), {
        ...createBareDeps(),
        recordProgress: async (progress) => {
          for (const item of progress) watched.progress.set(item.partition, item);
        },
        metrics: {
          setLag: (_topic, partition, lag) => watched.lags.set(partition, lag),
          setUp: (isUp) => {
            watched.isUp = isUp;
          },
          setPaused: (_topic, partition, isPaused) => watched.paused.set(partition, isPaused),
          recordsSkipped: (_topic, partition, count) =>
            watched.skipped.set(partition, (watched.skipped.get(partition) ?? 0) + count),
          forget: (_topic, partition) => {
            watched.lags.delete(partition);
            watched.paused.delete(partition);
          },
        },
        ...deps,
        ingest: async (deliveries) => {
          const outcomes = await ingest(deliveries);
          watched.deliveries.push(...deliveries);
          return outcomes;
        },
      });
      open.add(source);
      const whole = Object.assign(watched, { source });
      await source.start();
      return whole;
    },

    /** The client alone, without our source before it. */
    async consume(topic: string, groupId: string, onBatch: (batch: KafkaBatch, consumer: KafkaConsumer) => Promise<void>) {
      const { now, log } = createBareDeps();
      const config = configOf(topic, groupId, client);
      const made: KafkaClient = await createKafkaClient(config, { onTrouble: () => {}, now, log });
      const consumer = made.openConsumer({
        onJoin: () => {},
        onBatch: (batch) => onBatch(batch, consumer),
        onRefused: () => {},
        onAnswer: () => {},
        onEnd: () => {},
      });
      open.add({
        async stop() {
          await consumer.close();
          await made.close();
        },
      });
      return consumer;
    },

    async stopAll(): Promise<void> {
      for (const each of open) await each.stop();
      open.clear();
    },

    async createTopic(partitions: number): Promise<string> {
      topicCount += 1;
      const topic = `${client}-${topicCount}`;
      await broker.createTopic(topic, partitions);
      return topic;
    },

    /** The broker, which is Java, compresses what comes in plain. */
    async setCompression(topic: string, codec: string): Promise<void> {
      const configEntries = [{ name: 'compression.type', value: codec }];
      const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }];
      await withAdmin((admin) => admin.alterConfigs({ validateOnly: false, resources }));
    },

    async deleteRecords(topic: string, offset: string): Promise<void> {
      await withAdmin(async (admin) => {
        // Asking for the ends makes kafkajs learn the topic's leaders, which deleteTopicRecords does not do by itself.
        await admin.fetchTopicOffsets(topic);
        await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset }] });
      });
    },

    /** Each text is one message to Kafka partition 0. */
    async produceWithKcat(topic: string, codec: string, texts: readonly string[]): Promise<void> {
      const dir = makeTempDir('kcat');
      try {
        const files = await Promise.all(
          texts.map(async (text, index) => {
            const file = join(dir.path, `${index}`);
            await writeFile(file, text);
            return file;
          }),
        );
        const args = ['-P', '-b', broker.brokers.join(','), '-t', topic, '-p', '0', '-z', codec];
        const limits = ['-X', `message.max.bytes=${KCAT_MESSAGE_BYTES}`];
        const child = spawn(required(programs.kcat, 'kcat'), [...args, ...limits, ...files], {
          stdio: ['ignore', 'ignore', 'inherit'],
        });
        const [code] = await once(child, 'close');
        assert.equal(code, 0);
      } finally {
        dir.remove();
      }
    },

    async committedOf(topic: string, groupId: string): Promise<readonly string[]> {
      const [group] = await withAdmin((admin) => admin.fetchOffsets({ groupId, topics: [topic] }));
      return (group?.partitions ?? []).toSorted((a, b) => a.partition - b.partition).map(({ offset }) => offset);
    },

    async endsOf(topic: string): Promise<readonly string[]> {
      const ends = await withAdmin((admin) => admin.fetchTopicOffsets(topic));
      return ends.toSorted((a, b) => a.partition - b.partition).map(({ high }) => high);
    },

    /** Ids of the members while the group is settled, else none. */
    async membersOf(groupId: string): Promise<readonly string[]> {
      const { groups } = await withAdmin((admin) => admin.describeGroups([groupId]));
      return groups.flatMap(({ state, members }) => (state === 'Stable' ? members.map(({ memberId }) => memberId) : []));
    },
  };
}

export function textsOf(deliveries: readonly Delivery[]): readonly string[] {
  return deliveries.map(({ bytes }) => (bytes === null ? 'null' : Buffer.from(bytes).toString()));
}

export function numbered(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index} ${'abcdefgh'.repeat(8)}`);
}

export function recordsOf(values: readonly string[], partition = 0): readonly kafkajs.Message[] {
  return values.map((value) => ({ value, partition }));
}

export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  await waitFor(condition, { deadlineMs: DEADLINE_MS, what });
}
