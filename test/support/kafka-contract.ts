/** What every Kafka client must do behind our port while broker and store are well: read all that is there, commit no more than was done. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { StoreUnavailable } from '../../src/errors.ts';
import type { KafkaBatch } from '../../src/sources/kafka-ports.ts';
import type { KafkaProgress } from '../../src/sources/kafka-source.ts';
import { numbered, type OpenScene, recordsOf, textsOf, until } from './kafka-scene.ts';
import { runProcess } from './real-process.ts';
import { kcatMissing, skipReason } from './requirements.ts';

/** Inflates to more than a client may accept, yet is a small message to the broker. */
const BOMB_BYTES = 20 * 1024 * 1024;
/** What a fetch may hold of one Kafka partition, and a batch that begins within it. */
const MOST_FETCHED_BYTES = 2 * 256 * 1024;
const MOST_IDLE_PERCENT = 2;
/** Under the broker's limit of 1 MiB, and far over what is asked for of a Kafka partition. */
const LARGE_RECORD_BYTES = 1_000_000;

export function readsAndCommits(open: OpenScene): void {
  test('what the broker compresses is read, with bytes and coordinates, in order', async (context) => {
    const { createTopic, setCompression, watch, produce } = open(context);
    for (const codec of ['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd']) {
      const topic = await createTopic(1);
      await setCompression(topic, codec);
      const watched = await watch(topic, `${topic}-group`);
      const values = numbered(codec, 500);
      await produce(topic, recordsOf(values));
      await until(`all records, ${codec}`, () => watched.deliveries.length >= values.length);
      assert.deepEqual(textsOf(watched.deliveries), values);
      assert.deepEqual(
        watched.deliveries.map(({ coordinates }) => coordinates),
        values.map((_, index) => ({ topic, partition: 0, offset: `${index}` })),
      );
      await watched.source.stop();
    }
  });

  test('what librdkafka compresses is read', { skip: skipReason(kcatMissing) }, async (context) => {
    const { createTopic, watch, produceWithKcat } = open(context);
    const topic = await createTopic(1);
    const watched = await watch(topic, `${topic}-group`);
    const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
    for (const codec of codecs) await produceWithKcat(topic, codec, numbered(codec, 20));
    const expected = codecs.flatMap((codec) => numbered(codec, 20));
    await until('all records', () => watched.deliveries.length >= expected.length);
    assert.deepEqual(textsOf(watched.deliveries), expected);
  });

  test('a tombstone passes as null, only known headers pass, and neither a missing key nor a large one matters', async (context) => {
    const { createTopic, watch, produce } = open(context);
    const topic = await createTopic(1);
    const watched = await watch(topic, `${topic}-group`);
    const many = Object.fromEntries(numbered('header', 10_000).map((name) => [name, '1']));
    await produce(topic, [
      { key: 'k', value: null, partition: 0 },
      {
        value: 'v',
        partition: 0,
        headers: { service: ['first', 'orders'], authorization: 'secret', httpStatus: '503', client: 'x'.repeat(2000) },
      },
      { key: null, value: 'no key', partition: 0 },
      { key: Buffer.alloc(500_000), value: 'large key', partition: 0 },
    ]);
    await produce(topic, [{ value: 'many headers', partition: 0, headers: { ...many, service: 'last' } }]);
    await until('all records', () => watched.deliveries.length === 5);
    assert.deepEqual(textsOf(watched.deliveries), ['null', 'v', 'no key', 'large key', 'many headers']);
    assert.equal(watched.deliveries[0]?.bytes, null);
    assert.deepEqual(watched.deliveries[1]?.headers, { service: 'orders', httpStatus: '503' });
    assert.deepEqual(watched.deliveries[4]?.headers, { service: 'last' });
  });

  test('a record larger than what is asked for at a time is read, and a fetch holds little else', async (context) => {
    const { createTopic, consume, produce } = open(context);
    const topic = await createTopic(1);
    for (let count = 0; count < 20; count += 1) await produce(topic, recordsOf(['x'.repeat(60_000)]));
    await produce(topic, recordsOf(['y'.repeat(LARGE_RECORD_BYTES)]));
    const sizes: number[] = [];
    let readCount = 0;
    await consume(topic, `${topic}-group`, async (batch) => {
      readCount += batch.records.length;
      const bytes = batch.records.map(({ value }) => value?.length ?? 0);
      if (!bytes.includes(LARGE_RECORD_BYTES)) sizes.push(bytes.reduce((sum, each) => sum + each, 0));
      await batch.commit();
    });
    await until('all records', () => readCount === 21);
    assert.ok(Math.max(...sizes) <= MOST_FETCHED_BYTES, `${sizes}`);
  });

  test('a batch that is left is not committed and comes again; one commit stands behind its last record', async (context) => {
    const { createTopic, consume, produce, committedOf, withAdmin } = open(context);
    const topic = await createTopic(1);
    const groupId = `${topic}-group`;
    await produce(topic, recordsOf(numbered('value', 101)));
    const seen: KafkaBatch[] = [];
    let isLeft = true;
    const consumer = await consume(topic, groupId, async (batch) => {
      seen.push(batch);
      if (!isLeft) await batch.commit();
    });
    await until('the batch twice', () => seen.length >= 2);
    assert.deepEqual(await committedOf(topic, groupId), ['-1']);
    assert.deepEqual([...new Set(seen.map(({ firstOffset, records }) => `${firstOffset}+${records.length}`))], ['0+101']);
    isLeft = false;
    await until('the commit', async () => (await committedOf(topic, groupId))[0] === '101');
    assert.deepEqual([seen.at(-1)?.lastOffset, seen.at(-1)?.highWatermark], [100n, 101n]);
    await consumer.commit(0, 40n);
    await until('reading to go on there', () => seen.at(-1)?.firstOffset === 40n);
    await until('the commit again', async () => (await committedOf(topic, groupId))[0] === '101');
    await consumer.close();
    await until('the group to be empty', async () =>
      withAdmin(async (admin) => (await admin.describeGroups([groupId])).groups[0]?.state === 'Empty'),
    );
  });

  test('the whole batch is committed and told as caught up, with the times of its records', async (context) => {
    const { createTopic, watch, produce, committedOf } = open(context);
    const topic = await createTopic(2);
    const groupId = `${topic}-group`;
    await produce(topic, [
      { value: 'a', partition: 0, timestamp: '1700000000000' },
      { value: 'b', partition: 0, timestamp: '1700000005000' },
    ]);
    const spans: KafkaProgress[] = [];
    const watched = await watch(topic, groupId, { recordProgress: async (progress) => void spans.push(...progress) });
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
    assert.deepEqual(await committedOf(topic, groupId), ['2', '-1']);
  });

  test('control records are committed, and aborted ones are never handed over, however many fetches they span', async (context) => {
    const { broker, createTopic, watch, committedOf, endsOf } = open(context);
    const topic = await createTopic(1);
    const groupId = `${topic}-group`;
    const producer = broker.kafka.producer({ transactionalId: topic, maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    const send = async (value: string, end: 'commit' | 'abort'): Promise<void> => {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: [...recordsOf([value])] });
      for (let count = 0; end === 'abort' && count < 8; count += 1)
        await transaction.send({ topic, messages: [...recordsOf(['aborted '.repeat(10_000)])] });
      await transaction[end]();
    };
    const isAllCommitted = async () => isDeepStrictEqual(await committedOf(topic, groupId), await endsOf(topic));
    await send('kept', 'commit');
    await send('aborted', 'abort');
    await send('kept too', 'commit');
    await send('aborted too', 'abort');
    const watched = await watch(topic, groupId);
    // The last batches hold nothing that may be handed over.
    await until('all offsets', isAllCommitted);
    assert.deepEqual(textsOf(watched.deliveries), ['kept', 'kept too']);
    await until('being caught up', () => watched.progress.get(0)?.isCaughtUp === true && watched.lags.get(0) === 0);
    // And now the last batch holds a record, with its marker behind it.
    await send('kept last', 'commit');
    await producer.disconnect();
    await until('all offsets again', isAllCommitted);
    assert.deepEqual(textsOf(watched.deliveries), ['kept', 'kept too', 'kept last']);
  });

  test('records deleted past the committed offset are counted, each one, and the rest is read', async (context) => {
    const { createTopic, watch, produce, committedOf, deleteRecords } = open(context);
    const topic = await createTopic(1);
    const groupId = `${topic}-group`;
    const first = await watch(topic, groupId);
    await produce(topic, recordsOf(numbered('old', 10)));
    await until('the first commit', async () => (await committedOf(topic, groupId))[0] === '10');
    await first.source.stop();
    await produce(topic, recordsOf(numbered('gone', 25)));
    await deleteRecords(topic, '35');
    await produce(topic, recordsOf(['left']));
    const second = await watch(topic, groupId);
    await until('what is left', () => second.deliveries.length > 0);
    assert.deepEqual(textsOf(second.deliveries), ['left']);
    assert.equal(second.skipped.get(0), 25);
  });

  test('records deleted while the store is away are counted by the running consumer', async (context) => {
    const { createTopic, watch, produce, deleteRecords } = open(context);
    const topic = await createTopic(1);
    const store = { isAway: true, takes: Promise.withResolvers<void>(), hasFailed: false };
    const watched = await watch(topic, `${topic}-group`, {
      ingest: async () => {
        if (!store.isAway) return [];
        store.hasFailed = true;
        throw new StoreUnavailable('away');
      },
      untilStoreServes: () => store.takes.promise,
    });
    await produce(topic, recordsOf(numbered('gone', 8)));
    await until('the pause', () => store.hasFailed);
    await deleteRecords(topic, '8');
    await produce(topic, recordsOf(['left']));
    store.isAway = false;
    store.takes.resolve();
    await until('what is left', () => watched.deliveries.length > 0);
    assert.deepEqual(textsOf(watched.deliveries), ['left']);
    assert.equal(watched.skipped.get(0), 8);
  });

  test('a committed offset past the end of the topic: it is read from its beginning, and none counts as skipped', async (context) => {
    const { createTopic, watch, produce, withAdmin, committedOf } = open(context);
    const topic = await createTopic(1);
    const groupId = `${topic}-group`;
    await produce(topic, recordsOf(['one', 'two']));
    await withAdmin((admin) => admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '500' }] }));
    const watched = await watch(topic, groupId);
    await until('both records', () => watched.deliveries.length >= 2);
    assert.deepEqual(textsOf(watched.deliveries), ['one', 'two']);
    await until('the commit', async () => (await committedOf(topic, groupId))[0] === '2');
    assert.equal(watched.skipped.get(0), undefined);
  });

  test('an idle source costs less than two per cent of a core', async (context) => {
    const { broker, client, createTopic } = open(context);
    const args = [join(import.meta.dirname, 'kafka-idle.ts'), ...broker.brokers, await createTopic(6), client];
    const { code, output } = await runProcess({ command: process.execPath, args });
    assert.equal(code, 0, output);
    assert.ok(Number(output) < MOST_IDLE_PERCENT, output);
  });
}

/** One at a time: kafkajs does not tell whose batch it was, so that every source of the process hears of it. */
export function refusesBombs(open: OpenScene, client: string): void {
  test(`${client}: a batch that inflates without bound pauses its own Kafka partition and no other`, {
    skip: skipReason(kcatMissing),
  }, async (context) => {
    const { createTopic, watch, produce, produceWithKcat, committedOf } = open(context);
    for (const codec of ['gzip', 'zstd']) {
      const topic = await createTopic(2);
      const groupId = `${topic}-group`;
      const watched = await watch(topic, groupId);
      await produce(topic, recordsOf(['before']));
      await produceWithKcat(topic, codec, ['0'.repeat(BOMB_BYTES)]);
      await until('the pause', () => watched.paused.get(0) === true);
      await produce(topic, recordsOf(['neighbour'], 1));
      await until('the neighbour', () => textsOf(watched.deliveries).includes('neighbour'));
      assert.deepEqual(textsOf(watched.deliveries).toSorted(), ['before', 'neighbour']);
      assert.notEqual(watched.paused.get(1), true);
      assert.deepEqual(await committedOf(topic, groupId), ['1', '1']);
      await watched.source.stop();
    }
  });
}
