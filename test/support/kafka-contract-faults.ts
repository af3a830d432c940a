/** What every Kafka client must do behind our port while something is away, changes or hangs: keep its place, lose nothing, let go in time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { StoreUnavailable } from '../../src/errors.ts';
import { MAX_CHUNK_DELIVERIES } from '../../src/sources/kafka-batch.ts';
import type { KafkaBatch } from '../../src/sources/kafka-ports.ts';
import type { KafkaBroker } from './kafka.ts';
import {
  type ClientName,
  createKafkaScene,
  type KafkaScene,
  numbered,
  type OpenScene,
  recordsOf,
  textsOf,
  until,
} from './kafka-scene.ts';

const SESSION_TIMEOUT_MS = 10_000;
/** A member that left is gone at once; one that died is gone after its session. */
const LEFT_WITHIN_MS = 4_000;

export function outlastsFaults(open: OpenScene): void {
  test('while the store is away longer than the session nothing is committed, nobody rejoins, then all arrives in order', async (context) => {
    const { createTopic, watch, produce, committedOf, membersOf } = open(context);
    const topic = await createTopic(3);
    const groupId = `${topic}-group`;
    const values = numbered('value', 300);
    const store = { isAway: true, attemptCount: 0, takes: Promise.withResolvers<void>() };
    const watched = await watch(topic, groupId, {
      ingest: async () => {
        store.attemptCount += 1;
        if (store.isAway) throw new StoreUnavailable('away');
        return [];
      },
      untilStoreServes: () => store.takes.promise,
    });
    await until('the member', async () => (await membersOf(groupId)).length === 1);
    const members = await membersOf(groupId);
    await produce(
      topic,
      values.map((value, index) => ({ value, partition: index % 3 })),
    );
    await until('a first attempt', () => store.attemptCount > 0);
    const awaySince = performance.now();
    await until('the pause to outlast the session', async () => {
      assert.deepEqual(await membersOf(groupId), members);
      return performance.now() - awaySince > SESSION_TIMEOUT_MS + 2_000;
    });
    assert.deepEqual(await committedOf(topic, groupId), ['-1', '-1', '-1']);
    assert.ok([...watched.paused.values()].every((isPaused) => isPaused));
    assert.ok(store.attemptCount <= 3, 'each Kafka partition at most once');
    store.isAway = false;
    store.takes.resolve();
    await until('all records', () => watched.deliveries.length >= values.length);
    await until('the commits', async () => (await committedOf(topic, groupId)).every((offset) => offset === '100'));
    assert.deepEqual(await membersOf(groupId), members);
    for (const partition of [0, 1, 2]) {
      const own = watched.deliveries.filter(({ coordinates }) => coordinates?.partition === partition);
      assert.deepEqual(
        textsOf(own),
        values.filter((_, index) => index % 3 === partition),
      );
    }
    assert.ok([...watched.paused.values()].every((isPaused) => !isPaused));
  });

  test('stop awaits the running batch and its commit and leaves the group, so that the next consumer gets nothing twice', async (context) => {
    const { createTopic, watch, produce, committedOf, withAdmin } = open(context);
    const topic = await createTopic(1);
    const groupId = `${topic}-group`;
    await produce(topic, recordsOf(numbered('value', 50)));
    const gate = Promise.withResolvers<void>();
    let hasBegun = false;
    const first = await watch(topic, groupId, {
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
    const { groups } = await withAdmin((admin) => admin.describeGroups([groupId]));
    assert.equal(groups[0]?.members.length, 0);
    assert.equal(first.deliveries.length, 50);
    assert.deepEqual(await committedOf(topic, groupId), ['50']);
    const second = await watch(topic, groupId);
    const startedAtMs = performance.now();
    await produce(topic, recordsOf(['after']));
    await until('the new record', () => second.deliveries.length > 0);
    assert.deepEqual(textsOf(second.deliveries), ['after']);
    assert.ok(performance.now() - startedAtMs < LEFT_WITHIN_MS, 'nobody waits for the session of who left');
  });

  test('stop gives up on a batch that hangs, and commits nothing of it', async (context) => {
    const { createTopic, watch, produce, committedOf } = open(context);
    const topic = await createTopic(1);
    const groupId = `${topic}-group`;
    await produce(topic, recordsOf(['value']));
    const gate = Promise.withResolvers<void>();
    let hasBegun = false;
    const watched = await watch(topic, groupId, {
      ingest: async () => {
        hasBegun = true;
        await gate.promise;
        throw new StoreUnavailable('away');
      },
    });
    await until('the batch to run', () => hasBegun);
    const stoppedAtMs = performance.now();
    await watched.source.stop();
    assert.ok(performance.now() - stoppedAtMs < 10_000);
    gate.resolve();
    assert.deepEqual(await committedOf(topic, groupId), ['-1']);
  });

  test('two sources of one group share the Kafka partitions and lose nothing, also when one leaves', async (context) => {
    const { createTopic, watch, produce, committedOf, endsOf, membersOf } = open(context);
    const topic = await createTopic(6);
    const groupId = `${topic}-group`;
    const send = (values: readonly string[]) =>
      produce(
        topic,
        values.map((value, index) => ({ value, partition: index % 6 })),
      );
    const first = await watch(topic, groupId);
    await send(numbered('alone', 60));
    const second = await watch(topic, groupId);
    await until('both members', async () => (await membersOf(groupId)).length === 2);
    await send(numbered('shared', 600));
    const seen = () => new Set([...textsOf(first.deliveries), ...textsOf(second.deliveries)]);
    await until('the records of both', () => seen().size === 660);
    assert.ok(second.deliveries.length > 0);
    await second.source.stop();
    await send(numbered('alone again', 60));
    await until('all records', () => seen().size === 720);
    // Against the ends and not a number: the producer may have sent again what a new topic first refused.
    await until('the commits', async () => isDeepStrictEqual(await committedOf(topic, groupId), await endsOf(topic)));
  });

  test('a rebalance stops the batch in work: no more of it is handed over, and its new owner reads all of it', async (context) => {
    const { createTopic, watch, produce, committedOf, endsOf, membersOf } = open(context);
    const topic = await createTopic(1);
    const groupId = `${topic}-group`;
    const values = Array.from({ length: 4 * MAX_CHUNK_DELIVERIES }, (_, index) => `${index}`);
    await produce(topic, recordsOf(values));
    const gate = Promise.withResolvers<void>();
    let chunkCount = 0;
    const first = await watch(topic, groupId, {
      ingest: async () => {
        chunkCount += 1;
        await gate.promise;
        return [];
      },
    });
    await until('the batch to run', () => chunkCount > 0);
    const [firstMember] = await membersOf(groupId);
    const second = await watch(topic, groupId);
    await until('the other to be in', async () => (await membersOf(groupId)).some((member) => member !== firstMember));
    gate.resolve();
    await until('all records to be committed', async () =>
      isDeepStrictEqual(await committedOf(topic, groupId), await endsOf(topic)),
    );
    const cut = first.deliveries.findIndex((delivery, index) => index > 0 && delivery.coordinates?.offset === '0');
    const ofFirstBatch = cut === -1 ? first.deliveries : first.deliveries.slice(0, cut);
    assert.ok(ofFirstBatch.length <= 2 * MAX_CHUNK_DELIVERIES, 'only what was with the store already');
    assert.equal(new Set([...textsOf(first.deliveries), ...textsOf(second.deliveries)]).size, values.length);
  });

  test('a batch that hangs without a heartbeat loses its Kafka partition to another member', async (context) => {
    const { createTopic, consume, produce, committedOf, membersOf } = open(context);
    const topic = await createTopic(1);
    const groupId = `${topic}-group`;
    const gate = Promise.withResolvers<void>();
    let handedCount = 0;
    const take = async (batch: KafkaBatch): Promise<void> => {
      handedCount += 1;
      if (handedCount === 1) await gate.promise;
      await batch.commit();
    };
    await consume(topic, groupId, take);
    await consume(topic, groupId, take);
    await until('both members', async () => (await membersOf(groupId)).length === 2);
    await produce(topic, recordsOf(['value']));
    await until('the other to read it', async () => (await committedOf(topic, groupId))[0] === '1');
    assert.equal(handedCount, 2);
    gate.resolve();
  });

  test('Kafka partitions that a topic gains are read', async (context) => {
    const { createTopic, watch, produce, withAdmin } = open(context);
    const topic = await createTopic(1);
    const watched = await watch(topic, `${topic}-group`);
    await produce(topic, recordsOf(['old']));
    await until('the first record', () => watched.deliveries.length === 1);
    await withAdmin((admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] }));
    await until('the new ones', async () => {
      await produce(topic, recordsOf(['new'], 2));
      return true;
    });
    await until('the record in them', () => textsOf(watched.deliveries).includes('new'));
  });

  test('a topic that is deleted and made anew is read on without a restart', async (context) => {
    const { broker, createTopic, watch, produce, withAdmin } = open(context);
    const topic = await createTopic(1);
    const watched = await watch(topic, `${topic}-group`);
    await produce(topic, recordsOf(['old']));
    await until('the first record', () => watched.deliveries.length === 1);
    await withAdmin((admin) => admin.deleteTopics({ topics: [topic] }));
    await until('the topic to be gone', async () => !(await withAdmin((admin) => admin.listTopics())).includes(topic));
    await broker.createTopic(topic, 1);
    await produce(topic, recordsOf(['new', 'newer']));
    await until('a new record', () => textsOf(watched.deliveries).includes('newer'));
  });
}

