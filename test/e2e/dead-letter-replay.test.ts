/** Dead letters listed and read again on a real broker: what a change lets in is stored once, what is gone is said so. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import type kafkajs from 'kafkajs';
import { envelope } from '../support/envelopes.ts';
import { type KafkaBroker, startKafkaBroker } from '../support/kafka.ts';
import { startTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { kafkaMissing, skipReason } from '../support/requirements.ts';
import { runVerb } from '../support/run-verb.ts';
import { startSurgewatch } from '../support/surgewatch-process.ts';
import { waitFor } from '../support/wait-for.ts';

const DEADLINE_MS = 60_000;
/** Which Kafka client the service runs on; both must do. */
const KAFKA_CLIENT = process.env['KAFKA_CLIENT'] ?? 'kafkajs';
const DAY_MS = 86_400_000;

describe('reading dead letters again', { skip: skipReason(kafkaMissing) }, () => {
  let broker: KafkaBroker;
  let database: TestDatabase;
  let topic = '';
  let topicCount = 0;

  before(async () => {
    broker = await startKafkaBroker();
  });
  beforeEach(async () => {
    topicCount += 1;
    topic = `replay-${topicCount}`;
    await broker.createTopic(topic, 2);
    database = await startTestDatabase();
  });
  afterEach(() => database.stop());
  after(() => broker.stop());

  const env = (retentionDays: number) => ({
    DATABASE_URL: database.connectionString,
    KAFKA_BROKERS: broker.brokers.join(),
    KAFKA_TOPIC: topic,
    KAFKA_CLIENT,
    KAFKA_GROUP_ID: topic,
    RETENTION_DAYS: String(retentionDays),
  });
  const produce = (messages: readonly kafkajs.Message[]) => broker.produce(topic, messages);
  const count = async (from: string) => Number((await database.query(`select count(*) as n from ${from}`))[0]?.['n']);

  /** Two records that Kafka forgets, five that a longer retention lets in, three that nothing lets in; good ones between. */
  async function reject(): Promise<void> {
    const service = await startSurgewatch({ env: env(1) });
    const old = (n: number) => envelope({ requestId: `req_old_${n}`, timestamp: new Date(Date.now() - 3 * DAY_MS) });
    await produce([
      { value: '{"gone', partition: 0 },
      { value: '{"gone', partition: 0 },
      ...Array.from({ length: 5 }, (_, n) => ({
        value: JSON.stringify(old(n)),
        partition: n % 2,
        headers: { service: 'billing', authorization: 'canary' },
      })),
      ...Array.from({ length: 50 }, () => ({ value: JSON.stringify(envelope()), partition: 0 })),
      ...Array.from({ length: 3 }, (_, n) => ({ value: `{"never":${n}`, partition: n % 2 })),
    ]);
    await waitFor(async () => (await count('dead_letter')) === 10 && (await count('envelope')) === 50, {
      deadlineMs: DEADLINE_MS,
      what: 'all records',
    });
    await service.stop();
  }

  test('what is accepted now is stored once and leaves the list; the rest is told by what became of it', async () => {
    await reject();
    await broker.withAdmin(async (admin) => {
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '2' }] });
    });
    const first = await runVerb(['dead-letters', 'replay'], env(30));
    assert.equal(first.code, 0, first.err);
    assert.equal(
      first.out,
      `${topic}: 10 dead letters\n  stored now           5\n  stored before        0\n  still rejected       3 (syntax 3)\n  gone from Kafka      2\n`,
    );
    assert.equal(await count('envelope'), 55);
    assert.equal(await count("envelope where service = 'billing' and source = 'kafka'"), 5);
    assert.equal(await count('dead_letter'), 10);
    assert.equal(await count("dead_letter where replayed_at is not null and reason = 'too_old'"), 5);
    assert.equal(Number((await database.query('select sum(error_count) as n from bucket_count'))[0]?.['n']), 55);
    assert.equal(Number((await database.query('select sum(total) as n from error_total'))[0]?.['n']), 55);

    const second = await runVerb(['dead-letters', 'replay', '--reason', 'too_old'], env(30));
    assert.match(second.out, /0 dead letters/);
    const listed = await runVerb(['dead-letters', 'list'], env(30));
    assert.equal(listed.out.split('\n').filter((line) => line.includes('syntax')).length, 5);
    assert.ok(!listed.out.includes('too_old'));

    // As after a kill between the row and the mark.
    await database.query('update dead_letter set replayed_at = null');
    const third = await runVerb(['dead-letters', 'replay', '--topic', topic], env(30));
    assert.match(third.out, /stored now {11}0\n {2}stored before {8}5/);
    assert.equal(await count('envelope'), 55);
    assert.equal(await count('dead_letter where replayed_at is null'), 5);
    const actions = await database.query("select subject from operator_action where action = 'dead_letters_replay' order by id");
    assert.deepEqual(actions.at(-1)?.['subject'], { topic, reason: null, count: 10 });
    const offsets = await broker.withAdmin((admin) => admin.fetchOffsets({ groupId: topic, topics: [topic] }));
    assert.deepEqual(
      offsets[0]?.partitions.toSorted((a, b) => a.partition - b.partition).map(({ offset }) => offset),
      ['57', '3'],
      'the group of the service stands where it stood',
    );
  });

  test('a topic that was made anew holds other records at the same offsets, and they are not taken for the old ones', async () => {
    await reject();
    await broker.withAdmin((admin) => admin.deleteTopics({ topics: [topic] }));
    await waitFor(() => broker.withAdmin(async (admin) => !(await admin.listTopics()).includes(topic)), {
      deadlineMs: DEADLINE_MS,
      what: 'the topic to be gone',
    });
    await broker.createTopic(topic, 2);
    await produce(Array.from({ length: 6 }, () => ({ value: JSON.stringify(envelope()), partition: 0 })));
    const { out, code, err } = await runVerb(['dead-letters', 'replay'], env(30));
    assert.equal(code, 0, err);
    assert.match(out, /stored now {11}0[\s\S]*gone from Kafka {6}5\n {2}another record there 5 \(the topic was made anew\)/);
    assert.equal(await count('envelope'), 50);
    assert.equal(await count('dead_letter where replayed_at is null'), 10);
  });

  test('without Kafka, with an unknown reason, and with a broker that is away it says so', async () => {
    const { DATABASE_URL } = env(30);
    const none = await runVerb(['dead-letters', 'replay'], { DATABASE_URL });
    assert.deepEqual([none.code, /KAFKA_BROKERS must be set/.test(none.err)], [1, true]);
    assert.equal((await runVerb(['dead-letters', 'list', '--reason', 'ugly'], { DATABASE_URL })).code, 2);
    const service = await startSurgewatch({ env: env(30) });
    await produce([{ value: '{', partition: 0 }]);
    await waitFor(async () => (await count('dead_letter')) === 1, { deadlineMs: DEADLINE_MS, what: 'the dead letter' });
    await service.stop();
    const away = await runVerb(['dead-letters', 'replay'], { ...env(30), KAFKA_BROKERS: '127.0.0.1:1' });
    assert.equal(away.code, 1);
    assert.match(away.err, new RegExp(`^${topic}: Kafka does not answer for this topic`));
    assert.doesNotMatch(away.err, /\n\s+at /);
  });
});
