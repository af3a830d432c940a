/**
 * What a consumer that pauses, a topic that is read again and a deploy look like to the detector: on a real PostgreSQL, in
 * time that the test moves. The counts are those that the consumer's commits would have left, no earlier than it read.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  BUCKET_MS,
  CODE,
  createCollector,
  createTestClock,
  DEADLINE_MS,
  HOUR_MS,
  MINUTE_MS,
  NORMAL_COUNT,
  SURGE_COUNT,
  startWorld,
  tickUntil,
  type World,
} from '../support/detection-world.ts';
import { waitFor } from '../support/wait-for.ts';

const TOPIC = 'errors';
const PAUSE_MS = 30 * MINUTE_MS;

/** A consumer of one Kafka partition, as the database sees it. */
function createConsumer(world: World, firstRecordAtMs: number) {
  const report = (lastRecordAtMs: number, isCaughtUp: boolean) =>
    world.recorder.recordKafkaProgress([
      { topic: TOPIC, partition: 0, committedOffset: '1', firstRecordAtMs, lastRecordAtMs, isCaughtUp },
    ]);
  return { report };
}

/** A loop, its time and what it told. */
function watch(world: World) {
  const clock = createTestClock();
  const { client, pushed, ofSpikes } = createCollector();
  const loop = world.loop({ clients: [client], clock, kafkaTopic: TOPIC });
  const blind = () => pushed.filter(({ labels }) => labels['alertname'] === 'SurgewatchDetectorBlind');
  async function pass(ms: number): Promise<void> {
    await world.moveClock(ms);
    clock.move(ms);
  }
  return { loop, pass, blind, ofSpikes };
}

async function evaluatedUntil(world: World): Promise<number> {
  const [row] = await world.query('select extract(epoch from evaluated_until)::float8 * 1000 as until from detector_progress');
  return Number(row?.['until']);
}

const isBlind = async ({ metrics }: World) => (await metrics.detectorBlind.get()).values[0]?.value === 1;

/** Two hours of errors as ever, read as they came. */
async function startCaughtUp() {
  const world = await startWorld();
  const { nowMs } = world;
  await world.count(nowMs - 2 * HOUR_MS, nowMs, NORMAL_COUNT);
  const consumer = createConsumer(world, nowMs - 2 * HOUR_MS);
  const watched = watch(world);
  await watched.loop.tick();
  await consumer.report(nowMs, true);
  await watched.loop.tick();
  assert.equal(await isBlind(world), false);
  return { world, nowMs, consumer, ...watched };
}

test('a consumer that pauses for half an hour and resumes is one blind alert and no spike', async () => {
  const { world, nowMs, consumer, loop, pass, blind, ofSpikes } = await startCaughtUp();
  for (let paused = 0; paused < PAUSE_MS; paused += MINUTE_MS) {
    await pass(MINUTE_MS);
    await loop.tick();
  }
  assert.ok((await evaluatedUntil(world)) <= nowMs, 'what the consumer has not read is not evaluated');
  await waitFor(() => blind().length > 0, { deadlineMs: DEADLINE_MS, what: 'blindness to be told' });
  // It reads ten minutes a tick, then is there.
  for (let at = nowMs; at < nowMs + PAUSE_MS; at += PAUSE_MS / 3) {
    await world.count(at, at + PAUSE_MS / 3, NORMAL_COUNT);
    await consumer.report(at + PAUSE_MS / 3, false);
    await pass(4_000);
    await loop.tick();
  }
  await consumer.report(nowMs + PAUSE_MS, true);
  await tickUntil(loop, 'the detector to keep up', async () => !(await isBlind(world)));
  for (let calm = 0; calm < 5; calm += 1) {
    const at = nowMs + PAUSE_MS + calm * MINUTE_MS;
    await world.count(at, at + MINUTE_MS, NORMAL_COUNT);
    await pass(MINUTE_MS);
    await consumer.report(at + MINUTE_MS, true);
    await loop.tick();
    assert.equal(await isBlind(world), false);
  }
  await waitFor(() => new Set(blind().map(({ endsAt }) => endsAt)).size >= 2, { deadlineMs: DEADLINE_MS, what: 'its end' });
  assert.equal(new Set(blind().map(({ startsAt }) => startsAt)).size, 1, 'one alert, however often it was pushed');
  assert.deepEqual(await world.spikes(), []);
  assert.deepEqual(ofSpikes(), []);
});

