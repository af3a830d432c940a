/** The counts of validation fields against a real PostgreSQL: once for each stored envelope, over repeats, kills and restarts. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, beforeEach, describe, test } from 'node:test';
import pg from 'pg';
import { BUILT_IN_CATALOGUE } from '../../src/catalogue/built-in.ts';
import { parseCatalogue } from '../../src/catalogue/parse-catalogue.ts';
import { decode } from '../../src/envelope/decode.ts';
import { createRedact } from '../../src/envelope/redact.ts';
import { StoreUnavailable } from '../../src/errors.ts';
import type { FieldIncrement, Storable } from '../../src/ingest/ports.ts';
import type { Database } from '../../src/store/database.ts';
import { createEnvelopeStore } from '../../src/store/envelope-store.ts';
import { createPartitionKeeper } from '../../src/store/partitions.ts';
import { envelope } from '../support/envelopes.ts';
import { type MigratedDatabase, startMigratedDatabase } from '../support/migrated-database.ts';

const NOW_MS = Date.now();
const MOST_FIELDS = 500;
const redact = createRedact({ catalogue: parseCatalogue(readFileSync(BUILT_IN_CATALOGUE, 'utf8'), 'built-in.yaml') });
const keeperOf = (database: Database) => createPartitionKeeper({ database, retentionDays: 30, log: { warn() {} } });

let migrated: MigratedDatabase;
let database: Database;
before(async () => {
  migrated = await startMigratedDatabase();
  database = migrated.database;
  const keeper = keeperOf(database);
  await keeper.start();
  keeper.stop();
});
after(() => migrated.stop());
beforeEach(() =>
  migrated.server
    .query('truncate envelope, bucket_count, error_total, dead_letter, late_code, field_series, field_count, field_total')
    .then(() => {}),
);

const openStore = async (replicaId = 'a', on: Database = database) => {
  const store = createEnvelopeStore({ database: on, replicaId, catalogued: [] });
  return { ...store, before: await store.open() };
};

/** A VALIDATION_ERROR about these `field code` pairs. */
function invalid(pairs: readonly string[], timestampMs = NOW_MS): Storable {
  const errors = pairs.map((pair) => {
    const [field, code] = pair.split(' ');
    return { field, code, message: 'm', value: 'typed-secret' };
  });
  const parts = envelope({ code: 'VALIDATION_ERROR', details: { errors }, timestamp: new Date(timestampMs) });
  const decoded = decode(Buffer.from(JSON.stringify(parts)), { receivedAtMs: NOW_MS, retentionDays: 30 });
  if (decoded.kind !== 'envelope') throw new Error(decoded.reason);
  return {
    kind: 'envelope',
    source: 'webhook',
    receivedAtMs: NOW_MS,
    coordinates: null,
    sizeBytes: 9,
    digest: () => new Uint8Array(),
    envelope: redact(decoded.envelope, NOW_MS),
  };
}

const shown = (increments: readonly FieldIncrement[]) =>
  Object.fromEntries(increments.map(({ field, code, count }) => [`${field} ${code}`, count]));
async function stored(table: 'field_count' | 'field_total') {
  const column = table === 'field_count' ? 'error_count' : 'total';
  const rows = await migrated.server.query(
    `select field || ' ' || sub_code as pair, sum(${column})::int as count from ${table} group by 1`,
  );
  return Object.fromEntries(rows.map(({ pair, count }) => [String(pair), Number(count)]));
}

