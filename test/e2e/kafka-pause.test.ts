/**
 * Kafka partitions that wait for an operator, on a real broker and a real PostgreSQL: what pauses one, that the pause
 * outlives the process and goes with the partition, and the two ways out.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import type kafkajs from 'kafkajs';
import { envelope } from '../support/envelopes.ts';
import { type KafkaBroker, startKafkaBroker } from '../support/kafka.ts';
import { readMetric } from '../support/metrics-text.ts';
import { startTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { kafkaMissing, kcatMissing, programs, required, skipReason } from '../support/requirements.ts';
import { runVerb } from '../support/run-verb.ts';
import { type SurgewatchProcess, startSurgewatch } from '../support/surgewatch-process.ts';
import { waitFor } from '../support/wait-for.ts';

const DEADLINE_MS = 60_000;
/** Which Kafka client the service runs on; both must do. */
const KAFKA_CLIENT = process.env['KAFKA_CLIENT'] ?? 'kafkajs';
/** Inflates to more than the source accepts, yet is a small message to the broker. */
const BOMB_BYTES = 20 * 1024 * 1024;

let broker: KafkaBroker;
let database: TestDatabase;
let topic = '';
let topicCount = 0;
const services = new Set<SurgewatchProcess>();

async function start(replicaId = 'one'): Promise<SurgewatchProcess> {
  const service = await startSurgewatch({
    env: {
      DATABASE_URL: database.connectionString,
      KAFKA_BROKERS: broker.brokers.join(),
      KAFKA_TOPIC: topic,
      KAFKA_CLIENT,
      KAFKA_GROUP_ID: topic,
      REPLICA_ID: replicaId,
    },
  });
  services.add(service);
  return service;
}

async function end(service: SurgewatchProcess, how: 'stop' | 'kill9'): Promise<void> {
  services.delete(service);
  await service[how]();
}

const produce = (messages: readonly kafkajs.Message[]) => broker.produce(topic, messages);

function poison(count: number): readonly kafkajs.Message[] {
  return Array.from({ length: count }, (_, n) => ({ value: `{"poison":${n}`, partition: 0 }));
}

function good(requestId: string, partition = 0): kafkajs.Message {
  return { value: JSON.stringify(envelope({ requestId })), partition };
}

async function committed(partition = 0): Promise<string | undefined> {
  const [group] = await broker.withAdmin((admin) => admin.fetchOffsets({ groupId: topic, topics: [topic] }));
  return group?.partitions.find((each) => each.partition === partition)?.offset;
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  await waitFor(condition, { deadlineMs: DEADLINE_MS, what, pollMs: 100 });
}

const query = (text: string) => database.query(text);
const isStored = async (requestId: string) =>
  (await query(`select from envelope where request_id = '${requestId}'`)).length === 1;
const pausedMetric = ({ url }: SurgewatchProcess, partition = 0) =>
  readMetric(url, 'surgewatch_kafka_partition_paused', { partition: String(partition) });
const verb = (...args: readonly string[]) =>
  runVerb([...args, '--topic', topic, '--partition', '0'], { DATABASE_URL: database.connectionString });

