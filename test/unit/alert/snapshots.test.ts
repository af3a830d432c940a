/**
 * States that are written now and then and taken up again, against states that were never interrupted. The store is a
 * map; everything else is what the leader runs.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CodeTransition, createCodeStates } from '../../../src/alert/code-states.ts';
import type { CodeSnapshot, SharedSnapshot, SnapshotStore, SnapshotWrite } from '../../../src/alert/ports.ts';
import { restoreStates } from '../../../src/alert/restore-states.ts';
import { createSnapshots } from '../../../src/alert/snapshots.ts';
import { HOUR_SECONDS } from '../../../src/alert/threshold.ts';
import { coveredBuckets } from '../../../src/detect/collected.ts';
import { settingsFor } from '../../../src/detect/detector.ts';
import { createReplay } from '../../../src/detect/replay.ts';
import { createDice } from '../../fixtures/detect/seeded-counts.ts';
import { BUCKET_SECONDS, createWatchedDay, type WatchedDay } from '../../fixtures/detect/watched-day.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };
const constant = () => settingsFor({ bucketSeconds: BUCKET_SECONDS });
/** A threshold that each newcomer moves by far. */
const following = (activeCodeCount: number) => settingsFor({ bucketSeconds: BUCKET_SECONDS, threshold: 3 + activeCodeCount });

function createMapStore() {
  const codes = new Map<string, CodeSnapshot>();
  let shared: SharedSnapshot | null = null;
  const writes: SnapshotWrite[] = [];
  const store: SnapshotStore = {
    readShared: async () => shared,
    readCodes: async (after, limit) =>
      [...codes.values()]
        .filter(({ code }) => after === null || code > after)
        .sort((one, other) => (one.code < other.code ? -1 : 1))
        .slice(0, limit),
    async writeSnapshots(_epoch, write) {
      writes.push(write);
      for (const each of write.codes) codes.set(each.code, each);
      if (write.shared !== null) shared = { ...write.shared, silent: write.shared.silent ?? shared?.silent ?? null };
      return 'written';
    },
  };
  return { store, codes, writes };
}

/** A leader that may die: nothing but the store outlives it. */
function createLeader(day: WatchedDay, settingsOf: typeof following, store: SnapshotStore) {
  const states = createCodeStates({ settingsOf, breathe: async () => {} });
  const snapshots = createSnapshots({ store, states, isOutdated: () => false });
  let positionSeconds = day.range.startSeconds;
  const historyStartSeconds = day.range.startSeconds;

  /** Moves on to there, never across an hour, as the evaluation does. */
  async function advance(untilSeconds: number): Promise<readonly CodeTransition[]> {
    const found: CodeTransition[] = [];
    while (positionSeconds < untilSeconds) {
      const hourEnd = (Math.floor(positionSeconds / HOUR_SECONDS) + 1) * HOUR_SECONDS;
      const range = { startSeconds: positionSeconds, endSeconds: Math.min(untilSeconds, hourEnd) };
      const counts = day.counts.filter(({ bucketStartSeconds: at }) => at >= range.startSeconds && at < range.endSeconds);
      found.push(...(await states.advance({ range, counts, spans: day.spans, traffic: [] })));
      positionSeconds = range.endSeconds;
      if (positionSeconds % HOUR_SECONDS === 0) states.adjustThreshold(positionSeconds);
    }
    return found;
  }
  return {
    states,
    advance,
    writeDue: () => snapshots.writeDue(1, historyStartSeconds),
    writeAll: () => snapshots.writeAll(1, historyStartSeconds, () => true),
    async takeOver(evaluatedUntilSeconds: number): Promise<void> {
      const deps = { store, states, snapshots, log, keepOn: async () => true };
      const restored = await restoreStates(evaluatedUntilSeconds * 1000, deps);
      if (restored !== null && restored !== 'stale') ({ positionSeconds } = restored);
      await advance(evaluatedUntilSeconds);
    },
  };
}

async function runWhole(day: WatchedDay, settingsOf: typeof following): Promise<readonly CodeTransition[]> {
  return createLeader(day, settingsOf, createMapStore().store).advance(day.range.endSeconds);
}

/** By time, then code: leaders that cut time differently find those of one moment in another order. */
function inOrder(found: readonly CodeTransition[]): readonly CodeTransition[] {
  return found.toSorted((one, other) => {
    const byTime = one.transition.bucketStartSeconds - other.transition.bucketStartSeconds;
    return byTime === 0 ? (one.code < other.code ? -1 : 1) : byTime;
  });
}

async function runInterrupted(day: WatchedDay, settingsOf: typeof following, seed: number) {
  const dice = createDice(seed);
  const { store } = createMapStore();
  let leader = createLeader(day, settingsOf, store);
  const found: CodeTransition[] = [];
  let [restartCount, midSpikeCount] = [0, 0];
  for (let at = day.range.startSeconds; at < day.range.endSeconds; ) {
    at = Math.min(day.range.endSeconds, at + (1 + Math.floor(dice.roll() ** 3 * 400)) * BUCKET_SECONDS);
    found.push(...(await leader.advance(at)));
    if (dice.roll() < 0.8) await leader.writeDue();
    if (dice.roll() > 0.3) continue;
    restartCount += 1;
    if (leader.states.openCodes().length > 0) midSpikeCount += 1;
    if (dice.roll() < 0.5) await leader.writeAll();
    leader = createLeader(day, settingsOf, store);
    await leader.takeOver(at);
  }
  return { found, restartCount, midSpikeCount };
}

