/** The detection loop on a real PostgreSQL and a real Alertmanager, in time that the test moves. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createAlertmanagerClients } from '../../src/alert/alertmanager-client.ts';
import type { AlertmanagerClient, DetectionStore } from '../../src/alert/ports.ts';
import { StoreUnavailable } from '../../src/errors.ts';
import type { Metrics } from '../../src/metrics.ts';
import { createDetectionStore } from '../../src/store/detection-store.ts';
import { type Alertmanager, startAlertmanager } from '../support/alertmanager.ts';
import {
  BUCKET_MS,
  CODE,
  createCollector,
  createTestClock,
  DEADLINE_MS,
  HOLD_SECONDS,
  HOUR_MS,
  links,
  log,
  MINUTE_MS,
  NORMAL_COUNT,
  SURGE_COUNT,
  startWorld,
  stops,
  storeSurge,
  tickUntil,
} from '../support/detection-world.ts';
import { alertmanagerMissing, skipReason } from '../support/requirements.ts';
import { waitFor } from '../support/wait-for.ts';
import { spikeAlertsOf } from '../support/webhook-receiver.ts';

async function failedPushes({ metrics }: { metrics: Metrics }): Promise<number> {
  return (await metrics.alertmanagerPushesTotal.get()).values.find(({ labels }) => labels.result === 'failed')?.value ?? 0;
}

describe('with a real Alertmanager', { skip: skipReason(alertmanagerMissing) }, () => {
  async function openAlertmanager(): Promise<Alertmanager> {
    const alertmanager = await startAlertmanager();
    stops.push(() => alertmanager.stop());
    return alertmanager;
  }
  const clientsOf = ({ url }: Alertmanager) => createAlertmanagerClients({ urls: [url], authorization: null }, log);

  test('a tenfold surge after an hour of normal errors is one spike: firing with all it should say, then resolved', async () => {
    const [world, alertmanager] = [await startWorld(), await openAlertmanager()];
    await storeSurge(world);
    await world.count(world.nowMs - 70 * MINUTE_MS, world.nowMs + 15 * MINUTE_MS, NORMAL_COUNT, 'TOKEN_EXPIRED');
    await world.storeErrors(world.nowMs - 10 * MINUTE_MS, 'calls', 'before');
    await world.storeErrors(world.nowMs - 30_000, 'login');
    const loop = world.loop({ clients: clientsOf(alertmanager) });
    await loop.tick();
    const notice = await waitFor(() => spikeAlertsOf(alertmanager)[0], {
      deadlineMs: DEADLINE_MS,
      what: 'the alert to be notified',
    });
    assert.equal(notice.status, 'firing');
    assert.deepEqual(notice.labels, {
      alertname: 'ApiErrorSpike',
      code: CODE,
      status: '401',
      fault: 'client',
      severity: 'warning',
      team: 'identity',
      env: 'test',
    });
    const spike = await waitFor(async () => (await world.spikes()).find(({ state }) => state === 'firing'), {
      deadlineMs: DEADLINE_MS,
      what: 'the acceptance to be recorded',
    });
    assert.equal(spike.isLate, false);
    assert.ok(Math.abs(spike.startsAtMs - (world.nowMs - 50_000)) <= 2 * BUCKET_MS, 'the onset is near the true one');
    assert.equal(new Date(notice.startsAt).getTime(), spike.startsAtMs);
    const { summary, description, ...rest } = notice.annotations;
    assert.match(
      summary ?? '',
      /^INVALID_CREDENTIALS \(401, client fault\): \d+ errors in \d+ seconds, [\d.]+ times the expected [\d.]+, since /,
    );
    assert.match(
      description ?? '',
      /^\d+ errors in \d+ seconds, [\d.]+ times the expected [\d.]+, since about (\d+ \w+ )?\d\d:\d\d UTC\. service=login: 100 % of the errors since the onset, none before\. From 1 client \(acme\); 1 in the hour before\. Other codes are as usual \([\d.]+ (times|errors)[^)]*\): this code alone\./,
    );
    const { evidence } = spike;
    assert.ok(evidence.winner !== null && evidence.winner.windowSeconds >= spike.windowSeconds);
    assert.ok(evidence.falseAlarmsPerYear !== null && evidence.falseAlarmsPerYear < 52, 'chance is rarer than the budget');
    assert.deepEqual(evidence.missing, []);
    assert.deepEqual(rest, {
      request_ids: 'req-1, req-2, req-3',
      dominant_detail: 'service=login: 100 % of the errors since the onset, none before',
      runbook_url: links.runbookUrl,
      dashboard_url: links.dashboardUrl,
      lookup_url: `${links.publicUrl}/requests/req-1`,
      silence_url: `http://alerts.test/#/silences/new?filter=${encodeURIComponent(`{alertname="ApiErrorSpike",code="${CODE}",status="401"}`)}`,
    });
    assert.equal(notice.generatorURL, `${links.publicUrl}/spikes/${spike.id}`);
    const gauge = await world.metrics.spikeActive.get();
    assert.deepEqual(
      gauge.values.map(({ labels, value }) => ({ ...labels, value })),
      [{ code: CODE, status: '401', value: 1 }],
    );

    await world.moveClock(12 * MINUTE_MS);
    await loop.tick();
    const last = await waitFor(() => spikeAlertsOf(alertmanager).find(({ status }) => status === 'resolved'), {
      deadlineMs: DEADLINE_MS,
      what: 'the resolve to be notified',
    });
    assert.equal(last.startsAt, notice.startsAt);
    assert.equal(spikeAlertsOf(alertmanager).length, 2);
    const all = await world.spikes();
    assert.deepEqual(
      all.map(({ state, closeReason }) => ({ state, closeReason })),
      [{ state: 'resolved', closeReason: 'subsided' }],
    );
    assert.deepEqual((await world.metrics.spikeActive.get()).values, []);
  });

  test('a spike that began and ended while Alertmanager was away is told once it is back: firing, then resolved, marked late', async () => {
    const [world, alertmanager] = [await startWorld(), await openAlertmanager()];
    await alertmanager.kill();
    await storeSurge(world);
    const clock = createTestClock();
    const loop = world.loop({ clients: clientsOf(alertmanager), clock });
    await loop.tick();
    await world.moveClock(12 * MINUTE_MS);
    await loop.tick();
    const [before] = await world.spikes();
    assert.equal(before?.state, 'pending');
    assert.ok(before.closedAtMs !== null);
    // The push of the first tick has given up: what is told from here on is told after the end.
    await waitFor(async () => (await failedPushes(world)) > 0, { deadlineMs: DEADLINE_MS, what: 'the push to fail' });
    await alertmanager.restart();
    await tickUntil(loop, 'the late alert', () => spikeAlertsOf(alertmanager).length > 0);
    await waitFor(async () => (await world.spikes())[0]?.state === 'firing', { deadlineMs: DEADLINE_MS, what: 'firing' });
    // Alertmanager sends a resolve only of what it has notified; the hold gives it the time.
    await world.moveClock(HOLD_SECONDS * 1000);
    await tickUntil(loop, 'the late resolve', () => spikeAlertsOf(alertmanager).some(({ status }) => status === 'resolved'));
    const notices = spikeAlertsOf(alertmanager);
    assert.deepEqual(
      notices.map(({ status }) => status),
      ['firing', 'resolved'],
    );
    assert.match(notices[0]?.annotations['lateness'] ?? '', /^Told \d+ minutes late/);
    assert.equal(new Date(notices[0]?.startsAt ?? '').getTime(), before.startsAtMs);
    assert.equal((await world.spikes())[0]?.isLate, true);
  });

  test('an Alertmanager that was killed and forgot everything shows the live alert again', async () => {
    const [world, alertmanager] = [await startWorld(), await openAlertmanager()];
    await storeSurge(world, 50_000, 10 * MINUTE_MS);
    const clock = createTestClock();
    const loop = world.loop({ clients: clientsOf(alertmanager), clock });
    await loop.tick();
    const isShown = async () => (await alertmanager.listAlerts()).some(({ labels }) => labels['alertname'] === 'ApiErrorSpike');
    await waitFor(isShown, { deadlineMs: DEADLINE_MS, what: 'the alert' });
    await waitFor(async () => (await world.spikes())[0]?.state === 'firing', { deadlineMs: DEADLINE_MS, what: 'firing' });
    await alertmanager.kill();
    await alertmanager.restart();
    assert.equal(await isShown(), false);
    clock.move(MINUTE_MS);
    await tickUntil(loop, 'the alert again', isShown);
  });
});

test('without an Alertmanager a spike fires at once and is resolved', async () => {
  const world = await startWorld();
  await storeSurge(world);
  const loop = world.loop();
  await loop.tick();
  assert.deepEqual(
    (await world.spikes()).map(({ state }) => state),
    ['firing'],
  );
  await world.moveClock(12 * MINUTE_MS);
  await loop.tick();
  assert.deepEqual(
    (await world.spikes()).map(({ state }) => state),
    ['resolved'],
  );
});

test('one leads: a second loop neither pushes nor evaluates, and takes over when the lease has run out', async () => {
  const world = await startWorld();
  await storeSurge(world, 50_000, 10 * MINUTE_MS);
  const [one, other] = [createCollector(), createCollector()];
  const [leader, standby] = [world.loop({ clients: [one.client] }), world.loop({ clients: [other.client] })];
  await leader.tick();
  const before = await world.query('select evaluated_until, epoch from detector_progress, detector_lease');
  await world.moveClock(12_000);
  await standby.tick();
  assert.deepEqual(await world.query('select evaluated_until, epoch from detector_progress, detector_lease'), before);
  assert.equal(other.pushed.length, 0);
  await world.moveClock(5_000);
  await standby.tick();
  assert.deepEqual(await world.query('select holder, epoch::int from detector_lease'), [{ holder: 'process-2', epoch: 2 }]);
  await waitFor(() => other.ofSpikes().length === 1, { deadlineMs: DEADLINE_MS, what: 'the new leader to push' });
  const pushes = one.pushed.length;
  await leader.tick();
  assert.equal(one.pushed.length, pushes);
  assert.equal((await world.spikes()).length, 1);
});

test('a restart in the middle of a spike neither closes nor opens it anew', async () => {
  const world = await startWorld();
  await storeSurge(world, 50_000, 3 * MINUTE_MS);
  const first = world.loop();
  await first.tick();
  const [opened] = await world.spikes();
  await first.stop();
  await world.moveClock(90_000);
  const second = world.loop();
  await second.tick();
  assert.deepEqual(await world.spikes(), [opened]);
  await second.stop();
  await world.moveClock(14 * MINUTE_MS);
  await world.loop().tick();
  const [closed, ...others] = await world.spikes();
  assert.deepEqual(others, []);
  assert.equal(closed?.state, 'resolved');
  assert.ok((closed.closedAtMs ?? 0) > world.nowMs + 3 * MINUTE_MS);
});

test('a surge in history that is over since more than an hour is recorded and told to nobody', async () => {
  const world = await startWorld();
  const { nowMs } = world;
  await world.count(nowMs - 8 * HOUR_MS, nowMs, NORMAL_COUNT);
  await world.count(nowMs - 4 * HOUR_MS, nowMs - 4 * HOUR_MS + 5 * MINUTE_MS, SURGE_COUNT);
  const { client, pushed, ofSpikes } = createCollector();
  const loop = world.loop({ clients: [client] });
  await loop.tick();
  await waitFor(() => pushed.length > 0, { deadlineMs: DEADLINE_MS, what: 'the watchdog' });
  assert.deepEqual(
    (await world.spikes()).map(({ state, isLate }) => ({ state, isLate })),
    [{ state: 'resolved', isLate: true }],
  );
  assert.deepEqual(ofSpikes(), []);
  assert.equal((await world.metrics.spikesTotal.get()).values.find(({ labels }) => labels.kind === 'surge')?.value, 0);
});

test('late counts are learnt without opening or closing anything old', async () => {
  const world = await startWorld();
  const { nowMs } = world;
  await world.count(nowMs - 6 * HOUR_MS, nowMs + 15 * MINUTE_MS, NORMAL_COUNT);
  const loop = world.loop();
  await loop.tick();
  await world.count(nowMs - 3 * HOUR_MS, nowMs - 3 * HOUR_MS + 10 * MINUTE_MS, SURGE_COUNT);
  await world.query("insert into late_code values ($1, 'test', 0)", [CODE]);
  await loop.tick();
  assert.deepEqual(await world.spikes(), []);
  assert.deepEqual(await world.query('select * from late_code'), []);
  const expected = (await world.metrics.expectedErrorsPerSecond.get()).values;
  assert.equal(expected.length, 1);
});

test('late counts that show a surge going on now open it', async () => {
  const world = await startWorld();
  await world.count(world.nowMs - 2 * HOUR_MS, world.nowMs + 15 * MINUTE_MS, NORMAL_COUNT);
  const loop = world.loop();
  await loop.tick();
  assert.deepEqual(await world.spikes(), []);
  await world.count(world.nowMs - 3 * MINUTE_MS, world.nowMs + 15 * MINUTE_MS, SURGE_COUNT);
  await world.query("insert into late_code values ($1, 'test', 0)", [CODE]);
  await loop.tick();
  await loop.tick();
  assert.deepEqual(
    (await world.spikes()).map(({ code, closedAtMs }) => ({ code, closedAtMs })),
    [{ code: CODE, closedAtMs: null }],
  );
});

test('a Kafka partition that is behind holds event time, and blindness is told once and ended', async () => {
  const world = await startWorld();
  const { nowMs } = world;
  await world.count(nowMs - HOUR_MS, nowMs + 15 * MINUTE_MS, NORMAL_COUNT);
  const { client, pushed } = createCollector();
  const loop = world.loop({ clients: [client], kafkaTopic: 'errors' });
  const place = { topic: 'errors', partition: 0, committedOffset: '7', firstRecordAtMs: nowMs - HOUR_MS };
  const evaluatedUntil = async () => {
    const [row] = await world.query('select extract(epoch from evaluated_until)::float8 * 1000 as until from detector_progress');
    return row?.['until'] ?? null;
  };
  const blindAlerts = () => pushed.filter(({ labels }) => labels['alertname'] === 'SurgewatchDetectorBlind');
  await world.recorder.recordKafkaProgress([{ ...place, lastRecordAtMs: nowMs, isCaughtUp: true }]);
  await loop.tick();
  assert.equal(await evaluatedUntil(), null, 'what was reported before this process started says nothing');
  await world.recorder.recordKafkaProgress([{ ...place, lastRecordAtMs: nowMs - 10 * MINUTE_MS, isCaughtUp: false }]);
  await loop.tick();
  assert.equal(await evaluatedUntil(), nowMs - 10 * MINUTE_MS);
  assert.equal((await world.metrics.detectorBlind.get()).values[0]?.value, 1);
  await waitFor(() => blindAlerts().length === 1, { deadlineMs: DEADLINE_MS, what: 'blindness to be told' });
  await world.recorder.recordKafkaProgress([{ ...place, lastRecordAtMs: nowMs - BUCKET_MS, isCaughtUp: true }]);
  await loop.tick();
  assert.ok(Number(await evaluatedUntil()) >= nowMs - 2 * BUCKET_MS);
  assert.equal((await world.metrics.detectorBlind.get()).values[0]?.value, 0);
  await tickUntil(loop, 'its end to be told', () => blindAlerts().length === 2);
  const [begin, end] = blindAlerts();
  assert.ok(begin && end && end.endsAt < begin.endsAt);
});

test('an Alertmanager that hangs never stalls the detector', async () => {
  const world = await startWorld();
  await storeSurge(world, 50_000, 10 * MINUTE_MS);
  const hanging = Promise.withResolvers<void>();
  const client: AlertmanagerClient = {
    name: 'hanging',
    async push(alerts, { signal }) {
      signal.addEventListener('abort', () => hanging.resolve());
      await hanging.promise;
      return alerts.map(() => 'failed');
    },
  };
  const { client: healthy, ofSpikes } = createCollector();
  const loop = world.loop({ clients: [client, healthy] });
  await loop.tick();
  await world.moveClock(MINUTE_MS);
  await loop.tick();
  await waitFor(() => ofSpikes().length > 0, { deadlineMs: DEADLINE_MS, what: 'the other Alertmanager to hear of it' });
  await loop.stop();
});

for (const isWritten of [true, false]) {
  test(`a database that is lost ${isWritten ? 'after' : 'before'} a write leaves one spike and no gap`, async () => {
    const world = await startWorld();
    await storeSurge(world, 50_000, 10 * MINUTE_MS);
    const { client, pushed } = createCollector();
    const detection = createDetectionStore(world.database);
    let lostCount = 0;
    const losing: DetectionStore = {
      ...detection,
      async writeEvaluated(epoch, evaluated) {
        const isLost = evaluated.changes.length > 0 && lostCount === 0;
        if (isLost) lostCount += 1;
        if (isLost && isWritten) await detection.writeEvaluated(epoch, evaluated);
        if (isLost) throw new StoreUnavailable('lost');
        return detection.writeEvaluated(epoch, evaluated);
      },
    };
    const loop = world.loop({ clients: [client], detection: losing });
    await loop.tick();
    assert.equal(lostCount, 1);
    assert.deepEqual(pushed, [], 'a tick that did not finish tells nobody anything, not even that it watches');
    await loop.tick();
    assert.equal((await world.spikes()).length, 1);
    await waitFor(() => pushed.length > 0, { deadlineMs: DEADLINE_MS, what: 'the next tick to push' });
    const [row] = await world.query('select extract(epoch from evaluated_until)::float8 * 1000 as until from detector_progress');
    assert.ok(Number(row?.['until']) >= world.nowMs - 2 * BUCKET_MS);
  });
}
