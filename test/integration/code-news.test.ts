/** Codes that are new or back, from stored counts to alerts, on a real PostgreSQL and a real Alertmanager. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createAlertmanagerClients } from '../../src/alert/alertmanager-client.ts';
import { startAlertmanager } from '../support/alertmanager.ts';
import {
  BUCKET_MS,
  createCollector,
  createTestClock,
  DEADLINE_MS,
  HOLD_SECONDS,
  HOUR_MS,
  log,
  MINUTE_MS,
  NORMAL_COUNT,
  startWorld,
  stops,
  tickUntil,
  type World,
} from '../support/detection-world.ts';
import { alertmanagerMissing, skipReason } from '../support/requirements.ts';
import { waitFor } from '../support/wait-for.ts';

const DAY_MS = 24 * HOUR_MS;
const NEW = 'CARRIER_GONE';

/** Days that were listened to; the usual code came only lately, so that a test reads little. */
async function storeHistory(world: World, days = 2): Promise<void> {
  await world.count(world.nowMs - 30 * MINUTE_MS, world.nowMs + 2 * HOUR_MS, NORMAL_COUNT);
  await listen(world, days);
}
async function listen(world: World, days: number): Promise<void> {
  await world.query(
    "insert into collected_span values ('before', to_timestamp($1::float8 / 1000), to_timestamp($2::float8 / 1000))",
    [world.nowMs - days * DAY_MS, world.nowMs + 2 * HOUR_MS],
  );
}
const kindsOf = async (world: World) =>
  (await world.spikes()).map(({ kind, code, state }) => ({ kind, code, state })).toSorted((a, b) => (a.code < b.code ? -1 : 1));

test('a code never seen before is told after the first day, for an hour, and once', async () => {
  const world = await startWorld();
  await storeHistory(world);
  const loop = world.loop();
  await loop.tick();
  assert.deepEqual(await world.spikes(), [], 'codes of the history are known');
  await world.countOne(world.nowMs, NEW);
  await world.moveClock(MINUTE_MS);
  await loop.tick();
  assert.deepEqual(await kindsOf(world), [{ kind: 'new_code', code: NEW, state: 'firing' }]);
  const begun = (await world.metrics.spikesTotal.get()).values.find(({ labels }) => labels.kind === 'new_code')?.value;
  assert.equal(begun, 1);

  await world.moveClock(HOUR_MS + HOLD_SECONDS * 1000);
  await loop.tick();
  await world.countOne(world.nowMs + HOUR_MS, NEW);
  await world.moveClock(MINUTE_MS);
  await loop.tick();
  assert.deepEqual(await kindsOf(world), [{ kind: 'new_code', code: NEW, state: 'resolved' }]);
  const [spike] = await world.spikes();
  assert.equal(spike?.closedAtMs, (spike?.openedAtMs ?? 0) + HOUR_MS);
});

test('within the first day, and for codes that history brings, nothing is new', async () => {
  const world = await startWorld();
  const { nowMs } = world;
  await world.count(nowMs - DAY_MS + HOUR_MS, nowMs + 2 * HOUR_MS, NORMAL_COUNT);
  await world.countOne(nowMs - 5 * HOUR_MS, 'OLD');
  await world.countOne(nowMs - MINUTE_MS, NEW);
  const loop = world.loop();
  await loop.tick();
  assert.deepEqual(await world.spikes(), []);
  await world.query("update collected_span set started_at = started_at - interval '2 days'");
  await world.countOne(nowMs, 'OLD');
  await world.countOne(nowMs, NEW);
  await world.moveClock(MINUTE_MS);
  await loop.tick();
  assert.deepEqual(await world.spikes(), []);
});

test('a new code whose first error comes late is told, and after a restart not again', async () => {
  const world = await startWorld();
  await storeHistory(world);
  const first = world.loop();
  await first.tick();
  await world.countOne(world.nowMs - 5 * MINUTE_MS, NEW);
  await world.query("insert into late_code values ($1, 'test', 0)", [NEW]);
  await first.tick();
  const told = await kindsOf(world);
  assert.deepEqual(told, [{ kind: 'new_code', code: NEW, state: 'firing' }]);
  await first.stop();
  await world.query('delete from spike');
  await world.countOne(world.nowMs, NEW);
  await world.moveClock(MINUTE_MS);
  await world.loop().tick();
  assert.deepEqual(await world.spikes(), [], 'the next process knows it from the counts');
});

test('a code whose counts are gone, but which was admitted long ago, is back and not new', async () => {
  const world = await startWorld();
  await storeHistory(world, 10);
  await world.query("insert into counted_code values ($1, clock_timestamp() - interval '40 days')", [NEW]);
  const loop = world.loop();
  await loop.tick();
  await world.countOne(world.nowMs, NEW);
  await world.moveClock(MINUTE_MS);
  await loop.tick();
  assert.deepEqual(await kindsOf(world), [{ kind: 'returning_code', code: NEW, state: 'firing' }]);
});

