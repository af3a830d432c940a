/** One field that suddenly fails inside ordinary validation errors, from records on a topic to the page in a real Alertmanager. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Alertmanager, startAlertmanager } from '../support/alertmanager.ts';
import { envelope } from '../support/envelopes.ts';
import { type KafkaBroker, startKafkaBroker } from '../support/kafka.ts';
import { readMetric } from '../support/metrics-text.ts';
import { alertmanagerMissing, kafkaMissing, skipReason } from '../support/requirements.ts';
import { type SurgewatchProcess, startSurgewatch } from '../support/surgewatch-process.ts';
import { waitFor } from '../support/wait-for.ts';
import { spikeAlertsOf } from '../support/webhook-receiver.ts';

const TOPIC = 'errors-fields';
const CODE = 'VALIDATION_ERROR';
const MINUTE_MS = 60_000;
/** From 90 minutes ago; the field fails tenfold from 40 to 30 minutes ago, and as before since. */
const [STARTS_AGO, SURGES_AGO, ENDS_AGO] = [90, 40, 30];
const RATE_A_MINUTE = { email: 240, sku: 1.5, skuInSurge: 15 };
/** Records in one send: a megabyte at most. */
const SEND_SIZE = 2000;
const missing = skipReason(kafkaMissing) || skipReason(alertmanagerMissing);

/** Poisson traffic from a seeded generator: the same story in every run. Every fifth record is delivered twice. */
function makeRecords(nowMs: number) {
  let seed = 11;
  const dice = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 4_294_967_296;
  };
  const records: { readonly key: string; readonly value: string; readonly timestamp: string }[] = [];
  const expected = { email: 0, sku: 0 };
  for (let atMs = nowMs - STARTS_AGO * MINUTE_MS; atMs < nowMs; ) {
    const minutesAgo = (nowMs - atMs) / MINUTE_MS;
    const isSurge = minutesAgo <= SURGES_AGO && minutesAgo > ENDS_AGO;
    const sku = isSurge ? RATE_A_MINUTE.skuInSurge : RATE_A_MINUTE.sku;
    const rate = RATE_A_MINUTE.email + sku;
    atMs += (-Math.log(1 - dice()) * MINUTE_MS) / rate;
    if (atMs >= nowMs) break;
    const isSku = dice() < sku / rate;
    expected[isSku ? 'sku' : 'email'] += 1;
    const error = isSku
      ? { field: `items[${Math.floor(dice() * 20)}].sku`, code: 'REQUIRED', message: 'missing', value: 'typed-by-someone' }
      : { field: 'email', code: 'INVALID_FORMAT', message: 'no e-mail address', value: 'typed-by-someone' };
    const context = isSku && isSurge ? { client: 'acct_7', release: '4.2.0' } : { client: 'acct_1', release: '4.1.9' };
    const one = envelope({ code: CODE, timestamp: new Date(atMs), details: { errors: [error] }, context });
    const record = { key: one.requestId, value: JSON.stringify(one), timestamp: String(Math.floor(atMs)) };
    records.push(record);
    if (records.length % 5 === 0) records.push(record);
  }
  return { records, expected };
}

