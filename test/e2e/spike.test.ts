/** From records on a topic to a page in Alertmanager and back to quiet, worked off in event time on real parts. */
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

const TOPIC = 'errors-surge';
const MINUTE_MS = 60_000;
/** Normal from 100 minutes ago, tenfold from 40 to 30 minutes ago, normal since. */
const NORMAL_A_MINUTE = 12;
const [STARTS_AGO, SURGES_AGO, ENDS_AGO] = [100, 40, 30];
const CODE = 'PAYMENT_FAILED';
const BAD_RELEASE = '2.3.1';
const missing = skipReason(kafkaMissing) || skipReason(alertmanagerMissing);

/** Poisson traffic from a seeded generator: the same story in every run. */
function makeRecords(nowMs: number) {
  let seed = 7;
  const dice = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 4_294_967_296;
  };
  const records: { readonly key: string; readonly value: string; readonly timestamp: string }[] = [];
  for (let atMs = nowMs - STARTS_AGO * MINUTE_MS; atMs < nowMs; ) {
    const minutesAgo = (nowMs - atMs) / MINUTE_MS;
    const isSurge = minutesAgo <= SURGES_AGO && minutesAgo > ENDS_AGO;
    const rate = NORMAL_A_MINUTE * (isSurge ? 10 : 1);
    atMs += (-Math.log(1 - dice()) * MINUTE_MS) / rate;
    if (atMs >= nowMs) break;
    const context = { service: 'billing', client: 'acct_7', release: isSurge && dice() < 0.95 ? BAD_RELEASE : '2.3.0' };
    const one = envelope({ code: CODE, timestamp: new Date(atMs), details: { gateway: 'razorpay' }, context });
    records.push({ key: one.requestId, value: JSON.stringify(one), timestamp: String(Math.floor(atMs)) });
  }
  return records;
}

describe('a surge on a topic that waited for the service', { skip: missing }, () => {
  let broker: KafkaBroker;
  let alertmanager: Alertmanager;
  let service: SurgewatchProcess;
  const nowMs = Date.now();

  before(async () => {
    broker = await startKafkaBroker();
    await broker.createTopic(TOPIC, 3);
    await broker.produce(TOPIC, makeRecords(nowMs));
    alertmanager = await startAlertmanager();
    service = await startSurgewatch({
      env: {
        KAFKA_BROKERS: broker.brokers.join(),
        KAFKA_TOPIC: TOPIC,
        ALERTMANAGER_URLS: alertmanager.url,
        ALERTMANAGER_PUBLIC_URL: 'https://alerts.example',
        DASHBOARD_URL: 'https://grafana.example/d/api-errors',
        RUNBOOK_URL: 'https://runbooks.example/api-errors',
        ALERT_LABELS: 'env=test',
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

  test('it is one spike, and one firing alert that carries its evidence', async () => {
    await waitFor(() => told('firing').length > 0, { deadlineMs: 60_000, what: 'the page to go out' });
    const [alert] = told('firing');
    assert.deepEqual(alert?.labels, {
      alertname: 'ApiErrorSpike',
      code: CODE,
      status: '402',
      fault: 'client',
      severity: alert?.labels['severity'],
      env: 'test',
    });
    const onsetMs = nowMs - SURGES_AGO * MINUTE_MS;
    assert.ok(Math.abs(Date.parse(alert?.startsAt ?? '') - onsetMs) <= 2 * MINUTE_MS, `onset told as ${alert?.startsAt}`);
    const said = alert?.annotations ?? {};
    assert.match(said['summary'] ?? '', new RegExp(CODE));
    assert.match(said['description'] ?? '', /\d+ errors/);
    assert.match(said['dominant_detail'] ?? '', /^release=2\.3\.1: \d+ % of the errors since the onset, none before$/);
    assert.match(said['description'] ?? '', /From 1 client \(acct_7\); 1 in the hour before\..* By chance a surprise/);
    assert.equal(said['request_ids']?.split(/[,\s]+/).filter(Boolean).length, 3);
    assert.match(said['lookup_url'] ?? '', new RegExp(`^${service.url}/requests/req_`));
    assert.match(said['silence_url'] ?? '', /^https:\/\/alerts\.example\//);
    assert.match(said['dashboard_url'] ?? '', /^https:\/\/grafana\.example\//);
    assert.match(said['runbook_url'] ?? '', /^https:\/\/runbooks\.example\//);
    assert.match(alert?.generatorURL ?? '', new RegExp(`^${service.url}/spikes/\\d+$`));
    const { items }: SpikePage = await (await fetch(`${service.url}/v1/spikes`)).json();
    assert.deepEqual(
      items.map(({ code, kind }) => [code, kind]),
      [[CODE, 'surge']],
    );
    const evidence = items[0]?.evidence;
    assert.deepEqual([evidence?.dominantDetail?.key, evidence?.dominantDetail?.value], ['release', BAD_RELEASE]);
    assert.ok((evidence?.winner?.windowSeconds ?? 0) >= (items[0]?.windowSeconds ?? Number.POSITIVE_INFINITY));
    assert.deepEqual(evidence?.missing, []);
    const factor = (items[0]?.observed ?? 0) / (items[0]?.expected ?? 1);
    assert.ok(factor > 5 && factor < 20, `observed over expected is ${factor}`);
  });

  test('it is resolved once the surge is over, and nothing else was told', async () => {
    await waitFor(() => told('resolved').length > 0, { deadlineMs: 60_000, what: 'the resolve to go out' });
    assert.equal(new Set(told('firing').map(({ startsAt }) => startsAt)).size, 1);
    const names = new Set(alertmanager.notifications.flatMap(({ alerts }) => alerts.map(({ labels }) => labels['alertname'])));
    assert.deepEqual(
      [...names].filter((name) => name !== 'SurgewatchWatchdog'),
      ['ApiErrorSpike'],
    );
    assert.equal(await readMetric(service.url, 'surgewatch_spikes_total', { kind: 'surge' }), 1);
    assert.equal(await readMetric(service.url, 'surgewatch_spike_active'), null);
  });
});

interface SpikePage {
  readonly items: readonly {
    readonly code: string;
    readonly kind: string;
    readonly observed: number;
    readonly expected: number;
    readonly windowSeconds: number;
    readonly evidence: {
      readonly dominantDetail: { readonly key: string; readonly value: string } | null;
      readonly winner: { readonly windowSeconds: number } | null;
      readonly missing: readonly string[];
    };
  }[];
}
