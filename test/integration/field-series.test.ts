/** Pairs of field and sub-code as series of their own in a real PostgreSQL: their counts, late marks, samples and spikes. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { NewSpike } from '../../src/alert/spike.ts';
import { createDetectionStore } from '../../src/store/detection-store.ts';
import { createEvidenceReader } from '../../src/store/evidence-reader.ts';
import { createSpikeReader } from '../../src/store/spike-store.ts';
import { type MigratedDatabase, startMigratedDatabase } from '../support/migrated-database.ts';
import { spikeRecord } from '../support/spike-record.ts';

const START = Date.UTC(2026, 10, 24, 12);
const CODE = 'VALIDATION_ERROR';
const LEASE_MS = 60_000;
const SKU = { field: 'items[].sku', code: 'REQUIRED' };
const EMAIL = { field: 'email', code: 'REQUIRED' };
const SKU_KEY = `${CODE} items[].sku REQUIRED`;
const range = { startSeconds: START / 1000, endSeconds: START / 1000 + 60 };

let migrated: MigratedDatabase;
before(async () => {
  migrated = await startMigratedDatabase();
});
after(() => migrated.stop());
beforeEach(async () => {
  await migrated.server.query('truncate bucket_count, field_count, late_code, detector_state, spike, envelope');
  await migrated.server.query("update detector_lease set epoch = 0, holder = '', expires_at = '-infinity'");
  await migrated.server.query('update detector_progress set evaluated_until = null');
});
const openStore = async () => {
  const store = createDetectionStore(migrated.database);
  await store.keepLease('one', null, LEASE_MS);
  return store;
};
const addPair = ({ field, code }: typeof SKU, atMs: number, count: number, replica = 'one', isClockAhead = false) =>
  migrated.server.query('insert into field_count values ($1, $2, $3, $4, $5, 0, $6)', [
    field,
    code,
    new Date(atMs),
    isClockAhead,
    replica,
    count,
  ]);

function newSpike(parts: Parameters<typeof spikeRecord>[0]): NewSpike {
  return spikeRecord({ code: CODE, startsAtMs: START, ...parts });
}

describe('counts', () => {
  test('of pairs are read beside those of codes, without the rest and without clocks that ran ahead', async () => {
    await migrated.server.query('insert into bucket_count values ($1, $2, false, $3, 0, 9)', [CODE, new Date(START), 'one']);
    await addPair(SKU, START, 2);
    await addPair(SKU, START, 3, 'two');
    await addPair(SKU, START, 99, 'one', true);
    await addPair({ field: '_other', code: '_other' }, START, 7);
    await addPair({ field: '_other', code: 'REQUIRED' }, START, 1);
    const store = await openStore();
    const bucketStartSeconds = START / 1000;
    const ofSku = { code: SKU_KEY, bucketStartSeconds, count: 5 };
    const all = (await store.readCounts(range)).toSorted((one, other) => other.count - one.count);
    assert.deepEqual(all, [
      { code: CODE, bucketStartSeconds, count: 9 },
      ofSku,
      { code: `${CODE} _other REQUIRED`, bucketStartSeconds, count: 1 },
    ]);
    assert.deepEqual(await store.readCounts(range, SKU_KEY), [ofSku]);
    assert.deepEqual(await store.readCounts(range, CODE), [{ code: CODE, bucketStartSeconds, count: 9 }]);
  });

  test('of a late pair are to be learnt under its key, apart from its code', async () => {
    await migrated.server.query('insert into late_code values ($1, $2, 0), ($3, $2, 0)', [SKU_KEY, 'one', CODE]);
    const store = await openStore();
    const taken = await store.takeLateCodes(1, 10);
    assert.deepEqual(taken === 'stale' ? taken : taken.toSorted(), [CODE, SKU_KEY]);
    assert.deepEqual(await migrated.server.query('select code, is_outdated from detector_state order by code'), [
      { code: CODE, is_outdated: true },
      { code: SKU_KEY, is_outdated: true },
    ]);
  });
});

describe('spikes', () => {
  test('of a code and of its pairs live beside each other, one of each, and are changed apart', async () => {
    const store = await openStore();
    const reader = createSpikeReader(migrated.database);
    const beginnings = [null, SKU, EMAIL, SKU].map(
      (pair) => ({ kind: 'begin', spike: newSpike({ pair }), isCovered: false }) as const,
    );
    await store.writeEvaluated(1, {
      fromMs: null,
      untilMs: START,
      changes: [
        ...beginnings,
        { kind: 'close', of: 'surge', code: CODE, pair: SKU, closedAtMs: START + 60_000, reason: 'subsided' },
      ],
    });
    const spikes = (await reader.activeSpikes()).toReversed();
    assert.deepEqual(
      spikes.map(({ pair, closedAtMs }) => [pair, closedAtMs]),
      [
        [null, null],
        [SKU, START + 60_000],
        [EMAIL, null],
      ],
    );
    assert.equal((await reader.spikeOfCodeAt(CODE, START + 1000))?.pair, null);
    await store.writeEvaluated(1, {
      fromMs: START,
      untilMs: START + 10_000,
      changes: [
        { kind: 'close', of: 'surge', code: CODE, pair: null, closedAtMs: START + 120_000, reason: 'subsided' },
        { kind: 'continue', of: 'surge', code: CODE, pair: SKU },
      ],
    });
    assert.deepEqual(
      (await reader.activeSpikes()).toReversed().map(({ closedAtMs }) => closedAtMs),
      [START + 120_000, null, null],
    );
  });

  test('of a pair sample only errors that name it, wherever in a list', async () => {
    const named = [
      [{ field: 'items[12].sku', code: 'REQUIRED' }],
      [
        { field: 'email', code: 'REQUIRED' },
        { field: 'items.3.sku', code: 'REQUIRED' },
      ],
      [{ field: 'items[0].sku', code: 'TOO_LONG' }],
      { field: 'items[0].sku', code: 'REQUIRED' },
      [7, null],
    ];
    for (const [n, errors] of named.entries())
      await migrated.server.query(
        `insert into envelope (request_id, code, day, occurred_at, received_at, status, source, message, details, redaction_version)
         values ($1, $2, '2026-11-24', $3, now(), 422, 'webhook', 'no', $4, 1)`,
        [`req-${n}`, CODE, new Date(START + n * 1000), JSON.stringify({ errors })],
      );
    const where = { code: CODE, fromMs: START, toMs: START + 10_000, limit: 10, timeoutMs: LEASE_MS };
    const reader = createEvidenceReader(migrated.database);
    const sampled = (await reader.sampleErrors({ ...where, pair: SKU })) ?? [];
    assert.deepEqual(
      sampled.map(({ requestId }) => requestId),
      ['req-1', 'req-0'],
    );
    assert.equal((await reader.sampleErrors({ ...where, pair: null }))?.length, named.length);
    assert.equal((await reader.countClients({ ...where, pair: SKU }))?.count, 0);
  });
});