describe('a Kafka partition that waits for an operator', { skip: skipReason(kafkaMissing) }, () => {
  before(async () => {
    broker = await startKafkaBroker();
  });
  beforeEach(async () => {
    topicCount += 1;
    topic = `waiting-${topicCount}`;
    await broker.createTopic(topic, 2);
    database = await startTestDatabase();
  });
  afterEach(async () => {
    for (const service of services) await end(service, 'stop');
    await database.stop();
  });
  after(() => broker.stop());

  test('100 rejected in a row pause it, over kill -9 and to another replica, until a resume; nothing is lost', async () => {
    const service = await start();
    await produce([...poison(150), good('req_behind')]);
    await produce([good('req_neighbour', 1)]);
    await until('the pause', async () => (await pausedMetric(service)) === 1);
    await until('the offset behind the hundredth', async () => (await committed()) === '100');
    await until('the neighbour', () => isStored('req_neighbour'));
    assert.equal(await pausedMetric(service, 1), 0);
    const [pause] = await query('select cause, paused_offset, detail, skip_to from kafka_pause');
    assert.deepEqual(pause, {
      cause: 'rejected_in_a_row',
      paused_offset: '100',
      detail: '100 in a row, mostly syntax',
      skip_to: null,
    });
    await until('the detector to be told', async () => {
      const [progress] = await query('select is_paused from kafka_progress where kafka_partition = 0');
      return progress?.['is_paused'] === true;
    });
    assert.equal(service.output().split('is paused until an operator').length, 2, 'one log line');
    assert.match(await (await fetch(`${service.url}/dead-letters`)).text(), /waits for you/);

    await end(service, 'kill9');
    const second = await start();
    await until('the pause after the kill', async () => (await pausedMetric(second)) === 1);
    const third = await start('three');
    await end(second, 'stop');
    await until('the pause on the other replica', async () => (await pausedMetric(third)) === 1);
    assert.equal(await committed(), '100');

    const { code, out } = await verb('kafka', 'resume');
    assert.deepEqual([code, out], [0, `${topic}/0 goes on at offset 100 within seconds\n`]);
    await until('what lies behind', () => isStored('req_behind'));
    await until('the end of the pause', async () => (await pausedMetric(third)) === 0);
    await until('the offset at the end', async () => (await committed()) === '151');
    const [dead] = await query('select count(*)::int as n from dead_letter');
    assert.deepEqual(dead, { n: 150 });
    const [action] = await query('select actor, action, subject from operator_action');
    assert.deepEqual(action, { actor: 'anonymous', action: 'kafka_resume', subject: { topic, partition: 0, offset: '100' } });
  });

  test('a skip goes on behind the records that are known to be rejected, or where it is told; both leave a row', async () => {
    const service = await start();
    await produce([...poison(120), good('req_behind')]);
    await until('the pause', async () => (await pausedMetric(service)) === 1);
    const { out } = await verb('kafka', 'skip');
    assert.match(out, /goes on at offset 120 within seconds, 20 offsets further/);
    await until('what lies behind', () => isStored('req_behind'));
    const skipped = () => readMetric(service.url, 'surgewatch_kafka_records_skipped_total', { partition: '0' });
    await until('the receipt', async () => (await skipped()) === 20);
    await until('the end of the pause', async () => (await pausedMetric(service)) === 0);

    await produce([...poison(100), good('req_between'), good('req_last')]);
    await until('the next pause', async () => (await pausedMetric(service)) === 1);
    assert.equal((await verb('kafka', 'skip', '--offset', '5')).code, 1);
    assert.equal((await verb('kafka', 'skip', '--offset', '222')).code, 0);
    await until('the end of the pause', async () => (await pausedMetric(service)) === 0);
    await produce([good('req_new')]);
    await until('what came after', () => isStored('req_new'));
    assert.equal(await committed(), '224');
    const actions = await query('select action, subject from operator_action order by id');
    assert.deepEqual(
      actions.map(({ action, subject }) => [action, subject]),
      [
        ['kafka_skip', { topic, partition: 0, fromOffset: '100', toOffset: '120' }],
        ['kafka_skip', { topic, partition: 0, fromOffset: '221', toOffset: '222' }],
      ],
    );
    const { code, err } = await verb('kafka', 'resume');
    assert.deepEqual([code, err], [1, `surgewatch: ${topic}/0 is not paused. No Kafka partition is.\n`]);
  });

  test('the row goes on over a restart, and what says nothing of the producer does not count', async () => {
    const first = await start();
    await produce([...poison(60), ...Array.from({ length: 150 }, () => ({ key: 'k', value: null, partition: 0 }))]);
    await until('all of it', async () => (await committed()) === '210');
    assert.equal(await pausedMetric(first), 0);
    await end(first, 'kill9');
    const second = await start();
    await produce(poison(39));
    await until('one less than too many', async () => (await committed()) === '249');
    assert.equal(await pausedMetric(second), 0);
    await produce(poison(1));
    await until('the pause', async () => (await pausedMetric(second)) === 1);
  });

  test('a batch that cannot be opened waits over a restart, and a skip goes on behind it', {
    skip: skipReason(kcatMissing),
  }, async () => {
    const first = await start();
    await produce([good('req_before')]);
    const args = [
      '-P',
      '-b',
      broker.brokers.join(),
      '-t',
      topic,
      '-p',
      '0',
      '-z',
      'gzip',
      '-X',
      `message.max.bytes=${2 * BOMB_BYTES}`,
    ];
    const child = spawn(required(programs.kcat, 'kcat'), args, { stdio: ['pipe', 'ignore', 'inherit'] });
    child.stdin.end(`${'0'.repeat(BOMB_BYTES)}\n`);
    await once(child, 'close');
    await produce([good('req_behind')]);
    await until('the pause', async () => (await pausedMetric(first)) === 1);
    await until('its row', async () => (await query('select from kafka_pause')).length === 1);
    await end(first, 'kill9');
    const second = await start();
    await until('the pause after the kill', async () => (await pausedMetric(second)) === 1);
    assert.match((await verb('kafka', 'skip')).out, /goes on at offset 2 within seconds, 1 offsets further/);
    await until('what lies behind', () => isStored('req_behind'));
    assert.equal(await isStored('req_before'), true);
  });

  test('while dead letters may not be written no offset moves and nothing is lost; it goes on once they may', async () => {
    const service = await start();
    await produce([good('req_first')]);
    await until('the first offset', async () => (await committed()) === '1');
    await query('revoke insert on dead_letter from surgewatch_app');
    await produce([good('req_beside'), ...poison(3), good('req_after')]);
    await until('the hold to be told', async () => (await pausedMetric(service)) === 1);
    assert.match(service.output(), /the store refuses; nothing is committed until this is mended/);
    // It tries again by itself, and is refused again.
    const refusals = async () =>
      Number(
        (await query('select pg_stat_get_db_xact_rollback(oid) as n from pg_database where datname = current_database()'))[0]?.[
          'n'
        ],
      );
    const before = await refusals();
    await until('another attempt', async () => (await refusals()) > before);
    assert.equal(await committed(), '1');
    assert.deepEqual(await query('select from dead_letter'), []);
    await query('grant insert on dead_letter to surgewatch_app');
    await until('all of it', async () => (await committed()) === '6');
    assert.deepEqual([await isStored('req_beside'), await isStored('req_after')], [true, true]);
    assert.equal((await query('select from dead_letter')).length, 3);
    await until('the end of the hold', async () => (await pausedMetric(service)) === 0);
  });
});
