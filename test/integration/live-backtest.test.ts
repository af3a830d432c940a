/**
 * The same counts through the store and the leader's evaluation, in stretches cut at random, with restarts, deaths and
 * fail-overs, and through a replay as a backtest does it: the same spikes, to the last digit.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { createEvaluation } from '../../src/alert/evaluation.ts';
import type { DetectionStore } from '../../src/alert/ports.ts';
import { coveredBuckets } from '../../src/detect/collected.ts';
import { settingsFor, type Transition } from '../../src/detect/detector.ts';
import { createReplay } from '../../src/detect/replay.ts';
import { createDetectionStore } from '../../src/store/detection-store.ts';
import { createSnapshotStore } from '../../src/store/snapshot-store.ts';
import { createSpikeReader, createSpikeStore } from '../../src/store/spike-store.ts';
import { createTrafficStore } from '../../src/store/traffic-store.ts';
import { createDice } from '../fixtures/detect/seeded-counts.ts';
import { BUCKET_SECONDS, createWatchedDay, type WatchedDay } from '../fixtures/detect/watched-day.ts';
import { type MigratedDatabase, startMigratedDatabase } from '../support/migrated-database.ts';

const LEASE_MS = 60_000;
const HOUR_SECONDS = 3600;
/** So far behind, a spike that has closed is no news when the next opens: each opening is a spike of its own. */
const BEHIND_MS = 3 * HOUR_SECONDS * 1000;
const settings = settingsFor({ bucketSeconds: BUCKET_SECONDS });

let anchor: MigratedDatabase;
let migrated: MigratedDatabase;
const warnings: string[] = [];
const log = { debug() {}, info() {}, warn: (_: object, text: string) => void warnings.push(text), error: console.error };
before(async () => {
  anchor = await startMigratedDatabase();
});
after(() => anchor.stop());
beforeEach(async () => {
  warnings.length = 0;
  migrated = await startMigratedDatabase();
});
afterEach(() => migrated.stop());

async function storeDay({ counts, spans }: Pick<WatchedDay, 'counts' | 'spans'>): Promise<void> {
  const { server } = migrated;
  await server.query(
    `insert into bucket_count select code, to_timestamp(at), false, 'test', 0, count
     from unnest($1::text[], $2::float8[], $3::int[]) as given (code, at, count)`,
    [counts.map(({ code }) => code), counts.map((each) => each.bucketStartSeconds), counts.map(({ count }) => count)],
  );
  await server.query(
    `insert into collected_span select 'span ' || n, to_timestamp(started), to_timestamp(ended)
     from unnest($1::float8[], $2::float8[]) with ordinality as given (started, ended, n)`,
    [spans.map(({ startSeconds }) => startSeconds), spans.map(({ endSeconds }) => endSeconds)],
  );
}

/** One leader; nothing but the database outlives it. */
async function lead(holder: string, detection: DetectionStore = createDetectionStore(migrated.database)) {
  const { database } = migrated;
  const { epoch } = await detection.keepLease(holder, null, LEASE_MS);
  assert.ok(epoch !== null);
  const evaluation = createEvaluation(
    { settingsOf: () => settings, holdMs: 0, labels: {} },
    {
      detection,
      spikes: createSpikeStore(database),
      snapshots: createSnapshotStore(database),
      traffic: createTrafficStore(database),
      catalogue: { codes: new Map(), statuses: new Map() },
      log,
      breathe: async () => {},
      monotonicMs: () => performance.now(),
      keepOn: async () => true,
    },
  );
  return {
    run: (untilSeconds: number) =>
      evaluation.run({ epoch, nowMs: untilSeconds * 1000 + BEHIND_MS, watermarkMs: untilSeconds * 1000 }),
    /** As a process does that is told to stop. */
    async stop(): Promise<void> {
      await evaluation.save(epoch, () => true);
      await detection.releaseLease(holder, epoch);
    },
    /** As if the process were gone, or frozen for longer than its lease. */
    loseLease: () => detection.releaseLease(holder, epoch),
  };
}

