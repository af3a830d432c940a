/** A code that its catalogue entry expects, from stored counts to its alert, on a real PostgreSQL. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spikeAlert } from '../../src/alert/payload.ts';
import {
  CODE,
  catalogue,
  entry,
  HOLD_SECONDS,
  HOUR_MS,
  links,
  MINUTE_MS,
  NORMAL_COUNT,
  startWorld,
  type World,
} from '../support/detection-world.ts';

const EXPECTED = 'CARD_DECLINED';
const watching = {
  ...catalogue,
  codes: new Map([
    [CODE, entry],
    [EXPECTED, { ...entry, code: EXPECTED, status: 402, expectedMinimum: { errors: 3, withinMinutes: 20 } }],
  ]),
};
/** One of the expected code every four minutes from..to, in minutes from now. */
async function come(world: World, fromMinutes: number, toMinutes: number): Promise<void> {
  for (let minute = fromMinutes; minute < toMinutes; minute += 4)
    await world.countOne(world.nowMs + minute * MINUTE_MS, EXPECTED);
}
async function pass(world: World, loop: { tick(): Promise<void> }, minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute += 1) {
    await world.moveClock(MINUTE_MS);
    await loop.tick();
  }
}
const silences = async (world: World) => (await world.spikes()).filter(({ kind }) => kind === 'silent_code');

test('a code that stops while others flow is told, and ends when it flows again', async () => {
  const world = await startWorld();
  await world.count(world.nowMs - 2 * HOUR_MS, world.nowMs + 2 * HOUR_MS, NORMAL_COUNT);
  await come(world, -120, 0);
  await come(world, 30, 80);
  const loop = world.loop({ catalogue: watching });
  await loop.tick();
  await pass(world, loop, 8);
  assert.deepEqual(await silences(world), [], 'three came in the last 20 minutes');
  await pass(world, loop, 6);
  const [spike, ...others] = await silences(world);
  assert.deepEqual(others, []);
  assert.ok(spike !== undefined);
  assert.deepEqual(
    { code: spike.code, status: spike.status, state: spike.state, observed: spike.observed, expected: spike.expected },
    { code: EXPECTED, status: '402', state: 'firing', observed: 2, expected: 3 },
  );
  assert.equal(spike.lastSeenAtMs, world.nowMs - 4 * MINUTE_MS);
  const { labels, annotations } = spikeAlert(spike, { nowMs: world.nowMs, phase: 'firing', isLate: false }, links);
  assert.equal(labels['alertname'], 'ApiErrorSilentCode');
  assert.match(annotations['summary'] ?? '', /^Only 2 of CARD_DECLINED in 20 minutes, where at least 3 always come/);

  await pass(world, loop, 30);
  const [over] = await silences(world);
  assert.equal(over?.closeReason, 'flows_again');
  await world.moveClock(HOLD_SECONDS * 1000);
  await loop.tick();
  assert.equal((await silences(world))[0]?.state, 'resolved');
});

test('a quiet hour of all codes is nobody’s silence, and neither is the first span that is collected', async () => {
  const world = await startWorld();
  await world.count(world.nowMs - HOUR_MS, world.nowMs, NORMAL_COUNT);
  await come(world, -60, 0);
  const loop = world.loop({ catalogue: watching });
  await loop.tick();
  await pass(world, loop, 25);
  assert.deepEqual(await silences(world), []);

  const young = await startWorld();
  await young.count(young.nowMs - 5 * MINUTE_MS, young.nowMs + HOUR_MS, NORMAL_COUNT);
  const beginner = young.loop({ catalogue: watching });
  await beginner.tick();
  await pass(young, beginner, 12);
  assert.deepEqual(await silences(young), []);
  await pass(young, beginner, 6);
  assert.equal((await silences(young)).length, 1, 'after its first span it is judged, also when it never came');
});

test('a minimum that is taken out of the catalogue ends its alert', async () => {
  const world = await startWorld();
  await world.count(world.nowMs - 2 * HOUR_MS, world.nowMs + 2 * HOUR_MS, NORMAL_COUNT);
  const loop = world.loop({ catalogue: watching });
  await loop.tick();
  await pass(world, loop, 2);
  assert.equal((await silences(world)).length, 1);
  await loop.stop();
  const next = world.loop();
  await next.tick();
  await pass(world, next, 1);
  assert.equal((await silences(world))[0]?.closeReason, 'no_longer_expected');
});
