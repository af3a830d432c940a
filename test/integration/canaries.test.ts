/**
 * P20: ten thousand secrets, each one of its kind, go through the real service over HTTP and a real Kafka topic, in envelopes
 * that are stored and in bytes that are rejected. Then everything that the service wrote, told or answered is searched:
 * tables, data directory and write-ahead log, logs, metrics, alerts, answers, pages. What must be there is looked for too,
 * so that a search that sees nothing is seen.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { canaryEnvelope, MARKERS, rejectedCanary, VISIBLE } from '../fixtures/redaction/canaries.ts';
import { createDice } from '../fixtures/worlds/dice.ts';
import { type Alertmanager, startAlertmanager } from '../support/alertmanager.ts';
import { type KafkaBroker, startKafkaBroker } from '../support/kafka.ts';
import { readMetric } from '../support/metrics-text.ts';
import { startTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { alertmanagerMissing, kafkaMissing, skipReason } from '../support/requirements.ts';
import { type SurgewatchProcess, startSurgewatch } from '../support/surgewatch-process.ts';
import { waitFor } from '../support/wait-for.ts';

const CANARY_COUNT = 10_000;
const TOPIC = 'canaries';
/** One in so many is made unfit: never a hundred in a row, which would pause the Kafka partition. */
const REJECTED_EVERY = 5;
const BATCH_COUNT = 500;
const MINUTE_MS = 60_000;
/** On the topic: normal from 100 minutes ago, tenfold from 40 to 30 minutes ago, normal since. */
const NORMAL_A_MINUTE = 20;
const [STARTS_AGO, SURGES_AGO, ENDS_AGO] = [100, 40, 30];
const SURGING = 'PAYMENT_FAILED';
const DEADLINE_MS = 120_000;
const missing = skipReason(kafkaMissing) || skipReason(alertmanagerMissing);
const SECRET = 'qzvkxheaderY7';
/** Stated by every envelope of the surge, so that the alert names it. */
const SECRET_RELEASE = 'token=qzvkxreleaseY7';
const SECRET_HEADERS = {
  'x-request-id': SECRET,
  'x-auth-token': SECRET,
  authorization: `Bearer ${SECRET}`,
  cookie: `session=${SECRET}`,
  'user-agent': `x password=${SECRET}`,
  service: `password=${SECRET}`,
  client: `${SECRET}@example.com`,
  traceparent: SECRET,
};