/** One broker serves both clients: what happens to it happens to both at once. */
export function outlastsTheBroker(broker: () => KafkaBroker, clients: readonly ClientName[]): void {
  test('a broker that is away at the start, and again later, is waited for', async () => {
    const scenes = clients.map((client) => createKafkaScene(broker(), client));
    const topics = await Promise.all(scenes.map((scene) => scene.createTopic(1)));
    const every = <T>(act: (scene: KafkaScene, topic: string, groupId: string) => Promise<T>) =>
      Promise.all(scenes.map((scene, index) => act(scene, topics[index] ?? '', `${topics[index]}-group`)));
    await every((scene, topic) => scene.produce(topic, recordsOf(['one'])));
    await broker().kill();
    const sources = await every((scene, topic, groupId) => scene.watch(topic, groupId));
    try {
      await until('the sources to know', () => sources.every(({ isUp }) => isUp === false));
      await broker().restart();
      const areCommitted = async (text: string) => {
        if (!sources.every(({ deliveries }) => textsOf(deliveries).includes(text))) return false;
        const places = await every(async (scene, topic, groupId) => [
          await scene.committedOf(topic, groupId),
          await scene.endsOf(topic),
        ]);
        return places.every(([committed, ends]) => isDeepStrictEqual(committed, ends));
      };
      await until('the first commits', () => areCommitted('one'));
      await broker().kill();
      await broker().restart();
      await every((scene, topic) => scene.produce(topic, recordsOf(['two'])));
      await until('the second commits', () => areCommitted('two'));
      // Once or more: the broker may have died before it answered the producer, or our commit.
      for (const { deliveries } of sources) assert.deepEqual([...new Set(textsOf(deliveries))], ['one', 'two']);
    } finally {
      await every((scene) => scene.stopAll());
    }
  });
}

