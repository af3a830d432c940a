/** Codes that rise together, from stored counts to one alert, on a real PostgreSQL and a real Alertmanager. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createAlertmanagerClients } from '../../src/alert/alertmanager-client.ts';
import { startAlertmanager } from '../support/alertmanager.ts';
import {
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
import { spikeAlertsOf } from '../support/webhook-receiver.ts';

const CODES = ['ALPHA', 'BRAVO', 'CHARLIE', 'DELTA', 'ECHO', 'FOXTROT'];

/** Long enough that a fourfold rise of any of the codes is seen at the first tick. */
const RISE_AGO_MS = 2 * MINUTE_MS;

/** All codes as normal for an hour and a half, then each its factor more since `agoMs`, for `lastsMs`. */
async function storeRise(
  world: World,
  factors: Readonly<Record<string, number>>,
  { agoMs = RISE_AGO_MS, lastsMs = 5 * MINUTE_MS } = {},
): Promise<void> {
  const fromMs = world.nowMs - agoMs;
  for (const code of CODES) {
    await world.count(world.nowMs - 1.5 * HOUR_MS, world.nowMs + HOUR_MS, NORMAL_COUNT, code);
    const factor = factors[code] ?? 1;
    if (factor > 1) await world.count(fromMs, fromMs + lastsMs, NORMAL_COUNT * factor, code);
  }
}
const each = (codes: readonly string[], factor: number) => Object.fromEntries(codes.map((code) => [code, factor]));
const toldCodes = (pushed: readonly { labels: Readonly<Record<string, string>> }[]) =>
  [
    ...new Set(pushed.filter(({ labels }) => labels['alertname'] === 'ApiErrorSpike').map(({ labels }) => labels['code'])),
  ].toSorted();

test('codes that rise together are one alert, and those with a fault of their own are told beside it', async () => {
  const world = await startWorld();
  await storeRise(world, { ...each(CODES, 4), FOXTROT: 60 });
  const { client, pushed } = createCollector();
  const loop = world.loop({ clients: [client] });
  await loop.tick();
  await world.moveClock(MINUTE_MS);
  await loop.tick();
  await tickUntil(loop, 'both to be told', () => toldCodes(pushed).length >= 2);
  assert.deepEqual(toldCodes(pushed), ['FOXTROT', '_all']);
  const spikes = await world.spikes();
  const all = spikes.find(({ kind }) => kind === 'all_codes');
  assert.ok(CODES.slice(0, 5).every((code) => all?.breadth?.codes.includes(code)));
  const covered = spikes.filter(({ coveredBy }) => coveredBy === all?.id);
  assert.deepEqual(covered.map(({ code }) => code).toSorted(), CODES.slice(0, 5));
  assert.ok(covered.every(({ state, firstAcceptedAtMs }) => state === 'firing' && firstAcceptedAtMs === null));
});

test('a code that rises alone is told at once, by itself', async () => {
  const world = await startWorld();
  await storeRise(world, { ALPHA: 10, BRAVO: 10 });
  const loop = world.loop();
  await loop.tick();
  assert.deepEqual(
    (await world.spikes())
      .map(({ kind, code, coveredBy }) => ({ kind, code, coveredBy }))
      .toSorted((a, b) => (a.code < b.code ? -1 : 1)),
    [
      { kind: 'surge', code: 'ALPHA', coveredBy: null },
      { kind: 'surge', code: 'BRAVO', coveredBy: null },
    ],
  );
});

test('a code that is up long before the others keeps its own alert when they rise', async () => {
  const world = await startWorld();
  await storeRise(world, { ALPHA: 6 }, { lastsMs: 20 * MINUTE_MS });
  const loop = world.loop();
  await loop.tick();
  const fromMs = world.nowMs + 4 * MINUTE_MS;
  for (const code of CODES.slice(1)) await world.count(fromMs, fromMs + 5 * MINUTE_MS, NORMAL_COUNT * 6, code);
  await world.moveClock(5 * MINUTE_MS);
  await loop.tick();
  const spikes = await world.spikes();
  const all = spikes.find(({ kind }) => kind === 'all_codes');
  assert.ok(all !== undefined);
  const own = spikes.filter(({ kind, coveredBy }) => kind === 'surge' && coveredBy === null);
  assert.deepEqual(
    own.map(({ code }) => code),
    ['ALPHA'],
  );
});

test('a code that stays up when the others are calm again is told by itself', async () => {
  const world = await startWorld();
  await storeRise(world, each(CODES, 4));
  const fromMs = world.nowMs - RISE_AGO_MS;
  await world.count(fromMs, fromMs + 40 * MINUTE_MS, NORMAL_COUNT * 4, 'ALPHA');
  const { client, pushed } = createCollector();
  const loop = world.loop({ clients: [client] });
  await tickUntil(loop, 'the rise to be told', () => toldCodes(pushed).length > 0);
  assert.deepEqual(toldCodes(pushed), ['_all']);
  for (let minute = 0; minute < 14; minute += 1) {
    await world.moveClock(MINUTE_MS);
    await loop.tick();
  }
  await tickUntil(loop, 'the last one to be told', () => toldCodes(pushed).includes('ALPHA'));
  assert.deepEqual(toldCodes(pushed), ['ALPHA', '_all']);
  const all = (await world.spikes()).find(({ kind }) => kind === 'all_codes');
  assert.equal(all?.closeReason, 'no_longer_common');
});

describe('with a real Alertmanager', { skip: skipReason(alertmanagerMissing) }, () => {
  test('a rise of all codes is one alert over a restart, resolved with the last of them', async () => {
    const alertmanager = await startAlertmanager();
    stops.push(() => alertmanager.stop());
    const world = await startWorld();
    await storeRise(world, each(CODES, 4));
    const clients = createAlertmanagerClients({ urls: [alertmanager.url], authorization: null }, log);
    const first = world.loop({ clients });
    await first.tick();
    const notices = () => spikeAlertsOf(alertmanager);
    const notice = await waitFor(() => notices()[0], { deadlineMs: DEADLINE_MS, what: 'the alert to be notified' });
    assert.deepEqual(notice.labels, {
      alertname: 'ApiErrorSpike',
      code: '_all',
      status: '_all',
      fault: 'server',
      severity: 'critical',
      env: 'test',
    });
    assert.match(
      notice.annotations['summary'] ?? '',
      /^All codes rose together \(6 of 6 codes\): [\d,]+ errors in .+, [34](\.\d)? times the expected \d+, since/,
    );
    const isFiring = async () => (await world.spikes()).every(({ state }) => state === 'firing');
    await waitFor(isFiring, { deadlineMs: DEADLINE_MS, what: 'firing' });
    await first.stop();

    const clock = createTestClock();
    const second = world.loop({ clients, clock });
    await world.moveClock(2 * MINUTE_MS);
    await second.tick();
    await world.moveClock(10 * MINUTE_MS);
    await second.tick();
    await world.moveClock(HOLD_SECONDS * 1000);
    await tickUntil(second, 'the resolve', () => notices().some(({ status }) => status === 'resolved'));
    assert.deepEqual(toldCodes(notices()), ['_all']);
    const spikes = await world.spikes();
    assert.ok(spikes.length > 1 && spikes.every(({ state }) => state === 'resolved'));
    const gauge = await world.metrics.spikeActive.get();
    assert.deepEqual(gauge.values, []);
  });
});
