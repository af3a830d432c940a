/** The whole service over its webhook: what is acknowledged is stored, counted and found; faults are said, not hidden. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { queryEmbedded, queryNumber } from '../support/embedded-query.ts';
import { documentedEnvelopes, envelope, envelopes, ndjson } from '../support/envelopes.ts';
import { readMetric } from '../support/metrics-text.ts';
import { startTestDatabase } from '../support/postgres.ts';
import { startPrometheus } from '../support/prometheus.ts';
import { prometheusMissing, skipReason } from '../support/requirements.ts';
import { type SurgewatchProcess, startSurgewatch } from '../support/surgewatch-process.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { waitFor } from '../support/wait-for.ts';

async function post(url: string, body: unknown, contentType = 'application/json') {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${url}/v1/envelopes`, { method: 'POST', headers: { 'content-type': contentType }, body: text });
  const answer: unknown = await response.json();
  return { status: response.status, headers: response.headers, answer };
}

describe('the service over its webhook', () => {
  let service: SurgewatchProcess;
  before(async () => {
    service = await startSurgewatch();
  });
  after(() => service.stop());

  test('it runs on the Node that the repository brings', async () => {
    const text = await (await fetch(`${service.url}/metrics`)).text();
    assert.match(text, /surgewatch_build_info\{version="[^"]+",node="v24\./);
  });

  test('each documented example is stored once, counted once, and found by its requestId', async () => {
    for (const example of documentedEnvelopes()) {
      const labels = { code: example.error.code };
      const countedBefore = await readMetric(service.url, 'surgewatch_errors_total', labels);
      const first = await post(service.url, example);
      assert.deepEqual(first.answer, {
        status: 'success',
        stored: 1,
        duplicate: 0,
        rejected: 0,
        results: [{ requestId: example.requestId, outcome: 'stored' }],
      });
      const again = await post(service.url, example);
      assert.deepEqual(again.answer, {
        status: 'success',
        stored: 0,
        duplicate: 1,
        rejected: 0,
        results: [{ requestId: example.requestId, outcome: 'duplicate' }],
      });
      assert.equal(await readMetric(service.url, 'surgewatch_errors_total', labels), (countedBefore ?? 0) + 1);
      const found = await fetch(`${service.url}/v1/requests/${example.requestId}`);
      assert.equal(found.status, 200);
      assert.ok((await found.text()).includes(example.error.code));
    }
  });

  test('what an end user typed is nowhere: not in the answer, the metrics or the database', async () => {
    const canary = 'canary-Pa55word';
    const details = { errors: [{ field: 'password', message: 'too short', code: 'MIN_LENGTH', value: canary }] };
    const one = envelope({ code: 'VALIDATION_ERROR', message: `password=${canary} is too short`, details });
    await post(service.url, one);
    const found = await (await fetch(`${service.url}/v1/requests/${one.requestId}`)).text();
    const rows = await queryEmbedded(service.dataDir, 'select envelope::text as text from envelope where request_id = $1', [
      one.requestId,
    ]);
    assert.equal(rows.length, 1);
    for (const text of [found, JSON.stringify(rows), await (await fetch(`${service.url}/metrics`)).text(), service.output()]) {
      assert.ok(!text.includes(canary));
    }
  });

  test('one bad line of NDJSON is rejected with its reason and its neighbours are stored', async () => {
    const [first, second] = [envelope(), envelope()];
    const body = `${JSON.stringify(first)}\n{"status":"error",\n${JSON.stringify(second)}\n`;
    const { status, answer } = await post(service.url, body, 'application/x-ndjson');
    assert.equal(status, 200);
    assert.deepEqual(answer, {
      status: 'success',
      stored: 2,
      duplicate: 0,
      rejected: 1,
      results: [
        { requestId: first.requestId, outcome: 'stored' },
        { requestId: null, outcome: 'rejected', reason: 'syntax' },
        { requestId: second.requestId, outcome: 'stored' },
      ],
    });
  });

  test('a thousand distinct codes and hostile statuses never grow errors_total past its cap', async () => {
    const hostile = Array.from({ length: 1000 }, (_, index) =>
      envelope({ code: `HOSTILE_${index}`, context: { httpStatus: 100 + (index % 500) } }),
    );
    for (let at = 0; at < hostile.length; at += 500)
      await post(service.url, ndjson(hostile.slice(at, at + 500)), 'application/x-ndjson');
    const series = (await (await fetch(`${service.url}/metrics`)).text()).match(/^surgewatch_errors_total\{/gm);
    assert.ok((series?.length ?? 0) <= 1001);
    assert.ok(((await readMetric(service.url, 'surgewatch_label_overflow_total')) ?? 0) > 0);
  });
});

test('a first error is an increase in a real Prometheus, and its exemplar is the requestId', {
  skip: skipReason(prometheusMissing),
}, async () => {
  const service = await startSurgewatch();
  const prometheus = await startPrometheus({ target: `127.0.0.1:${service.port}` });
  try {
    const series = 'surgewatch_errors_total{code="PAYMENT_FAILED",status="402"}';
    await waitFor(async () => (await prometheus.query(series)).length === 1, { deadlineMs: 20_000, what: 'the first scrape' });
    const one = envelope({ code: 'PAYMENT_FAILED' });
    await post(service.url, one);
    const increase = async () => Number((await prometheus.query(`increase(${series}[5m])`))[0]?.value[1] ?? 0);
    await waitFor(async () => (await increase()) >= 0.9, { deadlineMs: 20_000, what: 'increase() to see the first error' });
    const found = await prometheus.queryExemplars(series);
    assert.deepEqual(
      found.flatMap(({ exemplars }) => exemplars.map(({ labels }) => labels['request_id'])),
      [one.requestId],
    );
    assert.deepEqual(
      (await prometheus.targets()).map(({ lastError }) => lastError),
      [''],
    );
  } finally {
    await prometheus.stop();
    await service.stop();
  }
});

test('SIGTERM under load ends with exit code 0, loses nothing acknowledged, and leaves no PostgreSQL behind', async () => {
  const dir = makeTempDir('sigterm');
  const dataDir = path.join(dir.path, 'data');
  const first = await startSurgewatch({ dataDir });
  const acknowledged: string[] = [];
  let isOver = false;
  const send = async () => {
    while (!isOver) {
      const batch = envelopes(20);
      try {
        const { status } = await post(first.url, ndjson(batch), 'application/x-ndjson');
        if (status === 200) acknowledged.push(...batch.map(({ requestId }) => requestId));
      } catch {
        return; // The server closed: what was not answered is not acknowledged.
      }
    }
  };
  const senders = Array.from({ length: 8 }, send);
  await waitFor(() => acknowledged.length > 2000, { deadlineMs: 30_000, what: 'load' });
  const startedMs = performance.now();
  assert.equal(await first.stop(), 0);
  assert.ok(performance.now() - startedMs < 10_000);
  isOver = true;
  await Promise.all(senders);
  assert.ok(!existsSync(path.join(dataDir, 'postgres', 'postmaster.pid')));
  const second = await startSurgewatch({ dataDir });
  try {
    const rows = await queryEmbedded(dataDir, 'select count(*)::int as found from envelope where request_id = any($1)', [
      acknowledged,
    ]);
    assert.deepEqual(rows, [{ found: acknowledged.length }]);
    assert.equal(
      await readMetric(second.url, 'surgewatch_errors_total'),
      await queryNumber(dataDir, 'select count(*) from envelope'),
    );
  } finally {
    await second.stop();
    dir.remove();
  }
});

test('while the database is away the webhook answers 503 with Retry-After, and it serves again by itself', async () => {
  const database = await startTestDatabase();
  const target = new URL(database.connectionString);
  const proxy = await startTcpProxy({ host: target.hostname, port: Number(target.port) });
  target.port = String(proxy.port);
  const service = await startSurgewatch({ env: { DATABASE_URL: target.href } });
  try {
    const [before, after] = [envelope(), envelope()];
    assert.equal((await post(service.url, before)).status, 200);
    proxy.cut();
    const refused = await post(service.url, after);
    assert.equal(refused.status, 503);
    assert.ok(Number(refused.headers.get('retry-after')) > 0);
    await waitFor(async () => (await fetch(`${service.url}/health/ready`)).status === 503, {
      deadlineMs: 10_000,
      what: 'readiness to say so',
    });
    assert.equal((await fetch(`${service.url}/health/live`)).status, 200);
    assert.equal(await readMetric(service.url, 'surgewatch_database_up'), 0);
    proxy.mend();
    await waitFor(async () => (await post(service.url, after)).status === 200, {
      deadlineMs: 15_000,
      what: 'the webhook to serve again',
    });
    const rows = await database.query('select request_id from envelope order by 1');
    assert.deepEqual(rows.map((row) => row['request_id']).sort(), [before.requestId, after.requestId].sort());
    assert.equal(await readMetric(service.url, 'surgewatch_errors_total'), 2);
  } finally {
    await service.stop();
    await proxy.stop();
    await database.stop();
  }
});

describe('a start that cannot succeed says why and exits 1', () => {
  test('all faults of the configuration at once, by name and without values', async () => {
    const service = await startSurgewatch({ env: { PORT: '8080x', KAFKA_BROKERS: 'canary' }, waitUntilReady: false });
    assert.equal(await service.exited, 1);
    assert.match(service.output(), /PORT[^\n]*\n[^\n]*KAFKA_BROKERS/);
    assert.ok(!service.output().includes('canary'));
  });

  test('a taken port is named', async () => {
    const first = await startSurgewatch();
    const second = await startSurgewatch({ env: { PORT: String(first.port) }, waitUntilReady: false });
    assert.equal(await second.exited, 1);
    assert.match(second.output(), new RegExp(`port ${first.port} .*taken`));
    await first.stop();
  });

  test('an address that is not loopback is refused while there are no credentials', async () => {
    const service = await startSurgewatch({ env: { HOST: '0.0.0.0' }, waitUntilReady: false });
    assert.equal(await service.exited, 1);
    assert.match(service.output(), /AUTH=required/);
  });
});
