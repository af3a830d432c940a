/** KAFKA_DLQ_TOPIC on a real broker: originals byte for byte, before the offset moves, and no offset without them. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type kafkajs from 'kafkajs';
import { envelope } from '../support/envelopes.ts';
import { type KafkaBroker, startKafkaBroker } from '../support/kafka.ts';
import { readMetric } from '../support/metrics-text.ts';
import { startTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { kafkaMissing, skipReason } from '../support/requirements.ts';
import { startSurgewatch } from '../support/surgewatch-process.ts';
import { waitFor } from '../support/wait-for.ts';

const DEADLINE_MS = 60_000;
/** Which Kafka client the service runs on; both must do. */
const KAFKA_CLIENT = process.env['KAFKA_CLIENT'] ?? 'kafkajs';

describe('the topic for rejected records', { skip: skipReason(kafkaMissing) }, () => {
  let broker: KafkaBroker;
  let database: TestDatabase;

  before(async () => {
    broker = await startKafkaBroker({ properties: { 'auto.create.topics.enable': 'false' } });
    database = await startTestDatabase();
  });
  after(async () => {
    await broker?.stop();
    await database?.stop();
  });

  async function committed(topic: string): Promise<string | undefined> {
    const [group] = await broker.withAdmin((admin) => admin.fetchOffsets({ groupId: topic, topics: [topic] }));
    return group?.partitions[0]?.offset;
  }

  /** All records of a topic so far. */
  async function readAll(topic: string, count: number): Promise<readonly kafkajs.KafkaMessage[]> {
    const consumer = broker.kafka.consumer({ groupId: `${topic}-reader` });
    const messages: kafkajs.KafkaMessage[] = [];
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({ eachMessage: async ({ message }) => void messages.push(message) });
    try {
      await waitFor(() => messages.length >= count, { deadlineMs: DEADLINE_MS, what: `${count} records of ${topic}` });
    } finally {
      await consumer.disconnect();
    }
    return messages;
  }

  test('no offset moves while the topic is not there; then the originals are in it, with what became of them', async () => {
    const [topic, dead] = ['errors', 'errors-dead'];
    await broker.createTopic(topic, 1);
    const key = Buffer.from([0xff, 0x00, 0x01]);
    const value = Buffer.from([0x7b, 0xff, 0xfe]);
    const headers = { 'x-trace': [Buffer.from([0xfe]), Buffer.from('two')], authorization: 'canary' };
    const good = { value: JSON.stringify(envelope({ requestId: 'req_good' })) };
    await broker.produce(topic, [good, { key, value, headers }, { key: 'k', value: null }]);
    const service = await startSurgewatch({
      env: {
        DATABASE_URL: database.connectionString,
        KAFKA_BROKERS: broker.brokers.join(),
        KAFKA_TOPIC: topic,
        KAFKA_GROUP_ID: topic,
        KAFKA_CLIENT,
        KAFKA_DLQ_TOPIC: dead,
      },
    });
    try {
      const isHeld = async () => (await readMetric(service.url, 'surgewatch_kafka_partition_paused')) === 1;
      await waitFor(isHeld, { deadlineMs: DEADLINE_MS, what: 'the hold' });
      assert.equal(await committed(topic), '-1');
      await broker.createTopic(dead, 1);
      await waitFor(async () => (await committed(topic)) === '3', { deadlineMs: DEADLINE_MS, what: 'the offset' });
      const [first, second] = await readAll(dead, 2);
      assert.deepEqual([first?.key, first?.value], [key, value]);
      assert.deepEqual(first?.headers?.['x-trace'], headers['x-trace']);
      assert.equal(String(first?.headers?.['authorization']), 'canary');
      assert.equal(String(first?.headers?.['__connect.errors.topic']), topic);
      assert.equal(String(first?.headers?.['__connect.errors.offset']), '1');
      assert.match(String(first?.headers?.['__connect.errors.exception.message']), /^utf8: /);
      assert.deepEqual([String(second?.key), second?.value], ['k', null]);
      assert.equal((await database.query('select from dead_letter')).length, 2);
      assert.equal((await database.query('select from envelope')).length, 1);
      assert.ok(!service.output().includes('canary'));
    } finally {
      await service.stop();
    }
  });
});