test('a code that is back after eight days is told with how long it was away', async () => {
  const world = await startWorld();
  const { client, pushed } = createCollector();
  await listen(world, 9);
  const lastMs = world.nowMs - 8 * DAY_MS;
  await world.countOne(lastMs, NEW);
  const loop = world.loop({ clients: [client] });
  await tickUntil(loop, 'the history to be read', async () => {
    const [row] = await world.query('select extract(epoch from evaluated_until)::float8 * 1000 as until from detector_progress');
    return Number(row?.['until']) >= world.nowMs - 3 * BUCKET_MS;
  });
  assert.deepEqual(await world.spikes(), []);
  await world.countOne(world.nowMs, NEW);
  await world.moveClock(MINUTE_MS);
  await loop.tick();
  const alert = await waitFor(() => pushed.find(({ labels }) => labels['alertname'] === 'ApiErrorReturningCode'), {
    deadlineMs: DEADLINE_MS,
    what: 'the alert',
  });
  assert.equal(alert.labels['code'], NEW);
  assert.match(alert.annotations['summary'] ?? '', /^CARRIER_GONE \(status unknown, server fault\) is back after [78] days/);
  assert.equal((await world.spikes())[0]?.lastSeenAtMs, lastMs);
});

test('ten thousand new codes at once are one alert of bounded length, all of them recorded as told', async () => {
  const world = await startWorld();
  await storeHistory(world);
  const { client, pushed } = createCollector();
  const loop = world.loop({ clients: [client] });
  await loop.tick();
  await world.query(
    `insert into bucket_count select 'RANDOM_' || n, to_timestamp($1::float8 / 1000), false, 'test', 0, 1 from generate_series(1, 10000) as n`,
    [world.nowMs],
  );
  await world.moveClock(MINUTE_MS);
  await loop.tick();
  const firing = async () => {
    const [row] = await world.query("select count(*)::int as n from spike where kind = 'new_code' and state = 'firing'");
    return row?.['n'] === 10_000;
  };
  await waitFor(firing, { deadlineMs: DEADLINE_MS, what: 'all to be told' });
  const alerts = pushed.filter(({ labels }) => labels['alertname'] === 'ApiErrorNewCode');
  assert.equal(alerts.length, 1);
  assert.match(alerts[0]?.annotations['summary'] ?? '', /^10,000 codes never seen before: .+ and 9,997 more, since/);
  assert.ok(JSON.stringify(alerts[0]).length < 5_000);
});

describe('with a real Alertmanager', { skip: skipReason(alertmanagerMissing) }, () => {
  test('new codes are one digest whose labels stay: a second one joins it, and it ends with the last', async () => {
    const alertmanager = await startAlertmanager();
    stops.push(() => alertmanager.stop());
    const world = await startWorld();
    await storeHistory(world);
    const clock = createTestClock();
    const clients = createAlertmanagerClients({ urls: [alertmanager.url], authorization: null }, log);
    const loop = world.loop({ clients, clock });
    await loop.tick();
    const shown = async () => (await alertmanager.listAlerts()).filter(({ labels }) => labels['alertname'] === 'ApiErrorNewCode');
    const labels = {
      alertname: 'ApiErrorNewCode',
      code: '_new',
      status: '_new',
      fault: 'server',
      severity: 'warning',
      env: 'test',
    };
    await world.countOne(world.nowMs, NEW);
    await world.moveClock(MINUTE_MS);
    await loop.tick();
    await waitFor(async () => (await shown()).length === 1, { deadlineMs: DEADLINE_MS, what: 'the digest' });
    await waitFor(async () => (await world.spikes())[0]?.state === 'firing', { deadlineMs: DEADLINE_MS, what: 'firing' });

    await world.countOne(world.nowMs + MINUTE_MS, 'SECOND');
    await world.moveClock(MINUTE_MS);
    await loop.tick();
    await waitFor(async () => (await shown())[0]?.annotations['codes'] === `${NEW}, SECOND`, {
      deadlineMs: DEADLINE_MS,
      what: 'the second code to join',
    });
    const [digest, ...others] = await shown();
    assert.deepEqual(others, []);
    assert.deepEqual(digest?.labels, labels);
    assert.equal(new Date(digest.startsAt).getTime(), world.nowMs);

    const isAccepted = async () => (await world.spikes()).every(({ firstAcceptedAtMs }) => firstAcceptedAtMs !== null);
    await waitFor(isAccepted, { deadlineMs: DEADLINE_MS, what: 'the acceptance of both to be recorded' });
    await world.moveClock(HOUR_MS + 2 * MINUTE_MS);
    clock.move(MINUTE_MS);
    await tickUntil(loop, 'its end', async () => (await world.spikes()).every(({ state }) => state === 'resolved'));
    assert.equal((await world.spikes()).length, 2);
  });
});