function replay(day: WatchedDay): ReadonlyMap<string, readonly Transition[]> {
  const counts = new Map(day.counts.map(({ code, bucketStartSeconds, count }) => [`${code} ${bucketStartSeconds}`, count]));
  const { feed } = createReplay(settings);
  const found = new Map<string, Transition[]>(day.codes.map((code) => [code, []]));
  for (const bucket of coveredBuckets(day.spans, day.range, BUCKET_SECONDS)) {
    for (const [code, transitions] of found) {
      const { transition } = feed(code, bucket, counts.get(`${code} ${bucket}`) ?? 0);
      if (transition !== null) transitions.push(transition);
    }
  }
  return found;
}

interface Spike {
  readonly code: string;
  readonly openedAt: number;
  readonly startsAt: number;
  readonly observed: number;
  readonly expected: number;
  readonly windowSeconds: number;
  readonly score: number;
  readonly closedAt: number | null;
  readonly closeReason: string | null;
}

/** What the transitions come to. */
function spikesOf(transitions: ReadonlyMap<string, readonly Transition[]>): readonly Spike[] {
  const spikes = [...transitions].flatMap(([code, each]) =>
    each.flatMap((open, nth) => {
      if (open.event !== 'open') return [];
      const close = each[nth + 1];
      const { bucketStartSeconds: openedAt, startsAtSeconds: startsAt, observed, expected, windowSeconds, score } = open;
      const end = { closedAt: close?.bucketStartSeconds ?? null, closeReason: close?.reason ?? null };
      return [{ code, openedAt, startsAt, observed, expected, windowSeconds, score, ...end }];
    }),
  );
  return inOrder(spikes);
}

async function storedSpikes(): Promise<readonly Spike[]> {
  const { items } = await createSpikeReader(migrated.database).listSpikes({ kind: 'surge', limit: 100 });
  return inOrder(
    items.map(({ code, openedAtMs, startsAtMs, closedAtMs, closeReason, observed, expected, windowSeconds, score }) => ({
      code,
      openedAt: openedAtMs / 1000,
      startsAt: startsAtMs / 1000,
      observed,
      expected,
      windowSeconds,
      score,
      closedAt: closedAtMs === null ? null : closedAtMs / 1000,
      closeReason,
    })),
  );
}

function inOrder(spikes: readonly Spike[]): readonly Spike[] {
  return spikes.toSorted((one, other) => one.openedAt - other.openedAt || (one.code < other.code ? -1 : 1));
}

for (const seed of [11, 12]) {
  test(`live finds what a replay finds, over restarts, deaths and fail-overs at random moments (seed ${seed})`, async () => {
    const day = createWatchedDay(seed);
    await storeDay(day);
    const dice = createDice(seed);
    const expected = spikesOf(replay(day));
    assert.ok(expected.length >= day.surges.length, `${expected.length} spikes`);

    const middles = day.surges.map(({ startSeconds, endSeconds }) => Math.floor((startSeconds + endSeconds) / 20) * 10);
    let generation = 1;
    let leader = await lead('leader 1');
    let staleCount = 0;
    for (let at = day.range.startSeconds; at < day.range.endSeconds; ) {
      const next = Math.min(day.range.endSeconds, at + (1 + Math.floor(dice.roll() ** 2 * 600)) * BUCKET_SECONDS);
      const middle = middles.find((each) => each > at && each < next);
      at = middle ?? next;
      assert.equal((await leader.run(at)).kind, 'done');
      if (middle === undefined && dice.roll() > 0.4) continue;
      generation += 1;
      if (dice.roll() < 0.3) await leader.stop();
      else {
        const frozen = leader;
        await leader.loseLease();
        leader = await lead(`leader ${generation}`);
        assert.equal((await frozen.run(at + 60)).kind, 'stale');
        staleCount += 1;
        continue;
      }
      leader = await lead(`leader ${generation}`);
    }
    assert.ok(generation > 20 && staleCount > 10, `${generation} leaders, ${staleCount} of them overtaken`);
    assert.deepEqual(await storedSpikes(), expected);
    assert.deepEqual(warnings, []);
  });
}

