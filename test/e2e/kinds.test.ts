/** From a topic with more than a day of history to the alerts that are not the surge of one code, on real parts. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Alertmanager, startAlertmanager } from '../support/alertmanager.ts';
import { envelope } from '../support/envelopes.ts';
import { type KafkaBroker, startKafkaBroker } from '../support/kafka.ts';
import { readMetric } from '../support/metrics-text.ts';
import { alertmanagerMissing, kafkaMissing, skipReason } from '../support/requirements.ts';
import { type SurgewatchProcess, startSurgewatch } from '../support/surgewatch-process.ts';
import { waitFor } from '../support/wait-for.ts';

const TOPIC = 'errors-kinds';
const MINUTE_MS = 60_000;
const HISTORY_MINUTES = 26 * 60;
const CODES = ['PAYMENT_FAILED', 'TOKEN_EXPIRED', 'INVALID_CREDENTIALS', 'TRUNK_NOT_FOUND', 'INSUFFICIENT_BALANCE'];
/** Each code; sixfold in the last minutes. */
const NORMAL_A_MINUTE = 4;
const FACTOR = 6;
const RISES_AGO = 4;
const missing = skipReason(kafkaMissing) || skipReason(alertmanagerMissing);

/** Poisson traffic from a seeded generator: the same story in every run. */
function makeRecords(nowMs: number) {
  let seed = 5;
  const dice = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 4_294_967_296;
  };
  const atOf: { readonly code: string; readonly atMs: number }[] = [{ code: 'CARRIER_GONE', atMs: nowMs - 2 * MINUTE_MS }];
  for (const code of CODES) {
    for (let atMs = nowMs - HISTORY_MINUTES * MINUTE_MS; ; ) {
      const rate = NORMAL_A_MINUTE * (nowMs - atMs <= RISES_AGO * MINUTE_MS ? FACTOR : 1);
      atMs += (-Math.log(1 - dice()) * MINUTE_MS) / rate;
      if (atMs >= nowMs) break;
      atOf.push({ code, atMs });
    }
  }
  return atOf
    .toSorted((one, other) => one.atMs - other.atMs)
    .map(({ code, atMs }) => {
      const one = envelope({ code, timestamp: new Date(atMs) });
      return { key: one.requestId, value: JSON.stringify(one), timestamp: String(Math.floor(atMs)) };
    });
}

describe('all codes up together, and one that nobody has seen before', { skip: missing }, () => {
  let broker: KafkaBroker;
  let alertmanager: Alertmanager;
  let service: SurgewatchProcess;

  before(async () => {
    broker = await startKafkaBroker();
    await broker.createTopic(TOPIC, 1);
    const producer = broker.kafka.producer();
    await producer.connect();
    const nowMs = Date.now();
    const records = makeRecords(nowMs);
    const isRise = ({ timestamp }: { readonly timestamp: string }) => Number(timestamp) >= nowMs - RISES_AGO * MINUTE_MS;
    const history = records.filter((record) => !isRise(record));
    for (let from = 0; from < history.length; from += 2_000) {
      await producer.send({ topic: TOPIC, messages: history.slice(from, from + 2_000) });
    }
    // In one batch of one Kafka partition: event time never stands where only one code has risen yet, however slow the machine.
    await producer.send({ topic: TOPIC, messages: records.filter(isRise) });
    await producer.disconnect();
    alertmanager = await startAlertmanager();
    service = await startSurgewatch({
      env: { KAFKA_BROKERS: broker.brokers.join(), KAFKA_TOPIC: TOPIC, ALERTMANAGER_URLS: alertmanager.url },
    });
  });
  after(async () => {
    await service?.stop();
    await alertmanager?.stop();
    await broker?.stop();
  });

  test('are told as two alerts: one of all codes, one digest of what is new', async () => {
    const alerts = () =>
      alertmanager.notifications
        .flatMap((each) => each.alerts)
        .filter(({ labels }) => labels['alertname']?.startsWith('ApiError'));
    await waitFor(() => new Set(alerts().map(({ labels }) => labels['code'])).size >= 2, {
      deadlineMs: 120_000,
      what: 'both to be notified',
    });
    const told = new Map(alerts().map((alert) => [alert.labels['code'], alert]));
    assert.deepEqual([...told.keys()].toSorted(), ['_all', '_new']);
    const { labels, annotations } = told.get('_all') ?? assert.fail();
    assert.deepEqual(labels, {
      alertname: 'ApiErrorSpike',
      code: '_all',
      status: '_all',
      fault: 'client',
      severity: labels['severity'],
    });
    assert.match(
      annotations['summary'] ?? '',
      /^All codes rose together \(\d of \d codes\): \d+ errors in .+ times the expected/,
    );
    for (const code of CODES) assert.match(annotations['description'] ?? '', new RegExp(code));
    assert.equal(annotations['request_ids']?.split(', ').length, 3);

    const digest = told.get('_new');
    assert.equal(digest?.labels['alertname'], 'ApiErrorNewCode');
    assert.equal(digest?.annotations['codes'], 'CARRIER_GONE');
    assert.match(digest?.annotations['lookup_url'] ?? '', /\/requests\/req_/);

    const { items }: Spikes = await (await fetch(`${service.url}/v1/spikes`)).json();
    const all = items.find(({ kind }) => kind === 'all_codes');
    const surges = items.filter(({ kind, state }) => kind === 'surge' && state !== 'resolved');
    assert.ok(surges.length > 0 && surges.every(({ coveredBy }) => coveredBy === all?.id), 'their own surges are under it');
    const page = await (await fetch(`${service.url}/spikes/${all?.id}`)).text();
    assert.match(page, /codes rose together/);
    assert.equal(await readMetric(service.url, 'surgewatch_spikes_total', { kind: 'all_codes' }), 1);
    assert.equal(await readMetric(service.url, 'surgewatch_spikes_total', { kind: 'new_code' }), 1);
    assert.equal(await readMetric(service.url, 'surgewatch_spike_active', { code: '_all', status: '_all' }), 1);
  });
});

interface Spikes {
  readonly items: readonly {
    readonly id: string;
    readonly kind: string;
    readonly state: string;
    readonly coveredBy: string | null;
  }[];
}
