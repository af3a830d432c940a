/**
 * The Kafka source against a real broker: what it hands over, what it commits and when, and what it does when the store,
 * the broker or the records go away.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, afterEach, before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import kafkajs from 'kafkajs';
import { StoreUnavailable } from '../../src/errors.ts';
import type { Delivery } from '../../src/ingest/ports.ts';
import {
  createKafkaSource,
  type KafkaConfig,
  type KafkaProgress,
  type KafkaSource,
  type KafkaSourceDeps,
} from '../../src/sources/kafka-source.ts';
import { type KafkaBroker, startKafkaBroker } from '../support/kafka.ts';
import { createMemoryPauses } from '../support/kafka-pauses.ts';
import { kafkaMissing, kcatMissing, programs, required, skipReason } from '../support/requirements.ts';
import { waitFor } from '../support/wait-for.ts';

const { ConfigResourceTypes } = kafkajs;
const DEADLINE_MS = 30_000;
const SESSION_TIMEOUT_MS = 10_000;
/** Inflates to more than the source accepts, yet is a small message to the broker. */
/** The contract of a client is kept by both (kafka-client-contract.test.ts); this file's tests run on the one asked for. */
const CLIENT = process.env['KAFKA_CLIENT'] === 'platformatic' ? 'platformatic' : 'kafkajs';
const BOMB_BYTES = 20 * 1024 * 1024;

let broker: KafkaBroker;
let topicCount = 0;
const open = new Set<{ stop(): Promise<void> }>();

interface Watched {
  readonly source: KafkaSource;
  readonly deliveries: Delivery[];
  readonly progress: Map<number, KafkaProgress>;
  readonly skipped: Map<number, number>;
  readonly lags: Map<number, number>;
  readonly paused: Map<number, boolean>;
  isUp: boolean | null;
}

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A source whose store is the test: it takes everything unless `deps` say otherwise. */
async function watch(topic: string, groupId: string, deps: Partial<KafkaSourceDeps> = {}): Promise<Watched> {
  const watched: Omit<Watched, 'source'> = {
    deliveries: [],
    progress: new Map(),
    skipped: new Map(),
    lags: new Map(),
    paused: new Map(),
    isUp: null,
  };
  const ingest = deps.ingest ?? (async () => []);
  const source = createKafkaSource(
    { brokers: broker.brokers, topic, groupId, client: CLIENT, dlqTopic: null, ssl: false, sslCa: null, sasl: null },
    {
      untilStoreServes: async () => {},
      pauses: createMemoryPauses(),
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
      now: Date.now,
      log: silent,
      ...deps,
      ingest: async (deliveries) => {
        const outcomes = await ingest(deliveries);
        watched.deliveries.push(...deliveries);
        return outcomes;
      },
    },
  );
  open.add(source);
  const whole = Object.assign(watched, { source });
  await source.start();
  return whole;
}

async function createTopic(partitions: number): Promise<string> {
  topicCount += 1;
  const topic = `source-${topicCount}`;
  await broker.createTopic(topic, partitions);
  return topic;
}

async function setTopicCompression(admin: kafkajs.Admin, topic: string, codec: string): Promise<void> {
  const configEntries = [{ name: 'compression.type', value: codec }];
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }],
  });
}

async function deleteRecords(topic: string, offset: string): Promise<void> {
  await withAdmin(async (admin) => {
    // Asking for the ends makes kafkajs learn the topic's leaders, which deleteTopicRecords does not do by itself.
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset }] });
  });
}

async function produce(topic: string, records: readonly kafkajs.Message[]): Promise<void> {
  const producer = broker.kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  await producer.send({ topic, messages: [...records] });
  await producer.disconnect();
}

async function produceWithKcat(topic: string, codec: string, values: readonly string[]): Promise<void> {
  const largest = ['-X', `message.max.bytes=${2 * BOMB_BYTES}`];
  const args = ['-P', '-b', broker.brokers.join(','), '-t', topic, '-p', '0', '-z', codec, ...largest];
  const child = spawn(required(programs.kcat, 'kcat'), args, { stdio: ['pipe', 'ignore', 'inherit'] });
  child.stdin.end(values.map((value) => `${value}\n`).join(''));
  const [code] = await once(child, 'close');
  assert.equal(code, 0);
}

async function withAdmin<Answer>(question: (admin: kafkajs.Admin) => Promise<Answer>): Promise<Answer> {
  const admin = broker.kafka.admin();
  await admin.connect();
  try {
    return await question(admin);
  } finally {
    await admin.disconnect();
  }
}

