/**
 * Codes that somebody invents, tens of thousands of them over both paths: metrics stay as small and as fast as they were,
 * every row is counted, and people are told once. `npm run bench -- --only codes` does the same with a million.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startAlertmanager } from '../support/alertmanager.ts';
import { floodEnvelope, postFlood, produceFlood } from '../support/code-flood.ts';
import { queryEmbedded, queryNumber } from '../support/embedded-query.ts';
import { type KafkaBroker, startKafkaBroker } from '../support/kafka.ts';
import { readMetric, readSeriesCounts } from '../support/metrics-text.ts';
import { alertmanagerMissing, kafkaMissing, skipReason } from '../support/requirements.ts';
import { startSurgewatch } from '../support/surgewatch-process.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { waitFor } from '../support/wait-for.ts';

const TOPIC = 'flood';
const CODE_COUNT = 50_000;
const DEADLINE_MS = 90_000;
const MOST_SERIES = 1_001;
const MOST_COUNTED_CODES = 10_001;
const SCRAPES = 10;
const MOST_SCRAPE_MS = 100;

describe('a flood of codes that nobody has seen', { skip: skipReason(kafkaMissing, alertmanagerMissing) }, () => {
  let broker: KafkaBroker;
  before(async () => {
    broker = await startKafkaBroker();
    await broker.createTopic(TOPIC, 2);
  });
  after(() => broker.stop());

  test('grows no metric, slows no scrape, is counted to the last one, and is told as one alert', async () => {
    const dir = makeTempDir('flood-e2e');
    const dataDir = join(dir.path, 'data');
    const alertmanager = await startAlertmanager();
    const env = { KAFKA_BROKERS: broker.brokers.join(), KAFKA_TOPIC: TOPIC, ALERTMANAGER_URLS: alertmanager.url };
    const service = await startSurgewatch({ dataDir, env });
    const numberOf = (text: string) => queryNumber(dataDir, text);
    try {
      // Codes are news only after a first day that was listened to.
      await queryEmbedded(dataDir, "insert into collected_span values ('before', now() - interval '2 days', now())");
      const timestamp = new Date().toISOString();
      const half = CODE_COUNT / 2;
      const make = (n: number) => floodEnvelope(n, timestamp);
      await Promise.all([
        produceFlood(broker, TOPIC, { from: 0, to: half, make }),
        postFlood(service.url, { from: half, to: CODE_COUNT, make }),
      ]);
      const isCounted = async () => (await readMetric(service.url, 'surgewatch_errors_total')) === CODE_COUNT;
      await waitFor(isCounted, { deadlineMs: DEADLINE_MS, what: 'all to be counted', pollMs: 200 });

      assert.equal(await numberOf('select count(*) from envelope'), CODE_COUNT);
      assert.equal(await numberOf('select count(distinct code) from envelope'), CODE_COUNT, 'each row keeps its code');
      assert.equal(await numberOf('select sum(error_count) from bucket_count'), CODE_COUNT);
      const named = await numberOf("select sum(total) from error_total where code <> '_other'");
      const other = await readMetric(service.url, 'surgewatch_errors_total', { code: '_other', status: '_other' });
      assert.equal(other, CODE_COUNT - named);
      assert.equal(await readMetric(service.url, 'surgewatch_label_overflow_total'), other);

      const scrapes: Awaited<ReturnType<typeof readSeriesCounts>>[] = [];
      for (let nth = 0; nth < SCRAPES; nth += 1) scrapes.push(await readSeriesCounts(service.url));
      for (const [name, count] of scrapes.at(-1)?.counts ?? []) assert.ok(count <= MOST_SERIES, `${name} has ${count} series`);
      const fastestMs = Math.min(...scrapes.map(({ durationMs }) => durationMs));
      assert.ok(fastestMs < MOST_SCRAPE_MS, `a scrape takes ${fastestMs} ms`);
      assert.ok((await numberOf('select count(distinct code) from bucket_count')) <= MOST_COUNTED_CODES);
      for (const table of ['error_series', 'counted_code', 'error_total', 'late_code'])
        assert.ok((await numberOf(`select count(*) from ${table}`)) <= 2 * MOST_COUNTED_CODES, table);

      const digests = async () =>
        (await alertmanager.listAlerts()).filter(({ labels }) => labels['alertname'] !== 'SurgewatchWatchdog');
      const isTold = async () => /^[\d,]{5,} codes never seen before/.test((await digests())[0]?.annotations['summary'] ?? '');
      await waitFor(isTold, { deadlineMs: DEADLINE_MS, what: 'the digest of the new codes', pollMs: 200 });
      assert.deepEqual(
        (await digests()).map(({ labels }) => [labels['alertname'], labels['code']]),
        [['ApiErrorNewCode', '_new']],
      );
      for (const [name, count] of (await readSeriesCounts(service.url)).counts)
        assert.ok(count <= MOST_SERIES, `${name} has ${count} series once the spikes are open`);

      const answer = await fetch(`${service.url}/v1/envelopes`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(make(0)),
      });
      assert.match(await answer.text(), /"duplicate":1/, 'the same envelope is the same on both ways');
    } finally {
      await service.stop();
      await alertmanager.stop();
      dir.remove();
    }
  });
});