describe('counts of validation fields', () => {
  test('a pair is counted once for each stored envelope, however often it is named or delivered', async () => {
    const store = await openStore();
    const batch = [
      invalid(['items[0].sku REQUIRED', 'items[7].sku REQUIRED', 'email INVALID_FORMAT']),
      invalid(['items[1].sku REQUIRED']),
    ];
    const expected = { 'items[].sku REQUIRED': 2, 'email INVALID_FORMAT': 1 };
    assert.deepEqual(shown((await store.write([...batch, ...batch], 0)).increments.fields), expected);
    for (const lane of [0, 1]) assert.deepEqual((await store.write(batch, lane)).increments.fields, []);
    const restarted = await openStore('b');
    assert.deepEqual((await restarted.write(batch, 0)).increments.fields, []);
    assert.deepEqual([await stored('field_count'), await stored('field_total')], [expected, expected]);
  });

  test('siblings and other codes in the batch change nothing about it', async () => {
    const store = await openStore();
    const one = invalid(['email INVALID_FORMAT']);
    if (one.kind !== 'envelope') throw new Error('unreachable');
    const sibling: Storable = { ...one, envelope: { ...one.envelope, code: 'PAYMENT_FAILED', validationFields: [] } };
    await store.write([sibling, one, invalid(['email INVALID_FORMAT'])], 0);
    assert.deepEqual(await stored('field_count'), { 'email INVALID_FORMAT': 2 });
  });

  test('counts stand in the bucket of the event, apart where the producer’s clock was ahead', async () => {
    const store = await openStore();
    await store.write([invalid(['a X'], NOW_MS - 60_000), invalid(['a X'], NOW_MS), invalid(['a X'], NOW_MS + 3_600_000)], 0);
    const rows = await migrated.server.query('select bucket_start, is_clock_ahead, error_count from field_count order by 1');
    const bucket = (atMs: number) => new Date(Math.floor(atMs / 10_000) * 10_000);
    assert.deepEqual(rows, [
      { bucket_start: bucket(NOW_MS - 60_000), is_clock_ahead: false, error_count: 1 },
      { bucket_start: bucket(NOW_MS), is_clock_ahead: false, error_count: 1 },
      { bucket_start: bucket(NOW_MS + 3_600_000), is_clock_ahead: true, error_count: 1 },
    ]);
  });

  test('a replica that restarts under its id continues from what it counted, whichever lane did', async () => {
    const first = await openStore('a');
    await first.write([invalid(['a X']), invalid(['b Y'])], 0);
    await first.write([invalid(['a X'])], 1);
    const { before: again } = await openStore('a');
    assert.deepEqual(again.fields.map(({ field, count }) => `${field} ${count}`).sort(), ['a 1', 'a 1', 'b 1']);
    assert.deepEqual((await openStore('b')).before.fields, []);
  });

  test('a commit whose answer was lost is counted once and told with the next write', async () => {
    let losesAnswer = false;
    const lossy: Database = {
      ...database,
      withClient: async (work) => {
        const result = await database.withClient(work);
        if (losesAnswer) throw new StoreUnavailable('the connection was cut');
        return result;
      },
    };
    const store = await openStore('a', lossy);
    await store.write([invalid(['a X'])], 0);
    losesAnswer = true;
    const batch = [invalid(['a X']), invalid(['a X'])];
    await assert.rejects(store.write(batch, 0), StoreUnavailable);
    losesAnswer = false;
    assert.deepEqual(shown((await store.write(batch, 0)).increments.fields), { 'a X': 2 });
    assert.deepEqual(await stored('field_total'), { 'a X': 3 });
  });

  test('a write that is killed half way counts nothing, and its repeat counts once', async () => {
    const store = await openStore();
    await store.write([invalid(['a X'])], 0);
    // The last part of the statement waits here for a lock, until its connection is killed.
    const blocker = new pg.Client({ connectionString: migrated.server.connectionString });
    await blocker.connect();
    await blocker.query('begin; lock table field_total in access exclusive mode');
    const batch = [invalid(['a X'])];
    const writing = assert.rejects(store.write(batch, 0), StoreUnavailable);
    for (let killed = 0; killed === 0; ) {
      const { rows } = await blocker.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
      );
      killed = rows.length;
    }
    await writing;
    await blocker.query('rollback');
    await blocker.end();
    assert.deepEqual(await stored('field_count'), { 'a X': 1 });
    assert.deepEqual(shown((await store.write(batch, 0)).increments.fields), { 'a X': 1 });
    assert.deepEqual([await stored('field_count'), await stored('field_total')], [{ 'a X': 2 }, { 'a X': 2 }]);
  });

  test('past the cap the rest is counted as _other, alike on every replica, and nothing that a user typed is kept', async () => {
    const [a, b] = [await openStore('a'), await openStore('b')];
    await b.write([invalid(['late.comer X'])], 0);
    const batch = Array.from({ length: MOST_FIELDS + 4 }, (_, n) => invalid([`field_${n} X`, 'sp@ce X']));
    const { increments } = await a.write(batch, 0);
    assert.equal(increments.fields.find(({ field }) => field === '_other')?.count, MOST_FIELDS + 4);
    assert.equal(increments.fields.length, MOST_FIELDS);
    const other = await b.write([invalid([`field_${MOST_FIELDS + 3} X`, 'field_3 X', 'late.comer X'])], 0);
    assert.deepEqual(shown(other.increments.fields), { '_other _other': 1, 'field_3 X': 1, 'late.comer X': 1 });
    assert.equal(Number((await migrated.server.query('select count(*) from field_series'))[0]?.['count']), MOST_FIELDS);
    const rows = await migrated.server.query("select 1 from field_count where field || sub_code like '%secret%'");
    assert.deepEqual(rows, []);
  });

  test('counts that change behind the detector mark their pair, the rest marks nothing', async () => {
    const store = await openStore();
    await migrated.server.query('update detector_progress set evaluated_until = $1', [new Date(NOW_MS - 60_000)]);
    await store.write(
      [invalid(['a.0 X', 'sp@ce X'], NOW_MS - 120_000), invalid(['b X']), invalid(['c X'], NOW_MS + 3_600_000)],
      0,
    );
    assert.deepEqual(await migrated.server.query('select code from late_code order by code'), [
      { code: 'VALIDATION_ERROR' },
      { code: 'VALIDATION_ERROR a[] X' },
    ]);
    await migrated.server.query('update detector_progress set evaluated_until = null');
  });

  test('what is older than retention goes with the other counts', async () => {
    const store = await openStore();
    await store.write([invalid(['a X'])], 0);
    const dayMs = 86_400_000;
    await migrated.server.query('insert into field_count values ($1, $1, $2, false, $1, 0, 1)', [
      'old',
      new Date(NOW_MS - 32 * dayMs),
    ]);
    const keeper = keeperOf(database);
    await keeper.start();
    keeper.stop();
    assert.deepEqual(await stored('field_count'), { 'a X': 1 });
  });
});