test('a surge that came and went in the backlog is recorded, marked late, and told while it is news', async () => {
  const { world, nowMs, consumer, loop, pass, ofSpikes } = await startCaughtUp();
  await pass(PAUSE_MS);
  await world.count(nowMs, nowMs + PAUSE_MS, NORMAL_COUNT);
  await world.count(nowMs + 5 * MINUTE_MS, nowMs + 9 * MINUTE_MS, SURGE_COUNT);
  await consumer.report(nowMs + PAUSE_MS, true);
  await loop.tick();
  await waitFor(() => ofSpikes().length > 0, { deadlineMs: DEADLINE_MS, what: 'the late alert' });
  const [spike, ...others] = await world.spikes();
  assert.deepEqual(others, []);
  assert.ok(spike?.closedAtMs);
  assert.ok(spike.openedAtMs >= nowMs + 5 * MINUTE_MS && spike.openedAtMs <= nowMs + 7 * MINUTE_MS);
  assert.match(ofSpikes()[0]?.annotations['lateness'] ?? '', /^Told \d+ minutes late/);
});

test('a surge of more than an hour ago in a backlog is recorded and told to nobody', async () => {
  const { world, nowMs, consumer, loop, pass, ofSpikes } = await startCaughtUp();
  await pass(3 * HOUR_MS);
  await world.count(nowMs, nowMs + 3 * HOUR_MS, NORMAL_COUNT);
  await world.count(nowMs + 30 * MINUTE_MS, nowMs + 34 * MINUTE_MS, SURGE_COUNT);
  await consumer.report(nowMs + 3 * HOUR_MS, true);
  await tickUntil(loop, 'the detector to keep up', async () => !(await isBlind(world)));
  await pass(MINUTE_MS);
  await consumer.report(nowMs + 3 * HOUR_MS, true);
  await loop.tick();
  assert.deepEqual(
    (await world.spikes()).map(({ state, isLate }) => ({ state, isLate })),
    [{ state: 'resolved', isLate: true }],
  );
  assert.deepEqual(ofSpikes(), []);
});

test('a topic read again from its start moves neither the detector back nor a spike', async () => {
  const { world, nowMs, consumer, loop, pass } = await startCaughtUp();
  const before = await evaluatedUntil(world);
  await world.count(nowMs, nowMs + 10 * MINUTE_MS, NORMAL_COUNT);
  // Another group reports from two hours ago: all duplicates, so no count moves and no code is late.
  for (let read = 0; read <= 4; read += 1) {
    await consumer.report(nowMs - 2 * HOUR_MS + read * 30 * MINUTE_MS, false);
    await pass(4_000);
    await loop.tick();
    assert.ok((await evaluatedUntil(world)) >= before);
  }
  await pass(MINUTE_MS);
  await consumer.report(nowMs + MINUTE_MS, true);
  await tickUntil(loop, 'the detector to keep up', async () => !(await isBlind(world)));
  assert.ok((await evaluatedUntil(world)) >= nowMs + MINUTE_MS - 2 * BUCKET_MS);
  assert.deepEqual(await world.spikes(), []);
});

test('an old topic that is read late is learnt, code after code, and opens nothing', async () => {
  const { world, nowMs, consumer, loop, pass } = await startCaughtUp();
  const codes = Array.from({ length: 12 }, (_, n) => `OLD_${n}`);
  for (const code of codes) {
    await world.count(nowMs - 20 * HOUR_MS, nowMs - 3 * HOUR_MS, NORMAL_COUNT, code);
    await world.count(nowMs - 9 * HOUR_MS, nowMs - 9 * HOUR_MS + 10 * MINUTE_MS, SURGE_COUNT, code);
    await world.query("insert into late_code values ($1, 'test', 0)", [code]);
  }
  await pass(4_000);
  await consumer.report(nowMs, true);
  const isLearnt = async () => {
    const [row] = await world.query('select count(*)::int as n from detector_state where is_outdated or state is null');
    const [known] = await world.query("select count(*)::int as n from detector_state where code like 'OLD_%'");
    return row?.['n'] === 0 && known?.['n'] === codes.length;
  };
  await tickUntil(loop, 'all to be learnt', isLearnt);
  assert.deepEqual(
    (await world.spikes()).filter(({ kind }) => kind === 'surge'),
    [],
  );
});

test('a deploy that drops everything for minutes, and the errors that come back, are no spike', async () => {
  const { world, nowMs, consumer, loop, pass } = await startCaughtUp();
  // Listened to all along: no errors is zero.
  await world.count(nowMs, nowMs + MINUTE_MS, NORMAL_COUNT);
  await world.count(nowMs + 5 * MINUTE_MS, nowMs + 20 * MINUTE_MS, NORMAL_COUNT, CODE);
  for (let minute = 1; minute <= 19; minute += 1) {
    await pass(MINUTE_MS);
    await consumer.report(nowMs + minute * MINUTE_MS, true);
    await loop.tick();
    assert.deepEqual(await world.spikes(), []);
  }
  assert.ok((await evaluatedUntil(world)) >= nowMs + 18 * MINUTE_MS);
});
