/** Leases, progress and counts on a real PostgreSQL, as the role that owns nothing. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Snapshot } from '../../src/alert/code-states.ts';
import type { CodeSnapshot } from '../../src/alert/ports.ts';
import { type NewSpike, NO_EVIDENCE } from '../../src/alert/spike.ts';
import type { Transition } from '../../src/detect/detector.ts';
import { InUse } from '../../src/errors.ts';
import type { Database } from '../../src/store/database.ts';
import { createDetectionStore } from '../../src/store/detection-store.ts';
import { createProgressRecorder } from '../../src/store/progress-store.ts';
import { acquireReplicaLease } from '../../src/store/replica-lease.ts';
import { createSnapshotStore } from '../../src/store/snapshot-store.ts';
import { createSpikeReader } from '../../src/store/spike-store.ts';
import { type MigratedDatabase, startMigratedDatabase } from '../support/migrated-database.ts';
import type { TestDatabase } from '../support/postgres.ts';

const LEASE_MS = 15_000;
const START = Date.UTC(2026, 10, 24, 12);
const DEADLINE_MS = 20_000;
const log = { info() {}, warn() {} };

let migrated: MigratedDatabase;
let server: TestDatabase;
let database: Database;
before(async () => {
  migrated = await startMigratedDatabase();
  ({ server, database } = migrated);
});
after(() => migrated.stop());
beforeEach(async () => {
  await server.query("update detector_lease set epoch = 0, holder = '', expires_at = '-infinity'");
  await server.query('update detector_progress set evaluated_until = null, blind_since = null');
  await server.query(
    'truncate spike, bucket_count, late_code, collected_span, kafka_progress, replica, detector_state, detector_memory',
  );
});

const expireLease = () => server.query("update detector_lease set expires_at = clock_timestamp() - interval '1 s'");
async function addCount(
  code: string,
  bucketStartMs: number,
  count: number,
  { replica = 'one', isClockAhead = false } = {},
): Promise<void> {
  await server.query('insert into bucket_count values ($1, to_timestamp($2::float8 / 1000), $3, $4, 0, $5)', [
    code,
    bucketStartMs,
    isClockAhead,
    replica,
    count,
  ]);
}
function newSpike(code: string): NewSpike {
  return {
    kind: 'surge',
    code,
    status: '500',
    startsAtMs: START,
    openedAtMs: START + 20_000,
    observed: 50,
    expected: 5,
    windowSeconds: 30,
    score: 8,
    labels: { alertname: 'ApiErrorSpike', code },
    evidence: {
      ...NO_EVIDENCE,
      requestIds: ['a', 'b'],
      dominantDetail: { key: 'route', value: '/a', shareRatio: 1, beforeRatio: 0.1 },
      winner: { windowSeconds: 60, observed: 12, expected: 2.5 },
      falseAlarmsPerYear: 0.5,
      clients: { count: 1, isLeast: false, only: 'acme', hourBeforeCount: 3 },
      otherCodes: { observed: 20, expected: 21.5 },
      traffic: { requestsPerSecond: 95, usualPerSecond: null, errorRatio: 0.014, usualErrorRatio: 0.0004 },
      missing: ['clients'],
    },
    pair: null,
    lastSeenAtMs: null,
    breadth: null,
  };
}

function snapshotOf(code: string, steppedUntilSeconds = START / 1000): CodeSnapshot & { readonly snapshot: Snapshot } {
  const lastOpening: Transition = {
    event: 'open',
    bucketStartSeconds: START / 1000 - 20,
    startsAtSeconds: START / 1000 - 50,
    observed: 17,
    expected: 1 / 3,
    ratio: 51,
    windowSeconds: 40,
    score: 5.1,
    winner: { windowSeconds: 30, observed: 12, expected: 0.1 },
  };
  const state = `{"of":"${code} at ${steppedUntilSeconds}"}`;
  return {
    code,
    isOutdated: false,
    snapshot: { steppedUntilSeconds, lastSeenSeconds: START / 1000 - 10, lastOpening, state },
  };
}

describe('the detector lease', () => {
  test('is taken by one, renewed under the same epoch, and refused to others', async () => {
    const store = createDetectionStore(database);
    assert.equal((await store.keepLease('one', null, LEASE_MS)).epoch, 1);
    assert.equal((await store.keepLease('two', null, LEASE_MS)).epoch, null);
    assert.equal((await store.keepLease('one', 1, LEASE_MS)).epoch, 1);
  });
  test('changes hands with a new epoch once it ran out, or at once when it is given back', async () => {
    const store = createDetectionStore(database);
    await store.keepLease('one', null, LEASE_MS);
    await expireLease();
    assert.equal((await store.keepLease('two', null, LEASE_MS)).epoch, 2);
    assert.equal((await store.keepLease('one', 1, LEASE_MS)).epoch, null);
    await store.releaseLease('two', 2);
    assert.equal((await store.keepLease('one', null, LEASE_MS)).epoch, 3);
  });
  test('that ran out and that nobody took goes on under its epoch', async () => {
    const store = createDetectionStore(database);
    await store.keepLease('one', null, LEASE_MS);
    await expireLease();
    assert.equal((await store.keepLease('one', 1, LEASE_MS)).epoch, 1);
  });
  test('goes to one of many that ask at the same moment', async () => {
    const store = createDetectionStore(database);
    const answers = await Promise.all(Array.from({ length: 5 }, (_, n) => store.keepLease(`p${n}`, null, LEASE_MS)));
    assert.equal(answers.filter(({ epoch }) => epoch !== null).length, 1);
  });
});

describe('a write under an old epoch', () => {
  test('writes nothing, whatever it is', async () => {
    const store = createDetectionStore(database);
    await store.keepLease('one', null, LEASE_MS);
    await expireLease();
    await store.keepLease('two', null, LEASE_MS);
    await server.query("insert into late_code values ('A', 'one', 0)");
    const evaluated = {
      fromMs: null,
      untilMs: START,
      changes: [{ kind: 'begin', spike: newSpike('A'), isCovered: false }],
    } as const;
    assert.equal(await store.writeEvaluated(1, evaluated), 'stale');
    assert.equal(await store.writeBlindSince(1, START), 'stale');
    assert.equal(await store.takeLateCodes(1, 10), 'stale');
    assert.deepEqual(await store.readProgress(), { evaluatedUntilMs: null, blindSinceMs: null });
    assert.deepEqual(await server.query('select count(*)::int as n from spike'), [{ n: 0 }]);
    assert.deepEqual(await server.query('select count(*)::int as n from late_code'), [{ n: 1 }]);
    assert.equal(await store.writeEvaluated(2, evaluated), 'written');
  });
});

describe('progress', () => {
  test('moves with its spikes, and the same write again changes nothing', async () => {
    const store = createDetectionStore(database);
    await store.keepLease('one', null, LEASE_MS);
    const evaluated = {
      fromMs: null,
      untilMs: START,
      changes: [{ kind: 'begin', spike: newSpike('A'), isCovered: false }],
    } as const;
    await store.writeEvaluated(1, evaluated);
    await store.writeEvaluated(1, evaluated);
    const spikes = await createSpikeReader(database).activeSpikes();
    assert.equal(spikes.length, 1);
    const { id, detectedAtMs, ...spike } = spikes[0] ?? assert.fail();
    assert.deepEqual(spike, {
      ...newSpike('A'),
      state: 'pending',
      closedAtMs: null,
      closeReason: null,
      firstAcceptedAtMs: null,
      resolvedAtMs: null,
      isLate: false,
      coveredBy: null,
      escalation: null,
    });
    assert.equal((await store.readProgress()).evaluatedUntilMs, START);
  });
  test('takes a spike through close, going on and an end that nobody was told of, in the order given', async () => {
    const store = createDetectionStore(database);
    await store.keepLease('one', null, LEASE_MS);
    const close = { kind: 'close', of: 'surge', code: 'A', closedAtMs: START + 60_000, reason: 'subsided' } as const;
    const again = { ...newSpike('A'), openedAtMs: START + 900_000 };
    await store.writeEvaluated(1, {
      fromMs: null,
      untilMs: START,
      changes: [
        { kind: 'begin', spike: newSpike('A'), isCovered: false },
        close,
        { kind: 'continue', of: 'surge', code: 'A' },
        close,
        { kind: 'end_untold', of: 'surge', code: 'A' },
        { kind: 'begin', spike: again, isCovered: false },
      ],
    });
    const { items } = await createSpikeReader(database).listSpikes({ limit: 10 });
    assert.deepEqual(
      items.map(({ state, closedAtMs, closeReason, isLate }) => ({ state, closedAtMs, closeReason, isLate })),
      [
        { state: 'pending', closedAtMs: null, closeReason: null, isLate: false },
        { state: 'resolved', closedAtMs: START + 60_000, closeReason: 'subsided', isLate: true },
      ],
    );
  });
});

test('a spike that got worse keeps what it was first found to be, over its end and its return', async () => {
  const store = createDetectionStore(database);
  await store.keepLease('one', null, LEASE_MS);
  const escalation = { atMs: START + 300_000, observed: 900, expected: 30, windowSeconds: 300 };
  const later = { ...escalation, observed: 1200 };
  await store.writeEvaluated(1, {
    fromMs: null,
    untilMs: START,
    changes: [
      { kind: 'begin', spike: newSpike('A'), isCovered: false },
      { kind: 'begin', spike: newSpike('B'), isCovered: false },
      { kind: 'escalate', of: 'surge', code: 'A', escalation },
      { kind: 'escalate', of: 'surge', code: 'A', escalation: later },
      { kind: 'close', of: 'surge', code: 'A', closedAtMs: START + 600_000, reason: 'subsided' },
      { kind: 'continue', of: 'surge', code: 'A' },
    ],
  });
  const spikes = await createSpikeReader(database).activeSpikes();
  assert.deepEqual(Object.fromEntries(spikes.map((spike) => [spike.code, spike.escalation])), { A: escalation, B: null });
});

describe('a spike that the all-codes spike covers', () => {
  const all: NewSpike = {
    ...newSpike('_all'),
    kind: 'all_codes',
    status: '_all',
    breadth: { risenCount: 4, fairCount: 5, codes: ['A', 'B', 'C', 'D'] },
  };
  test('refers to it, until it is uncovered and opens as if by itself', async () => {
    const store = createDetectionStore(database);
    const reader = createSpikeReader(database);
    await store.keepLease('one', null, LEASE_MS);
    const covered = ['A', 'B'].map((code) => ({ kind: 'begin', spike: newSpike(code), isCovered: true }) as const);
    await store.writeEvaluated(1, {
      fromMs: null,
      untilMs: START,
      changes: [
        { kind: 'begin', spike: newSpike('C'), isCovered: false },
        { kind: 'begin', spike: all, isCovered: false },
        ...covered,
      ],
    });
    const [a, b, c, told] = (await reader.activeSpikes()).toSorted((one, other) => (one.code < other.code ? -1 : 1));
    assert.deepEqual(told?.breadth, all.breadth);
    assert.deepEqual([a?.coveredBy, b?.coveredBy, c?.coveredBy, told?.coveredBy], [told?.id, told?.id, null, null]);

    const openedAtMs = START + 600_000;
    await store.writeEvaluated(1, {
      fromMs: START,
      untilMs: openedAtMs,
      changes: [{ kind: 'uncover', of: 'surge', code: 'A', openedAtMs }],
    });
    const uncovered = await reader.getSpike(a?.id ?? '');
    assert.deepEqual(uncovered, { ...a, coveredBy: null, openedAtMs });
  });
});

describe('counts', () => {
  test('are summed over writers, without those whose clock was ahead', async () => {
    await addCount('A', START, 2);
    await addCount('A', START, 3, { replica: 'two' });
    await addCount('A', START, 99, { isClockAhead: true });
    await addCount('A', START + 10_000, 1);
    await addCount('B', START - 10_000, 1);
    const store = createDetectionStore(database);
    const range = { startSeconds: START / 1000, endSeconds: START / 1000 + 10 };
    assert.deepEqual(await store.readCounts(range), [{ code: 'A', bucketStartSeconds: START / 1000, count: 5 }]);
    assert.deepEqual(await store.readCounts(range, 'B'), []);
    assert.equal(await store.readEarliestBucket(START - 5000), START);
    assert.equal(await store.readEarliestBucket(START + 60_000), null);
  });
  test('that came late mark their code once, whoever wrote them, and outdate its snapshot', async () => {
    await server.query("insert into late_code values ('A', 'one', 0), ('A', 'two', 0), ('B', 'one', 0)");
    const store = createDetectionStore(database);
    const snapshots = createSnapshotStore(database);
    await store.keepLease('one', null, LEASE_MS);
    await snapshots.writeSnapshots(1, { codes: [snapshotOf('A'), snapshotOf('C')], shared: null });
    assert.deepEqual(await store.takeLateCodes(1, 1), ['A']);
    assert.deepEqual(await store.takeLateCodes(1, 10), ['B']);
    assert.deepEqual(await store.takeLateCodes(1, 10), []);
    assert.deepEqual(await snapshots.readCodes(null, 10), [
      { ...snapshotOf('A'), isOutdated: true },
      { code: 'B', isOutdated: true, snapshot: null },
      snapshotOf('C'),
    ]);
  });
});

describe('snapshots of states', () => {
  test('come back page by page as they were written, and a later write replaces them', async () => {
    const [store, snapshots] = [createDetectionStore(database), createSnapshotStore(database)];
    await store.keepLease('one', null, LEASE_MS);
    assert.equal(await snapshots.readShared(), null);
    const silent = { ...snapshotOf('').snapshot, lastSeenSeconds: null, lastOpening: null };
    const shared = {
      historyStartSeconds: START / 1000 - 500,
      thresholdHours: [{ hourSeconds: 3600, activeCodeCount: 7 }],
      silent,
    };
    await snapshots.writeSnapshots(1, { codes: ['A', 'B', 'C'].map((code) => snapshotOf(code)), shared });
    assert.deepEqual(await snapshots.readShared(), shared);
    assert.deepEqual(await snapshots.readCodes(null, 2), [snapshotOf('A'), snapshotOf('B')]);
    assert.deepEqual(await snapshots.readCodes('B', 2), [snapshotOf('C')]);
    const later = snapshotOf('B', START / 1000 + 300);
    await snapshots.writeSnapshots(1, { codes: [later], shared: { ...shared, thresholdHours: [], silent: null } });
    assert.deepEqual(await snapshots.readCodes('A', 1), [later]);
    assert.deepEqual(await snapshots.readShared(), { ...shared, thresholdHours: [] }, 'the silent state stays');
    assert.equal(await snapshots.writeSnapshots(2, { codes: [snapshotOf('D')], shared: null }), 'stale');
    assert.equal((await snapshots.readCodes(null, 10)).length, 3);
  });
});

describe('what a source reports', () => {
  test('is kept a Kafka partition and stretches the span of its topic', async () => {
    const { recordKafkaProgress } = createProgressRecorder(database);
    const place = {
      topic: 'errors',
      partition: 0,
      committedOffset: '5',
      firstRecordAtMs: START,
      lastRecordAtMs: START + 5000,
      isCaughtUp: false,
    };
    await recordKafkaProgress([place, { ...place, partition: 1, firstRecordAtMs: START - 60_000 }]);
    await recordKafkaProgress([
      { ...place, committedOffset: '9', firstRecordAtMs: null, lastRecordAtMs: null, isCaughtUp: true, isPaused: true },
    ]);
    const store = createDetectionStore(database);
    const places = await store.readPartitions('errors');
    assert.deepEqual(
      places.map(({ updatedAtMs, ...rest }) => rest).sort((one, other) => Number(one.isPaused) - Number(other.isPaused)),
      [
        { lastRecordAtMs: START + 5000, isCaughtUp: false, isPaused: false },
        { lastRecordAtMs: START + 5000, isCaughtUp: true, isPaused: true },
      ],
    );
    assert.deepEqual(await store.readPartitions('other'), []);
    const span = { startSeconds: START / 1000 - 60, endSeconds: START / 1000 + 5 };
    assert.deepEqual(await store.readSpans({ startSeconds: START / 1000, endSeconds: START / 1000 + 1 }), [span]);
  });
  test('cannot cover time that has not come yet', async () => {
    const { extendSpan } = createProgressRecorder(database);
    await extendSpan('kafka:errors', START, Date.now() + 3_600_000_000);
    const [row] = await server.query(
      "select ended_at <= clock_timestamp() as is_past from collected_span where span_key = 'kafka:errors'",
    );
    assert.deepEqual(row, { is_past: true });
  });
});

describe('a REPLICA_ID', () => {
  const options = { replicaId: 'api-1', host: 'first', waitMs: 0, log };

  test('that is held is refused, saying by whom', async () => {
    const lease = await acquireReplicaLease(database, options);
    await assert.rejects(acquireReplicaLease(database, { ...options, host: 'second' }), (fault) => {
      assert.ok(fault instanceof InUse);
      assert.equal(fault.code, 'replica_id_in_use');
      assert.match(fault.message, /^REPLICA_ID api-1 is held by a process on first since 20\d\d-/);
      return true;
    });
    await lease.release();
  });
  test('that is given back, or of a process that died, is free', async () => {
    await (await acquireReplicaLease(database, options)).release();
    const dead = await acquireReplicaLease(database, options);
    await server.query("update replica set expires_at = clock_timestamp() - interval '1 s'");
    const next = await acquireReplicaLease(database, options);
    await dead.release();
    assert.deepEqual(await server.query('select count(*)::int as n from replica'), [{ n: 1 }], 'the dead one gives nothing back');
    await next.release();
  });
  test('is waited for', async () => {
    const first = await acquireReplicaLease(database, options);
    const waiting = acquireReplicaLease(database, { ...options, waitMs: DEADLINE_MS });
    await first.release();
    await (await waiting).release();
  });
  test('of the one owner of an embedded database is free at once', async () => {
    const killed = await acquireReplicaLease(database, options);
    const next = await acquireReplicaLease(database, { ...options, isExclusive: true });
    await killed.release();
    await next.release();
  });
  test('that was taken tells its process to stop', { timeout: DEADLINE_MS }, async () => {
    const lease = await acquireReplicaLease(database, options);
    await server.query("update replica set process_id = 'other', host = 'second'");
    const fault = await lease.lost;
    assert.match(fault.message, /held by a process on second/);
    await lease.release();
  });
});
