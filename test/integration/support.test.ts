/** The starters of real services, each proven once: a test on top of a starter that does not work would prove nothing. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startKafkaBroker } from '../support/kafka.ts';
import { startTestDatabase } from '../support/postgres.ts';
import { kafkaMissing, skipReason } from '../support/requirements.ts';
import { waitFor } from '../support/wait-for.ts';

const DEADLINE_MS = 30_000;

describe('PostgreSQL', () => {
  test('two databases of one cluster do not see each other, and the cluster outlives the first', async () => {
    const [first, second] = await Promise.all([startTestDatabase(), startTestDatabase()]);
    await first.query('CREATE TABLE mine (n int)');
    assert.deepEqual(await second.query("SELECT to_regclass('mine') AS mine"), [{ mine: null }]);
    await first.stop();
    assert.deepEqual(await second.query('SELECT $1::int AS n', [7]), [{ n: 7 }]);
    await second.stop();
  });
});

describe('Kafka', { skip: skipReason(kafkaMissing) }, () => {
  for (const version of ['4.4.0', '3.9.2'] as const) {
    test(`a broker ${version} keeps a record over kill -9 and gives it to a consumer`, async () => {
      const broker = await startKafkaBroker({ version });
      try {
        await broker.createTopic('support', 3);
        await produce(broker.kafka, 'first');
        await broker.kill();
        await broker.restart();
        assert.deepEqual(await consume(broker.kafka, 1), ['first']);
      } finally {
        await broker.stop();
      }
    });
  }
});

type Kafka = Awaited<ReturnType<typeof startKafkaBroker>>['kafka'];

async function produce(kafka: Kafka, value: string): Promise<void> {
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic: 'support', messages: [{ key: value, value }] });
  await producer.disconnect();
}

async function consume(kafka: Kafka, count: number): Promise<readonly string[]> {
  const consumer = kafka.consumer({ groupId: 'support' });
  const values: string[] = [];
  await consumer.connect();
  await consumer.subscribe({ topics: ['support'], fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      values.push(String(message.value));
    },
  });
  await waitFor(() => values.length >= count, { deadlineMs: DEADLINE_MS, what: `${count} records` });
  await consumer.disconnect();
  return values;
}