describe('ten thousand canaries', { skip: missing }, () => {
  let broker: KafkaBroker;
  let alertmanager: Alertmanager;
  let database: TestDatabase;
  let service: SurgewatchProcess;
  const nowMs = Date.now();
  const records = makeRecords(nowMs);
  /** Every answer that anybody got. */
  const answers: string[] = [];
  let number = records.length;

  before(async () => {
    broker = await startKafkaBroker();
    await broker.createTopic(TOPIC, 2);
    const producer = broker.kafka.producer();
    await producer.connect();
    for (let at = 0; at < records.length; at += BATCH_COUNT)
      await producer.send({ topic: TOPIC, messages: records.slice(at, at + BATCH_COUNT) });
    await producer.disconnect();
    alertmanager = await startAlertmanager();
    database = await startTestDatabase();
    service = await startSurgewatch({
      env: {
        DATABASE_URL: database.connectionString,
        KAFKA_BROKERS: broker.brokers.join(),
        KAFKA_TOPIC: TOPIC,
        ALERTMANAGER_URLS: alertmanager.url,
        LOG_LEVEL: 'debug',
      },
    });
  });
  after(async () => {
    await service?.stop();
    await database?.stop();
    await alertmanager?.stop();
    await broker?.stop();
  });

  async function ask(path: string, init: RequestInit = {}): Promise<string> {
    const response = await fetch(`${service.url}${path}`, {
      redirect: 'manual',
      ...init,
      headers: { ...SECRET_HEADERS, ...init.headers },
    });
    const answer = `${response.status} ${JSON.stringify([...response.headers])} ${await response.text()}`;
    answers.push(answer);
    return answer;
  }
  const post = (type: string, body: string | Uint8Array<ArrayBuffer>) =>
    ask('/v1/envelopes', { method: 'POST', headers: { 'content-type': type }, body });

  test('those on the topic are stored or become dead letters, and the surge among them is told', async () => {
    assert.deepEqual(
      records.filter(({ value }) => found('', value).length === 0),
      [],
      'each holds a canary',
    );
    const taken = () => readMetric(service.url, 'surgewatch_envelopes_received_total', { source: 'kafka' });
    await waitFor(async () => (await taken()) === records.length, { deadlineMs: DEADLINE_MS, what: 'the topic to be taken in' });
    assert.equal(await readMetric(service.url, 'surgewatch_dead_letters_total'), Math.ceil(records.length / REJECTED_EVERY));
    const isTold = () =>
      alertmanager.notifications.some(({ alerts }) =>
        alerts.some(({ annotations }) => annotations['dominant_detail']?.includes('release=token=')),
      );
    await waitFor(isTold, { deadlineMs: DEADLINE_MS, what: 'the surge to be told with its release' });
  });

  test('those over HTTP are stored or rejected, in batches and alone', async () => {
    for (let isLines = true; number < CANARY_COUNT; isLines = !isLines) {
      const all = Array.from({ length: Math.min(BATCH_COUNT, CANARY_COUNT - number) }, () => number++);
      if (isLines) {
        const lines = all.map((n) =>
          n % REJECTED_EVERY === 0 ? rejectedCanary(n) : Buffer.from(JSON.stringify(canaryEnvelope(n))),
        );
        const answer = await post('application/x-ndjson', Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')])));
        assert.ok(
          answer.startsWith('200') && answer.includes(`"rejected":${all.filter((n) => n % REJECTED_EVERY === 0).length}`),
        );
      } else {
        const answer = await post('application/json', JSON.stringify(all.map((n) => canaryEnvelope(n))));
        assert.ok(answer.startsWith('200') && answer.includes('"rejected":0'));
      }
    }
    for (let n = number; n < number + 60; n++)
      assert.match(await post('application/json', new Uint8Array(rejectedCanary(n))), /^4/);
    assert.match(await post('application/json', JSON.stringify(canaryEnvelope(number + 60))), /^200/);
  });

  test('no answer to a mistake says what was sent', async () => {
    assert.match(await post(`application/${SECRET}`, SECRET), /^415/);
    assert.match(await post('application/json', `[${SECRET}]`), /^200 .*"rejected":1/);
    assert.match(await post('application/json', `[${SECRET}`), /^400/);
    assert.match(await ask(`/v1/envelopes?limit=${SECRET}`), /^4/);
    assert.match(await ask(`/v1/envelopes?cursor=${SECRET}`), /^4/);
    assert.match(await ask(`/v1/requests/${SECRET}%20%3C`), /^4/);
    assert.match(await ask(`/v1/nothing?token=${SECRET}`), /^404/);
    assert.match(await ask('/v1/envelopes', { method: 'PUT', body: SECRET }), /^4/);
    const { port } = service;
    for (const request of [
      `${SECRET} / HTTP/1.1\r\n\r\n`,
      `GET /${SECRET} HTTP/9.9\r\n\r\n`,
      `POST / HTTP/1.1\r\n${SECRET}\u0000: x\r\n\r\n`,
    ]) {
      const socket = connect(port, '127.0.0.1');
      socket.end(request);
      answers.push(await text(socket));
    }
  });

  test('whoever reads is not told one', async () => {
    const rows = await database.query("select request_id from envelope where code = 'VALIDATION_ERROR' limit 20");
    const paths = rows.flatMap(({ request_id: id }) => [`/v1/requests/${id}`, `/requests/${id}`]);
    const { items } = JSON.parse((await ask('/v1/spikes')).replace(/^.*?\] /s, ''));
    const spikes = items.flatMap(({ id }: { id: string }) => [`/v1/spikes/${id}`, `/spikes/${id}`]);
    const lists = [
      '/v1/envelopes?limit=200',
      '/envelopes',
      '/v1/codes',
      '/codes',
      '/v1/dead-letters',
      '/dead-letters',
      '/',
      '/spikes',
    ];
    const codes = ['VALIDATION_ERROR', SURGING].flatMap((code) => [`/v1/codes/${code}`, `/codes/${code}`]);
    for (const path of [...paths, ...spikes, ...lists, ...codes, '/metrics', '/health/ready', '/openapi.json'])
      assert.match(await ask(path), /^200/, path);
    assert.ok(answers.some((answer) => answer.includes(VISIBLE)));
    assert.deepEqual(found('answers', answers.join('\n')), []);
  });

  test('no table holds one', async () => {
    const tables = await database.query(
      "select oid::regclass::text as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace",
    );
    let isSeen = false;
    const leaks: string[] = [];
    for (const { name } of tables) {
      const rows = await database.query(`select row_to_json(each)::text as row from ${name} each`);
      const dump = rows.map(({ row }) => row).join('\n');
      isSeen ||= dump.includes(VISIBLE);
      leaks.push(...found(`table ${name}`, dump));
    }
    assert.ok(isSeen && tables.length > 20);
    assert.deepEqual(leaks, []);
  });

  test('no byte of the data directory and the write-ahead log holds one', async (context) => {
    await database.query('checkpoint');
    const [shown] = await database.query('show data_directory');
    const leaks: string[] = [];
    const seen = new Set<string>();
    let sizeBytes = 0;
    for (const entry of readdirSync(String(shown?.['data_directory']), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const bytes = readFileSync(join(entry.parentPath, entry.name));
      sizeBytes += bytes.length;
      if (bytes.includes(VISIBLE)) seen.add(entry.parentPath.includes('pg_wal') ? 'log' : 'table');
      leaks.push(...found(join(entry.parentPath, entry.name), bytes));
    }
    context.diagnostic(`${Math.round(sizeBytes / 1e6)} MB searched for ${CANARY_COUNT} canaries`);
    assert.deepEqual([...seen].sort(), ['log', 'table']);
    assert.deepEqual(leaks, []);
  });

  test('neither a log nor an alert holds one', async () => {
    assert.deepEqual(found('log', service.output()), []);
    const alerts = JSON.stringify([alertmanager.notifications, await alertmanager.listAlerts()]);
    assert.ok(alerts.includes(SURGING));
    assert.deepEqual(found('alerts', alerts), []);
    assert.deepEqual(found('log of Alertmanager', alertmanager.output()), []);
  });
});

/** What is found of the canaries in a place, with what stands around it; at most one for each marker. */
function found(place: string, searched: string | Buffer): readonly string[] {
  const bytes = typeof searched === 'string' ? Buffer.from(searched) : searched;
  return MARKERS.flatMap((marker) => {
    const at = bytes.indexOf(marker);
    return at === -1 ? [] : [`${place}: ${JSON.stringify(bytes.toString('latin1', Math.max(0, at - 60), at + 80))}`];
  });
}

/** Poisson traffic from a seeded generator: the same story in every run. */
function makeRecords(nowMs: number) {
  const { roll } = createDice(20);
  const records: { key: string; value: Buffer; timestamp: string; headers: Record<string, string> }[] = [];
  for (let atMs = nowMs - STARTS_AGO * MINUTE_MS; atMs < nowMs; ) {
    const minutesAgo = (nowMs - atMs) / MINUTE_MS;
    const isSurge = minutesAgo <= SURGES_AGO && minutesAgo > ENDS_AGO;
    const n = records.length;
    const isRejected = n % REJECTED_EVERY === 0;
    if (!isRejected) atMs += (-Math.log(1 - roll()) * MINUTE_MS) / (NORMAL_A_MINUTE * (isSurge ? 10 : 1));
    if (atMs >= nowMs) break;
    const sound = canaryEnvelope(n, { timestamp: new Date(atMs), code: SURGING, ...(isSurge && { release: SECRET_RELEASE }) });
    const value = isRejected ? rejectedCanary(n) : Buffer.from(JSON.stringify(sound));
    records.push({ key: SECRET, value, timestamp: String(Math.floor(atMs)), headers: SECRET_HEADERS });
  }
  return records;
}
