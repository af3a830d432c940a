/**
 * The table of bad inputs through Kafka, against the whole service and a real broker: one topic holds every case, each
 * beside a good neighbour. Every good one is stored, every bad one is a dead letter with its reason and coordinates.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import type kafkajs from 'kafkajs';
import { inputCases } from '../fixtures/bad-inputs/table.ts';
import { envelope, envelopes, randomRequestId } from '../support/envelopes.ts';
import { type IngestScene, startIngestScene } from '../support/ingest-scene.ts';
import { jsonTestSuite } from '../support/json-test-suite.ts';
import { answerOf, judge } from '../support/judge.ts';
import { produceWithKcat } from '../support/kcat.ts';
import { readMetric } from '../support/metrics-text.ts';
import { produceBomb } from '../support/record-bomb.ts';
import { kafkaMissing, kcatMissing, skipReason } from '../support/requirements.ts';
import { comparable, keyOf, readRows } from '../support/stored-rows.ts';
import { waitFor } from '../support/wait-for.ts';

const DEADLINE_MS = 60_000;
/** The broker's own limit would refuse the records of more than 1 MiB that the service must refuse. */
const MOST_MESSAGE_BYTES = String(4 * 1024 * 1024);
const TOPIC = 'bad-records';
const MIB = 1024 * 1024;
/** Records produced in one request. */
const CHUNK = 40;
const MOST_RESIDENT_KIB = 512 * 1024;

interface Sent {
  readonly name: string;
  readonly bytes: Uint8Array | null;
  /** As `answerOf` writes it. */
  readonly answer: string;
}