test('the same counts give the same transitions live as in a replay', async () => {
  const day = createWatchedDay(1);
  const replay = createReplay(constant());
  const expected: CodeTransition[] = [];
  const counts = new Map(day.counts.map(({ code, bucketStartSeconds, count }) => [`${code} ${bucketStartSeconds}`, count]));
  for (const bucket of coveredBuckets(day.spans, day.range, BUCKET_SECONDS)) {
    for (const code of day.codes) {
      const { transition } = replay.feed(code, bucket, counts.get(`${code} ${bucket}`) ?? 0);
      if (transition !== null) expected.push({ code, transition });
    }
  }
  assert.ok(expected.length >= 2 * day.surges.length);
  assert.deepEqual(inOrder(await runWhole(day, constant)), inOrder(expected));
});

for (const seed of [1, 2, 3]) {
  for (const [name, settingsOf] of Object.entries({ constant, following })) {
    test(`restarts at random moments change no transition (seed ${seed}, threshold ${name})`, async () => {
      const day = createWatchedDay(seed);
      const { found, restartCount, midSpikeCount } = await runInterrupted(day, settingsOf, seed);
      const whole = await runWhole(day, settingsOf);
      assert.ok(whole.length > 0);
      assert.ok(restartCount >= 20 && midSpikeCount >= 2, `${restartCount} restarts, ${midSpikeCount} in the middle of a spike`);
      assert.deepEqual(inOrder(found), inOrder(whole));
    });
  }
}

test('a tick writes a share of what is due, never before its age, and a stop writes the rest', async () => {
  const start = Date.UTC(2026, 10, 23) / 1000;
  const codes = Array.from({ length: 400 }, (_, n) => `CODE_${n}`);
  const { store, writes } = createMapStore();
  const states = createCodeStates({ settingsOf: constant, breathe: async () => {} });
  const snapshots = createSnapshots({ store, states, isOutdated: () => false });
  const writtenCount = () => writes.splice(0).flatMap((write) => write.codes).length;
  async function advance(from: number, seconds: number, seen: readonly string[]): Promise<void> {
    const range = { startSeconds: start + from, endSeconds: start + from + seconds };
    const counts = seen.map((code) => ({ code, bucketStartSeconds: range.startSeconds, count: 1 }));
    await states.advance({ range, counts, spans: [range], traffic: [] });
  }
  await advance(0, 60, codes);
  const ticks: number[] = [];
  for (let tick = 0; tick < 4; tick += 1) {
    await snapshots.writeDue(1, start);
    ticks.push(writtenCount());
    const isWhole = ((await store.readShared())?.silent ?? null) !== null;
    assert.equal(isWhole, tick >= 2, 'the silent state follows when every code is stored');
  }
  assert.deepEqual(ticks, [150, 150, 100, 0]);
  await advance(60, 240, codes.slice(0, 10));
  await snapshots.writeDue(1, start);
  assert.equal(writtenCount(), 0, 'none is old enough');
  await advance(300, 60, []);
  await snapshots.writeDue(1, start);
  assert.equal(writtenCount(), 10, 'those that were seen');
  await snapshots.writeAll(1, start, () => true);
  assert.equal(writtenCount(), 390);
  assert.equal((await store.readShared())?.silent?.steppedUntilSeconds, start + 360);
});

test('the threshold of a new hour is stored at once, with or before any state that was stepped past it', async () => {
  const day = createWatchedDay(5);
  const { store } = createMapStore();
  const leader = createLeader(day, following, store);
  const hour = day.range.startSeconds + HOUR_SECONDS;
  await leader.advance(hour - 10);
  await leader.writeAll();
  assert.deepEqual((await store.readShared())?.thresholdHours, []);
  await leader.advance(hour);
  await leader.writeDue();
  const shared = await store.readShared();
  assert.deepEqual(shared?.thresholdHours, [{ hourSeconds: hour, activeCodeCount: 2 }]);
  assert.equal(shared.silent?.steppedUntilSeconds, hour - 10);
});

test('a state that cannot be used is named, and without the silent state none is used', async () => {
  const day = createWatchedDay(4);
  const { store, codes } = createMapStore();
  const until = day.range.startSeconds + 9.1 * HOUR_SECONDS;
  const leader = createLeader(day, constant, store);
  await leader.advance(until);
  await leader.writeAll();
  const [busy, rare] = [codes.get('BUSY'), codes.get('RARE')];
  assert.ok(busy?.snapshot && rare?.snapshot);
  codes.set('BUSY', {
    ...busy,
    snapshot: { ...busy.snapshot, state: busy.snapshot.state.replace(/"version":\d+/, '"version":0') },
  });
  codes.set('LATE', { code: 'LATE', isOutdated: true, snapshot: null });
  codes.set('RARE', { ...rare, isOutdated: true });
  const restore = (next: ReturnType<typeof createCodeStates>, evaluatedUntilMs: number) => {
    const snapshots = createSnapshots({ store, states: next, isOutdated: () => false });
    return restoreStates(evaluatedUntilMs, { store, states: next, snapshots, log, keepOn: async () => true });
  };
  const create = () => createCodeStates({ settingsOf: constant, breathe: async () => {} });
  assert.deepEqual(await restore(create(), until * 1000), {
    historyStartSeconds: day.range.startSeconds,
    positionSeconds: until,
    missing: ['BUSY', 'LATE'],
    outdated: ['RARE'],
  });
  assert.equal(await restore(create(), (until - 10) * 1000), null, 'none may be ahead of where the detector stands');
});