test('a new leader reads only the counts since the snapshots', async () => {
  const day = createWatchedDay(13);
  await storeDay(day);
  const until = day.range.startSeconds + 10 * HOUR_SECONDS;
  const first = await lead('first');
  await first.run(until);
  await first.run(until + 10 * 60);
  await first.loseLease();
  const detection = createDetectionStore(migrated.database);
  const read: number[] = [];
  const second = await lead('second', {
    ...detection,
    readCounts(range, code) {
      read.push(range.endSeconds - range.startSeconds);
      return detection.readCounts(range, code);
    },
  });
  await second.run(until + 10 * 60 + BUCKET_SECONDS);
  const seconds = read.reduce((sum, each) => sum + each, 0);
  assert.ok(seconds >= BUCKET_SECONDS && seconds <= 15 * 60 + BUCKET_SECONDS, `${seconds} s of counts were read`);
});

test('states of another version are computed anew from the counts, with one warning, and find the same', async () => {
  const day = createWatchedDay(14);
  await storeDay(day);
  const middle = day.range.startSeconds + 9.1 * HOUR_SECONDS;
  const first = await lead('first');
  await first.run(middle);
  await first.stop();
  const { server } = migrated;
  // Deflated `{"version":0}`, as an older release might have left it.
  const other = 'ab562a4b2d2acecccf53b232a80500';
  await server.query(`update detector_state set state = decode('${other}', 'hex')`);
  await server.query(`update detector_memory set silent_state = decode('${other}', 'hex')`);
  const second = await lead('second');
  await second.run(day.range.endSeconds);
  assert.deepEqual(await storedSpikes(), spikesOf(replay(day)));
  assert.deepEqual(warnings, ['the stored detector states cannot be used; they are computed anew from the counts']);
});

test('many codes without usable states see again after their newest counts, and learn the rest meanwhile', async () => {
  const day = createWatchedDay(16);
  await storeDay(day);
  // So many that only some hours of them are rebuilt at once.
  await migrated.server.query("insert into counted_code select 'CODE_' || n from generate_series(1, 5000) as n");
  const middle = day.range.startSeconds + 11.5 * HOUR_SECONDS;
  const first = await lead('first');
  await first.run(middle);
  await first.loseLease();
  await migrated.server.query('delete from detector_memory');
  const detection = createDetectionStore(migrated.database);
  const reads: { readonly seconds: number; readonly code: string | null }[] = [];
  const second = await lead('second', {
    ...detection,
    readCounts(range, code) {
      reads.push({ seconds: range.endSeconds - range.startSeconds, code: code ?? null });
      return detection.readCounts(range, code);
    },
  });
  await second.run(middle + BUCKET_SECONDS);
  const seconds = reads.filter(({ code }) => code === null).reduce((sum, read) => sum + read.seconds, 0);
  assert.ok(seconds > HOUR_SECONDS && seconds < 4 * HOUR_SECONDS, `${seconds} s of all counts were read`);
  const learnt = reads.filter(({ code }) => code !== null);
  assert.deepEqual(learnt.map(({ code }) => code).sort(), ['BUSY', 'RARE', 'STEADY']);
  assert.ok(learnt.every((read) => read.seconds > 11 * HOUR_SECONDS));
  await second.run(day.range.endSeconds);
  const known = (spikes: readonly Spike[]) => spikes.filter(({ code }) => code !== 'NEWCOMER');
  assert.deepEqual(known(await storedSpikes()), known(spikesOf(replay(day))));
});

test('one damaged state is computed anew beside the others, in the middle of its spike', async () => {
  const day = createWatchedDay(15);
  await storeDay(day);
  const first = await lead('first');
  await first.run(day.range.startSeconds + 9.1 * HOUR_SECONDS);
  await first.stop();
  await migrated.server.query(
    "update detector_state set state = decode('ab562a4b2d2acecccf53b232a80500', 'hex') where code = 'BUSY'",
  );
  const second = await lead('second');
  await second.run(day.range.endSeconds);
  assert.deepEqual(await storedSpikes(), spikesOf(replay(day)));
  assert.deepEqual(warnings, ['some stored detector states cannot be used; they are computed anew']);
});