describe('a field that surges while the total of its code barely moves', { skip: missing }, () => {
  let broker: KafkaBroker;
  let alertmanager: Alertmanager;
  let service: SurgewatchProcess;
  const nowMs = Date.now();
  const { records, expected } = makeRecords(nowMs);

  before(async () => {
    broker = await startKafkaBroker();
    await broker.createTopic(TOPIC, 3);
    const producer = broker.kafka.producer();
    await producer.connect();
    for (let at = 0; at < records.length; at += SEND_SIZE)
      await producer.send({ topic: TOPIC, messages: records.slice(at, at + SEND_SIZE) });
    await producer.disconnect();
    alertmanager = await startAlertmanager();
    service = await startSurgewatch({
      env: {
        KAFKA_BROKERS: broker.brokers.join(),
        KAFKA_TOPIC: TOPIC,
        ALERTMANAGER_URLS: alertmanager.url,
        ALERT_HOLD_SECONDS: '3',
      },
    });
  });
  after(async () => {
    await service?.stop();
    await alertmanager?.stop();
    await broker?.stop();
  });

  const told = (status: 'firing' | 'resolved') => spikeAlertsOf(alertmanager, status);
  const read = async (path: string) => (await fetch(`${service.url}${path}`)).text();

  test('is one spike and one page, which name the field and the release behind it', async () => {
    await waitFor(() => told('firing').length > 0, { deadlineMs: 60_000, what: 'the page to go out' });
    const [alert] = told('firing');
    assert.deepEqual(alert?.labels, {
      alertname: 'ApiErrorSpike',
      code: CODE,
      field: 'items[].sku',
      field_code: 'REQUIRED',
      status: '422',
      fault: 'client',
      severity: 'warning',
    });
    const { summary, dominant_detail, description } = alert?.annotations ?? {};
    assert.match(
      summary ?? '',
      /^VALIDATION_ERROR on items\[\]\.sku \(REQUIRED\): \d+ errors in .*: a client release or a tightened schema$/,
    );
    assert.match(dominant_detail ?? '', /^(release=4\.2\.0|client=acct_7)/);
    const onsetMs = nowMs - SURGES_AGO * MINUTE_MS;
    assert.ok(Math.abs(Date.parse(alert?.startsAt ?? '') - onsetMs) <= 2 * MINUTE_MS, `onset told as ${alert?.startsAt}`);
    await waitFor(() => told('resolved').length > 0, { deadlineMs: 60_000, what: 'the resolve to go out' });
    const { items }: SpikePage = JSON.parse(await read('/v1/spikes'));
    assert.deepEqual(
      items.map(({ code, field, fieldCode, kind }) => [code, field, fieldCode, kind]),
      [[CODE, 'items[].sku', 'REQUIRED', 'surge']],
    );
    assert.equal(new Set(told('firing').map(({ labels }) => JSON.stringify(labels))).size, 1);
    for (const text of [description, await read(`/spikes/${items[0]?.id}`)]) assert.ok(!text?.includes('typed-by-someone'));
    assert.match(await read(`/spikes/${items[0]?.id}`), /items\[\]\.sku \(REQUIRED\)/);
  });

  test('its counts are those of the envelopes, each once, on the page of the code, in its answer and in the metric', async () => {
    const metric = (field: string, code: string) =>
      readMetric(service.url, 'surgewatch_validation_field_errors_total', { field, code });
    await waitFor(async () => (await metric('email', 'INVALID_FORMAT')) === expected.email, {
      deadlineMs: 30_000,
      what: 'every record to be counted',
    });
    assert.equal(await metric('items[].sku', 'REQUIRED'), expected.sku);
    const { fields }: CodeAnswer = JSON.parse(await read(`/v1/codes/${CODE}`));
    assert.deepEqual(
      fields.map(({ field, fieldCode }) => `${field} ${fieldCode}`),
      ['email INVALID_FORMAT', 'items[].sku REQUIRED'],
    );
    const page = await read(`/codes/${CODE}`);
    assert.match(page, /Fields that failed most in the last hour/);
    assert.match(page, /items\[\]\.sku/);
    const { series }: CodeAnswer = JSON.parse(
      await read(`/v1/codes/${CODE}?from=${nowMs - 3 * 3_600_000}&field=${encodeURIComponent('items[].sku')}&fieldCode=REQUIRED`),
    );
    assert.equal(
      series.reduce((sum, { count }) => sum + count, 0),
      expected.sku,
    );
  });
});

interface SpikePage {
  readonly items: readonly {
    readonly id: string;
    readonly code: string;
    readonly field: string | null;
    readonly fieldCode: string | null;
    readonly kind: string;
  }[];
}

interface CodeAnswer {
  readonly fields: readonly { readonly field: string; readonly fieldCode: string }[];
  readonly series: readonly { readonly count: number }[];
}