describe('bad inputs through Kafka', { skip: skipReason(kafkaMissing) }, () => {
  let scene: IngestScene;
  let broker: IngestScene['broker'];
  let database: IngestScene['database'];
  let service: IngestScene['service'];
  const nowMs = Date.now();

  before(async () => {
    scene = await startIngestScene({
      topic: TOPIC,
      partitionCount: 3,
      brokerProperties: { 'message.max.bytes': MOST_MESSAGE_BYTES },
    });
    ({ broker, database, service } = scene);
  });
  after(() => scene.stop());

  async function produce(messages: readonly kafkajs.Message[], partition: number): Promise<void> {
    const producer = broker.kafka.producer({ allowAutoTopicCreation: false });
    await producer.connect();
    for (let at = 0; at < messages.length; at += CHUNK) {
      await producer.send({ topic: TOPIC, messages: messages.slice(at, at + CHUNK).map((each) => ({ ...each, partition })) });
    }
    await producer.disconnect();
  }

  /** Each beside a good neighbour, all to one Kafka partition; resolves when everything is committed. */
  async function deliver(all: readonly Sent[], partition: number): Promise<readonly string[]> {
    const neighbours = all.map(() => envelope());
    const offsetBefore = await endOf(partition);
    await produce(
      all.flatMap(({ bytes }, index) => [
        { key: null, value: bytes === null ? null : Buffer.from(bytes) },
        { value: JSON.stringify(neighbours[index]) },
      ]),
      partition,
    );
    const end = offsetBefore + 2 * all.length;
    assert.equal(await endOf(partition), end);
    await waitFor(async () => (await committedOf(partition)) === end, { deadlineMs: DEADLINE_MS, what: 'all to be committed' });
    const rows = await readRows(database);
    for (const { requestId, timestamp } of neighbours) {
      assert.ok(rows.has(`${requestId} ${timestamp.slice(0, 10)} TRUNK_NOT_FOUND`), 'a good neighbour is missing');
    }
    const dead = await deadLetters(partition);
    return all.map(({ bytes, name }, index) => {
      const letter = dead.get(String(offsetBefore + 2 * index));
      const judgement = judge(bytes, nowMs);
      if (judgement.kind === 'rejected') return letter ?? `${name}: no dead letter`;
      assert.equal(letter, undefined, name);
      assert.deepEqual(rows.get(keyOf(judgement.row)), comparable(judgement.row), name);
      return answerOf(judgement);
    });
  }

  const offsetOf = async (read: (admin: kafkajs.Admin) => Promise<string | undefined>) =>
    Math.max(0, Number(await broker.withAdmin(read)));
  /** Offset that the next record will have. */
  const endOf = (partition: number) =>
    offsetOf(async (admin) => (await admin.fetchTopicOffsets(TOPIC)).find((each) => each.partition === partition)?.high);
  const committedOf = (partition: number) =>
    offsetOf(async (admin) => {
      const [group] = await admin.fetchOffsets({ groupId: 'surgewatch', topics: [TOPIC] });
      return group?.partitions.find((each) => each.partition === partition)?.offset;
    });

  async function deadLetters(partition: number): Promise<ReadonlyMap<string, string>> {
    const rows = await database.query(
      "select kafka_offset::text as at, reason from dead_letter where source = 'kafka' and topic = $1 and kafka_partition = $2",
      [TOPIC, partition],
    );
    return new Map(rows.map(({ at, reason }) => [String(at), String(reason)]));
  }

  const reasonOf = (answer: string) => answer.replace(/^\d+ /, '');

  test('every input of the table has its one answer, and no neighbour is touched', async (context) => {
    const cases = inputCases('kafka', nowMs).filter(({ paths }) => paths !== 'http');
    const answers = await deliver(cases, 0);
    assert.ok(cases.length > 200);
    for (const [index, { number, name, answer }] of cases.entries()) {
      await context.test(`case ${number}: ${name} is answered with ${answer}`, () =>
        assert.equal(answers[index], reasonOf(answer)),
      );
    }
  });

  test('cases 18, 19: the corner cases of JSON itself are dead letters, each with the reason that decode gives', async () => {
    const all = jsonTestSuite.map(([name, bytes]) => ({ name, bytes, answer: answerOf(judge(bytes, nowMs)) }));
    const answers = await deliver(all, 1);
    assert.deepEqual(
      answers,
      all.map(({ answer }) => reasonOf(answer)),
    );
  });

  test('case 88: however many headers and however large the key, only context is kept of them', async () => {
    const headers = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`x-${index}`, 'hunter2-canary']));
    const ids = [randomRequestId(), randomRequestId()];
    const [many, large] = ids.map((requestId) => Buffer.from(JSON.stringify(envelope({ requestId }))));
    await produce(
      [
        { key: null, value: many ?? null, headers: { ...headers, authorization: 'hunter2-canary', service: 'billing' } },
        { key: Buffer.alloc(MIB, 'k'), value: large ?? null },
      ],
      2,
    );
    const rows = await waitFor(
      async () => {
        const found = await database.query(
          'select request_id, service, envelope::text as text from envelope where request_id = any($1)',
          [ids],
        );
        return found.length === 2 && found;
      },
      { deadlineMs: DEADLINE_MS, what: 'both to be stored' },
    );
    assert.deepEqual(
      new Map(rows.map(({ request_id, service: stated }) => [request_id, stated])),
      new Map([
        [ids[0], 'billing'],
        [ids[1], null],
      ]),
    );
    assert.doesNotMatch(JSON.stringify(rows) + service.output(), /hunter2-canary|kkkk/);
  });

  test('case 14: what is compressed with snappy, lz4 or zstd is stored like any other', {
    skip: skipReason(kcatMissing),
  }, async () => {
    const all: string[] = [];
    for (const codec of ['snappy', 'lz4', 'zstd'] as const) {
      const batch = envelopes(200);
      await produceWithKcat({
        brokers: broker.brokers,
        topic: TOPIC,
        partition: 1,
        codec,
        values: batch.map((each) => JSON.stringify(each)),
      });
      all.push(...batch.map(({ requestId }) => requestId));
    }
    const areStored = async () => (await countOf(all)) === all.length;
    await waitFor(areStored, { deadlineMs: DEADLINE_MS, what: 'all of the three codecs to be stored' });
  });

  test('case 15: 1 MB that inflates to 1 GB pauses its own Kafka partition; the others go on, in bounded memory', async () => {
    await produceBomb(broker, TOPIC, 2);
    const isPaused = async () =>
      (await readMetric(service.url, 'surgewatch_kafka_partition_paused', { topic: TOPIC, partition: '2' })) === 1;
    await waitFor(isPaused, { deadlineMs: DEADLINE_MS, what: 'the Kafka partition to be paused' });
    const neighbours = envelopes(20);
    await produce(
      neighbours.map((each) => ({ value: JSON.stringify(each) })),
      0,
    );
    const ids = neighbours.map(({ requestId }) => requestId);
    await waitFor(async () => (await countOf(ids)) === ids.length, { deadlineMs: DEADLINE_MS, what: 'the others to go on' });
    const [, kibibytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${service.pid}/status`, 'utf8')) ?? [];
    assert.ok(Number(kibibytes) < MOST_RESIDENT_KIB, `peak RSS ${kibibytes} KiB`);
    assert.equal(await committedOf(2), (await endOf(2)) - 1);
  });

  async function countOf(requestIds: readonly string[]): Promise<number> {
    const [row] = await database.query('select count(*)::int as n from envelope where request_id = any($1)', [requestIds]);
    return Number(row?.['n']);
  }
});
