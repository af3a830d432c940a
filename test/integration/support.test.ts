/** The starters of real services, each proven once: a test on top of a starter that does not work would prove nothing. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { startAlertmanager } from '../support/alertmanager.ts';
import { openBrowser } from '../support/chromium.ts';
import { documentedEnvelopes, envelopes, ndjson } from '../support/envelopes.ts';
import { startKafkaBroker } from '../support/kafka.ts';
import { listenOnLoopback } from '../support/listen.ts';
import { startTestDatabase } from '../support/postgres.ts';
import { amtool, promtool, startPrometheus } from '../support/prometheus.ts';
import {
  alertmanagerMissing,
  amtoolMissing,
  chromiumMissing,
  kafkaMissing,
  prometheusMissing,
  promtoolMissing,
  skipReason,
} from '../support/requirements.ts';
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

describe('Alertmanager', { skip: skipReason(alertmanagerMissing, amtoolMissing) }, () => {
  test('takes an alert, lists it, tells the receiver, and forgets it when killed', async () => {
    const alertmanager = await startAlertmanager({ routePrefix: '/prefix' });
    try {
      const alert = { labels: { alertname: 'Support', code: 'X' }, annotations: { summary: 'a test' } };
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${alertmanager.url}/api/v2/alerts`, { method: 'POST', headers, body: JSON.stringify([alert]) });
      assert.equal(answer.status, 200);
      await waitFor(() => alertmanager.notifications.length > 0, { deadlineMs: DEADLINE_MS, what: 'a notification' });
      assert.equal(alertmanager.notifications[0]?.status, 'firing');
      assert.deepEqual(alertmanager.notifications[0]?.alerts[0]?.labels, alert.labels);
      assert.equal((await alertmanager.listAlerts())[0]?.status.state, 'active');
      const { code, output } = await amtool([`--alertmanager.url=${alertmanager.url}`, 'alert', 'query', 'code=X']);
      assert.equal(code, 0, output);
      assert.match(output, /Support/);
      await alertmanager.kill();
      await alertmanager.restart();
      assert.deepEqual(await alertmanager.listAlerts(), []);
    } finally {
      await alertmanager.stop();
    }
  });
});

const PAGE = '<!doctype html><title>support</title><h1>It renders</h1>';
const METRICS = `# HELP support_things Things.
# TYPE support_things counter
support_things_total{code="X"} 3 # {request_id="req_1"} 1
# EOF
`;

describe('what needs a small web server', () => {
  let server: Server;
  let host: string;
  before(async () => {
    server = createServer(({ url }, response) => {
      const [type, body] = url === '/metrics' ? ['application/openmetrics-text; version=1.0.0', METRICS] : ['text/html', PAGE];
      response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(body);
    });
    host = `127.0.0.1:${await listenOnLoopback(server)}`;
  });
  after(() => server.close());

  test('Prometheus scrapes it, exemplars included', { skip: skipReason(prometheusMissing, promtoolMissing) }, async () => {
    const prometheus = await startPrometheus({ target: host });
    try {
      const promql = 'support_things_total';
      const samples = await waitFor(
        async () => {
          const found = await prometheus.query(promql);
          return found.length > 0 && found;
        },
        { deadlineMs: DEADLINE_MS, what: 'the first scrape' },
      );
      assert.deepEqual([samples[0]?.metric['code'], samples[0]?.value[1]], ['X', '3']);
      assert.equal((await prometheus.queryExemplars(promql))[0]?.exemplars[0]?.labels['request_id'], 'req_1');
      assert.deepEqual(
        (await prometheus.targets()).map(({ health, lastError }) => ({ health, lastError })),
        [{ health: 'up', lastError: '' }],
      );
      assert.equal((await promtool(['query', 'instant', prometheus.url, promql])).code, 0);
    } finally {
      await prometheus.stop();
    }
  });

  test('Chromium renders it, as dark and as narrow as asked', { skip: skipReason(chromiumMissing) }, async () => {
    const browser = await openBrowser();
    try {
      const page = await browser.newPage({ width: 390, height: 844, dark: true });
      await page.goto(`http://${host}/`);
      assert.equal(await page.locator('h1').innerText(), 'It renders');
      assert.equal(await page.evaluate("matchMedia('(prefers-color-scheme: dark) and (width: 390px)').matches"), true);
    } finally {
      await browser.stop();
    }
  });
});

describe('envelopes', () => {
  test('the documented ones are nine, of nine codes, with request ids that differ', () => {
    const all = documentedEnvelopes();
    assert.equal(new Set(all.map(({ error }) => error.code)).size, 9);
    assert.equal(new Set(all.map(({ requestId }) => requestId)).size, 9);
    assert.equal(ndjson(envelopes(3)).split('\n').length, 4);
  });
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