async function committedOf(topic: string, groupId: string): Promise<readonly string[]> {
  const [group] = await withAdmin((admin) => admin.fetchOffsets({ groupId, topics: [topic] }));
  return (group?.partitions ?? []).toSorted((a, b) => a.partition - b.partition).map(({ offset }) => offset);
}

async function endsOf(topic: string): Promise<readonly string[]> {
  const ends = await withAdmin((admin) => admin.fetchTopicOffsets(topic));
  return ends.toSorted((a, b) => a.partition - b.partition).map(({ high }) => high);
}

async function membersOf(groupId: string): Promise<readonly string[]> {
  const { groups } = await withAdmin((admin) => admin.describeGroups([groupId]));
  return groups.flatMap(({ state, members }) => (state === 'Stable' ? members.map(({ memberId }) => memberId) : []));
}

function texts(deliveries: readonly Delivery[]): readonly string[] {
  return deliveries.map(({ bytes }) => (bytes === null ? 'null' : Buffer.from(bytes).toString()));
}

function numbered(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index} ${'abcdefgh'.repeat(8)}`);
}

function records(values: readonly string[], partition = 0): readonly kafkajs.Message[] {
  return values.map((value) => ({ value, partition }));
}

async function until(what: string, condition: () => boolean | Promise<boolean>, deadlineMs = DEADLINE_MS): Promise<void> {
  await waitFor(condition, { deadlineMs, what });
}

describe('the Kafka source', { skip: skipReason(kafkaMissing) }, () => {
  before(async () => {
    broker = await startKafkaBroker();
  });
  afterEach(async () => {
    for (const source of open) await source.stop();
    open.clear();
  });
  after(() => broker.stop());

  test('what the broker compresses is read, with bytes and coordinates, in order', async () => {
    // A topic's own compression makes the broker, in Java, compress what comes in plain.
    for (const codec of ['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd']) {
      const topic = await createTopic(1);
      await withAdmin((admin) => setTopicCompression(admin, topic, codec));
      const watched = await watch(topic, `${topic}-group`);
      const values = numbered(codec, 500);
      await produce(topic, records(values));
      await until('all records', () => watched.deliveries.length >= values.length);
      assert.deepEqual(texts(watched.deliveries), values);
      assert.deepEqual(
        watched.deliveries.map(({ coordinates }) => coordinates),
        values.map((_, index) => ({ topic, partition: 0, offset: `${index}` })),
      );
    }
  });

  test('what librdkafka compresses is read', { skip: skipReason(kcatMissing) }, async () => {
    const topic = await createTopic(1);
    const watched = await watch(topic, `${topic}-group`);
    const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
    for (const codec of codecs) await produceWithKcat(topic, codec, numbered(codec, 500));
    const expected = codecs.flatMap((codec) => numbered(codec, 500));
    await until('all records', () => watched.deliveries.length >= expected.length);
    assert.deepEqual(texts(watched.deliveries), expected);
  });

  test('a tombstone passes as null and only known headers pass', async () => {
    const topic = await createTopic(1);
    const watched = await watch(topic, `${topic}-group`);
    await produce(topic, [
      { key: 'k', value: null, partition: 0 },
      {
        value: 'v',
        partition: 0,
        headers: { service: 'orders', authorization: 'secret', httpStatus: '503', client: 'x'.repeat(2000) },
      },
    ]);
    await until('both records', () => watched.deliveries.length === 2);
    const [tombstone, value] = watched.deliveries;
    assert.equal(tombstone?.bytes, null);
    assert.equal(tombstone?.source, 'kafka');
    assert.deepEqual(value?.headers, { service: 'orders', httpStatus: '503' });
  });

  test('the whole batch is committed and told as caught up, with the times of its records', async () => {
    const topic = await createTopic(2);
    const group = `${topic}-group`;
    await produce(topic, [
      { value: 'a', partition: 0, timestamp: '1700000000000' },
      { value: 'b', partition: 0, timestamp: '1700000005000' },
    ]);
    const spans: KafkaProgress[] = [];
    const watched = await watch(topic, group, { recordProgress: async (progress) => void spans.push(...progress) });
    await until('progress of both', () => [0, 1].every((n) => spans.some((span) => span.partition === n && span.isCaughtUp)));
    const span = spans.find(({ partition, lastRecordAtMs }) => partition === 0 && lastRecordAtMs !== null);
    assert.deepEqual(span, {
      topic,
      partition: 0,
      committedOffset: '2',
      firstRecordAtMs: 1_700_000_000_000,
      lastRecordAtMs: 1_700_000_005_000,
      isCaughtUp: true,
      isPaused: false,
    });
    assert.deepEqual([...watched.lags.entries()].toSorted(), [
      [0, 0],
      [1, 0],
    ]);
    assert.equal(watched.isUp, true);
    await watched.source.stop();
    assert.deepEqual(await committedOf(topic, group), ['2', '-1']);
  });

  test('control records of transactions are committed, and aborted records are not handed over', async () => {
    const topic = await createTopic(1);
    const group = `${topic}-group`;
    const watched = await watch(topic, group);
    const producer = broker.kafka.producer({ transactionalId: topic, maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    const kept = await producer.transaction();
    await kept.send({ topic, messages: [...records(['kept'])] });
    await kept.commit();
    const aborted = await producer.transaction();
    await aborted.send({ topic, messages: [...records(['aborted'])] });
    await aborted.abort();
    await producer.disconnect();
    // Two records and their two markers: the last batch holds nothing that may be handed over.
    await until('all four offsets', async () => (await committedOf(topic, group))[0] === '4');
    assert.deepEqual(texts(watched.deliveries), ['kept']);
    await until('being caught up', () => watched.progress.get(0)?.isCaughtUp === true && watched.lags.get(0) === 0);
  });

  test('while the store is away longer than the session nothing is committed, nobody rejoins, then all arrives in order', async () => {
    const topic = await createTopic(3);
    const group = `${topic}-group`;
    const values = numbered('value', 300);
    const store = { isAway: true, attemptCount: 0, takes: Promise.withResolvers<void>() };
    const watched = await watch(topic, group, {
      ingest: async () => {
        store.attemptCount += 1;
        if (store.isAway) throw new StoreUnavailable('away');
        return [];
      },
      untilStoreServes: () => store.takes.promise,
    });
    await until('the member', async () => (await membersOf(group)).length === 1);
    const members = await membersOf(group);
    await produce(
      topic,
      values.map((value, index) => ({ value, partition: index % 3 })),
    );
    await until('a first attempt', () => store.attemptCount > 0);
    const awaySince = performance.now();
    await until('the pause to outlast the session', async () => {
      assert.deepEqual(await membersOf(group), members);
      return performance.now() - awaySince > SESSION_TIMEOUT_MS + 2_000;
    });
    assert.deepEqual(await committedOf(topic, group), ['-1', '-1', '-1']);
    assert.ok([...watched.paused.values()].every((isPaused) => isPaused));
    assert.ok(store.attemptCount <= 3, 'each Kafka partition at most once');
    store.isAway = false;
    store.takes.resolve();
    await until('all records', () => watched.deliveries.length >= values.length);
    await until('the commits', async () => (await committedOf(topic, group)).every((offset) => offset === '100'));
    assert.deepEqual(await membersOf(group), members);
    for (const partition of [0, 1, 2]) {
      const own = watched.deliveries.filter(({ coordinates }) => coordinates?.partition === partition);
      assert.deepEqual(
        texts(own),
        values.filter((_, index) => index % 3 === partition),
      );
    }
    assert.ok([...watched.paused.values()].every((isPaused) => !isPaused));
  });

  test('stop awaits the running batch and its commit, so that the next consumer gets nothing twice', async () => {
    const topic = await createTopic(1);
    const group = `${topic}-group`;
    await produce(topic, records(numbered('value', 50)));
    const gate = Promise.withResolvers<void>();
    let hasBegun = false;
    const first = await watch(topic, group, {
      ingest: async () => {
        hasBegun = true;
        await gate.promise;
        return [];
      },
    });
    await until('the batch to run', () => hasBegun);
    const stopping = first.source.stop();
    const stoppingTwice = first.source.stop();
    gate.resolve();
    await Promise.all([stopping, stoppingTwice]);
    assert.equal(first.deliveries.length, 50);
    assert.deepEqual(await committedOf(topic, group), ['50']);
    const second = await watch(topic, group);
    await produce(topic, records(['after']));
    await until('the new record', () => second.deliveries.length > 0);
    assert.deepEqual(texts(second.deliveries), ['after']);
  });

  test('two sources of one group share the Kafka partitions and lose nothing, also when one leaves', async () => {
    const topic = await createTopic(6);
    const group = `${topic}-group`;
    const send = (values: readonly string[]) =>
      produce(
        topic,
        values.map((value, index) => ({ value, partition: index % 6 })),
      );
    const first = await watch(topic, group);
    await send(numbered('alone', 60));
    const second = await watch(topic, group);
    await until('both members', async () => (await membersOf(group)).length === 2);
    await send(numbered('shared', 600));
    const seen = () => new Set([...texts(first.deliveries), ...texts(second.deliveries)]);
    await until('the records of both', () => seen().size === 660);
    assert.ok(second.deliveries.length > 0);
    await second.source.stop();
    await send(numbered('alone again', 60));
    await until('all records', () => seen().size === 720);
    // Against the ends and not a number: the producer may have sent again what a new topic first refused.
    await until('the commits', async () => isDeepStrictEqual(await committedOf(topic, group), await endsOf(topic)));
  });

  test('records deleted past the committed offset are counted, and the rest is read', async () => {
    const topic = await createTopic(1);
    const group = `${topic}-group`;
    const first = await watch(topic, group);
    await produce(topic, records(numbered('old', 10)));
    await until('the first commit', async () => (await committedOf(topic, group))[0] === '10');
    await first.source.stop();
    await produce(topic, records(numbered('gone', 25)));
    await deleteRecords(topic, '35');
    await produce(topic, records(['left']));
    const second = await watch(topic, group);
    await until('what is left', () => second.deliveries.length > 0);
    assert.deepEqual(texts(second.deliveries), ['left']);
    assert.equal(second.skipped.get(0), 25);
  });

  test('records deleted while the store is away are counted by the running consumer', async () => {
    const topic = await createTopic(1);
    const group = `${topic}-group`;
    const store = { isAway: true, takes: Promise.withResolvers<void>(), hasFailed: false };
    const watched = await watch(topic, group, {
      ingest: async () => {
        if (!store.isAway) return [];
        store.hasFailed = true;
        throw new StoreUnavailable('away');
      },
      untilStoreServes: () => store.takes.promise,
    });
    await produce(topic, records(numbered('gone', 8)));
    await until('the pause', () => store.hasFailed);
    await deleteRecords(topic, '8');
    await produce(topic, records(['left']));
    store.isAway = false;
    store.takes.resolve();
    await until('what is left', () => watched.deliveries.length > 0);
    assert.deepEqual(texts(watched.deliveries), ['left']);
    assert.equal(watched.skipped.get(0), 8);
  });

  test('a batch that inflates without bound pauses its own Kafka partition and no other', {
    skip: skipReason(kcatMissing),
  }, async () => {
    const topic = await createTopic(2);
    const group = `${topic}-group`;
    const watched = await watch(topic, group);
    await produce(topic, records(['before']));
    await produceWithKcat(topic, 'gzip', ['0'.repeat(BOMB_BYTES)]);
    await until('the pause', () => watched.paused.get(0) === true);
    await produce(topic, records(['neighbour'], 1));
    await until('the neighbour', () => texts(watched.deliveries).includes('neighbour'));
    assert.deepEqual(texts(watched.deliveries).toSorted(), ['before', 'neighbour']);
    assert.notEqual(watched.paused.get(1), true);
    assert.deepEqual(await committedOf(topic, group), ['1', '1']);
  });

  test('a broker that is away at the start, and again later, is waited for', async () => {
    const topic = await createTopic(1);
    const group = `${topic}-group`;
    await produce(topic, records(['one']));
    await broker.kill();
    const watched = await watch(topic, group);
    await until('the source to know', () => watched.isUp === false);
    await broker.restart();
    await until('the first record', () => watched.deliveries.length === 1);
    await until('the commit', async () => (await committedOf(topic, group))[0] === '1');
    await broker.kill();
    await broker.restart();
    await produce(topic, records(['two']));
    await until('the second record', () => watched.deliveries.length >= 2);
    assert.deepEqual(texts(watched.deliveries), ['one', 'two']);
    await until('the commit', async () => (await committedOf(topic, group))[0] === '2');
  });

  test('stop ends a start that still waits for a broker, and a source that was never started', async () => {
    const unreachable: KafkaConfig = {
      brokers: ['127.0.0.1:1'],
      topic: 't',
      groupId: 'g',
      client: CLIENT,
      dlqTopic: null,
      ssl: false,
      sslCa: null,
      sasl: null,
    };
    const nothing = () => {};
    const deps: KafkaSourceDeps = {
      ingest: async () => [],
      untilStoreServes: async () => {},
      recordProgress: async () => {},
      pauses: createMemoryPauses(),
      metrics: { setLag: nothing, setUp: nothing, setPaused: nothing, recordsSkipped: nothing, forget: nothing },
      now: Date.now,
      log: silent,
    };
    const started = createKafkaSource(unreachable, deps);
    await started.start();
    await started.stop();
    await started.stop();
    const never = createKafkaSource(unreachable, deps);
    await never.stop();
    await never.start();
  });
});
