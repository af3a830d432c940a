/** Spikes as pages, API and loop read and change them, on a real PostgreSQL. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { NO_EVIDENCE } from '../../src/alert/spike.ts';
import type { Database } from '../../src/store/database.ts';
import { createDetectionStore } from '../../src/store/detection-store.ts';
import { createSpikeReader, createSpikeStore } from '../../src/store/spike-store.ts';
import { type MigratedDatabase, startMigratedDatabase } from '../support/migrated-database.ts';
import type { TestDatabase } from '../support/postgres.ts';

const START = Date.UTC(2026, 10, 24, 12);
const MINUTE = 60_000;

let migrated: MigratedDatabase;
let server: TestDatabase;
let database: Database;
before(async () => {
  migrated = await startMigratedDatabase();
  ({ server, database } = migrated);
});
after(() => migrated.stop());
beforeEach(async () => {
  await server.query('truncate spike, envelope');
});

interface Parts {
  readonly code?: string;
  readonly kind?: string;
  readonly state?: string;
  readonly openedAtMs?: number;
  readonly closedAtMs?: number | null;
  readonly labels?: unknown;
  readonly evidence?: unknown;
}

async function addSpike(parts: Parts = {}): Promise<string> {
  const {
    code = 'A',
    kind = 'surge',
    state = 'resolved',
    openedAtMs = START,
    closedAtMs = null,
    labels = {},
    evidence = {},
  } = parts;
  const [row] = await server.query(
    `insert into spike (kind, code, status, state, starts_at, opened_at, closed_at, observed, expected, window_seconds, score, labels, evidence, epoch)
     values ($1, $2, '500', $3, to_timestamp($4::float8 / 1000) - interval '1 min', to_timestamp($4::float8 / 1000),
       to_timestamp($5::float8 / 1000), 9, 1, 60, 7, $6, $7, 1) returning id::text`,
    [kind, code, state, openedAtMs, closedAtMs, JSON.stringify(labels), JSON.stringify(evidence)],
  );
  return String(row?.['id']);
}

describe('a list', () => {
  test('comes page by page, newest first, each once, also where many opened in the same bucket', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 7; n += 1) ids.push(await addSpike({ openedAtMs: START + Math.floor(n / 3) * 10_000 }));
    const reader = createSpikeReader(database);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof reader.listSpikes>> = await reader.listSpikes({
        limit: 2,
        ...(cursor === null ? {} : { cursor }),
      });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    } while (cursor !== null);
    assert.deepEqual(seen, ids.toReversed());
  });
  test('is narrowed by state, kind and code', async () => {
    const firing = await addSpike({ state: 'firing' });
    const silent = await addSpike({ state: 'pending', kind: 'silent_code' });
    const other = await addSpike({ code: 'B' });
    const reader = createSpikeReader(database);
    const idsOf = async (query: object) => (await reader.listSpikes({ limit: 9, ...query })).items.map(({ id }) => id);
    assert.deepEqual(await idsOf({ state: 'firing' }), [firing]);
    assert.deepEqual(await idsOf({ kind: 'silent_code' }), [silent]);
    assert.deepEqual(await idsOf({ code: 'B' }), [other]);
    assert.deepEqual((await reader.activeSpikes()).map(({ id }) => id).sort(), [firing, silent].sort());
  });
  test('refuses a cursor that is none of ours', async () => {
    await assert.rejects(createSpikeReader(database).listSpikes({ limit: 1, cursor: "1' or 1=1" }), RangeError);
  });
});

describe('one spike', () => {
  test('is found by its id, and by nothing else', async () => {
    const id = await addSpike({ labels: { code: 'A' }, evidence: { requestIds: ['x'], dominantDetail: null, traffic: null } });
    const reader = createSpikeReader(database);
    const found = await reader.getSpike(id);
    assert.deepEqual(found?.labels, { code: 'A' });
    assert.deepEqual(found?.evidence, { ...NO_EVIDENCE, requestIds: ['x'] });
    for (const none of ['0', '-1', 'x', '', '9'.repeat(30)]) assert.equal(await reader.getSpike(none), null);
  });
  test('is found by a moment that lies in it', async () => {
    const id = await addSpike({ closedAtMs: START + 5 * MINUTE });
    const reader = createSpikeReader(database);
    const at = async (atMs: number, code = 'A') => (await reader.spikeOfCodeAt(code, atMs))?.id ?? null;
    assert.deepEqual(await Promise.all([at(START - MINUTE), at(START + 5 * MINUTE)]), [id, id]);
    assert.deepEqual(await Promise.all([at(START - MINUTE - 1), at(START + 5 * MINUTE + 1), at(START, 'B')]), [null, null, null]);
  });
  test('is no code that is new, back or silent: who meets that may well be alone', async () => {
    for (const kind of ['new_code', 'returning_code', 'silent_code']) await addSpike({ code: 'QUIET', kind });
    const reader = createSpikeReader(database);
    assert.equal(await reader.spikeOfCodeAt('QUIET', START), null);
  });
});

describe('the loop', () => {
  const lead = async () => {
    await server.query("update detector_lease set expires_at = '-infinity'");
    const { epoch } = await createDetectionStore(database).keepLease(`p${Math.random()}`, null, 15_000);
    return epoch ?? assert.fail('the lease is held');
  };

  test('marks the first acceptance once, and only of what is pending', async () => {
    const [epoch, store, reader] = [await lead(), createSpikeStore(database), createSpikeReader(database)];
    const id = await addSpike({ state: 'pending' });
    assert.equal(await store.markAccepted(epoch, [{ id, isLate: true }]), 'written');
    const first = await reader.getSpike(id);
    assert.equal(first?.state, 'firing');
    assert.equal(first?.isLate, true);
    await store.markAccepted(epoch, [{ id, isLate: false }]);
    assert.deepEqual(await reader.getSpike(id), first);
  });
  test('resolves once, and lists what was resolved lately beside what is active', async () => {
    const [epoch, store, reader] = [await lead(), createSpikeStore(database), createSpikeReader(database)];
    const id = await addSpike({ state: 'firing' });
    const active = await addSpike({ state: 'pending', code: 'B' });
    await addSpike({ code: 'C' });
    await store.changeStates(epoch, [{ id, state: 'resolved', isLate: false }]);
    const resolved = await reader.getSpike(id);
    assert.ok(resolved?.state === 'resolved' && resolved.resolvedAtMs !== null);
    await store.changeStates(epoch, [{ id, state: 'firing', isLate: false }]);
    assert.deepEqual(await reader.getSpike(id), resolved);
    assert.deepEqual((await store.spikesToTell(resolved.resolvedAtMs)).map((spike) => spike.id).sort(), [id, active].sort());
    assert.deepEqual(
      (await store.spikesToTell(resolved.resolvedAtMs + 1)).map((spike) => spike.id),
      [active],
    );
  });
  test('under an old epoch changes nothing', async () => {
    const epoch = await lead();
    await lead();
    const id = await addSpike({ state: 'pending' });
    const store = createSpikeStore(database);
    assert.equal(await store.markAccepted(epoch, [{ id, isLate: false }]), 'stale');
    assert.equal(await store.changeStates(epoch, [{ id, state: 'resolved', isLate: false }]), 'stale');
    assert.equal((await createSpikeReader(database).getSpike(id))?.state, 'pending');
  });
});