export function sharesAGroup(broker: () => KafkaBroker): void {
  test('a group changes from one client to the other while it runs, and loses nothing', async () => {
    const scene = createKafkaScene(broker(), 'kafkajs');
    const topic = await scene.createTopic(4);
    const groupId = `${topic}-shared`;
    const send = (prefix: string) =>
      scene.produce(
        topic,
        numbered(prefix, 200).map((value, index) => ({ value, partition: index % 4 })),
      );
    try {
      const first = await scene.watch(topic, groupId, {}, 'kafkajs');
      await send('before');
      await until('what came before', () => first.deliveries.length >= 200);
      const second = await scene.watch(topic, groupId, {}, 'platformatic');
      await until('both members', async () => (await scene.membersOf(groupId)).length === 2);
      await send('together');
      await until('what came to both', () => first.deliveries.length + second.deliveries.length >= 400);
      assert.ok(second.deliveries.length > 0);
      await first.source.stop();
      const third = await scene.watch(topic, groupId, {}, 'kafkajs');
      await send('after');
      await until('the commits', async () =>
        isDeepStrictEqual(await scene.committedOf(topic, groupId), await scene.endsOf(topic)),
      );
      const seen = [first, second, third].flatMap(({ deliveries }) => textsOf(deliveries));
      assert.equal(new Set(seen).size, 600);
    } finally {
      await scene.stopAll();
    }
  });
}
