/** What is read of stored errors for evidence, on a real PostgreSQL: bounded in rows and in time. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import pg from 'pg';
import { createEvidenceReader } from '../../src/store/evidence-reader.ts';
import { type MigratedDatabase, startMigratedDatabase } from '../support/migrated-database.ts';

const START = Date.UTC(2026, 10, 24, 12);
const SECOND = 1000;

let migrated: MigratedDatabase;
before(async () => {
  migrated = await startMigratedDatabase();
  await migrated.server.query("select prepare_envelope_day('2026-11-24')");
});
after(() => migrated.stop());
beforeEach(async () => {
  await migrated.server.query('truncate envelope');
});

const where = { code: 'A', pair: null, fromMs: START, toMs: START + 10 * SECOND, limit: 10, timeoutMs: 5_000 };
const read = () => createEvidenceReader(migrated.database);

interface Stored {
  readonly id: string;
  readonly afterSeconds: number;
  readonly client?: string | null;
  readonly marks?: readonly string[];
  readonly details?: unknown;
}

async function store({ id, afterSeconds, client = null, marks = [], details = {} }: Stored): Promise<void> {
  await migrated.server.query(
    `insert into envelope (request_id, code, day, occurred_at, received_at, status, source, message, details, service, client, redaction_version, sanitized)
     values ($1, 'A', '2026-11-24', to_timestamp($2::float8 / 1000), now(), 401, 'webhook', 'no', $3, 'login', $4, 1, $5)`,
    [id, START + afterSeconds * SECOND, JSON.stringify(details), client, marks],
  );
}

describe('a sample', () => {
  test('holds the errors of the stretch, newest first, none whose clock was ahead', async () => {
    await store({ id: 'first', afterSeconds: 0 });
    await store({ id: 'second', afterSeconds: 5, marks: ['late'] });
    await store({ id: 'ahead', afterSeconds: 6, marks: ['clock_ahead'] });
    await store({ id: 'outside', afterSeconds: 10 });
    const found = await read().sampleErrors(where);
    assert.deepEqual(
      found?.map(({ requestId, status }) => ({ requestId, status })),
      [
        { requestId: 'second', status: 401 },
        { requestId: 'first', status: 401 },
      ],
    );
    assert.deepEqual(
      (await read().sampleErrors({ ...where, limit: 1 }))?.map(({ requestId }) => requestId),
      ['second'],
    );
  });
  test('comes from all over the stretch, however many came at its end', async () => {
    for (let n = 0; n < 12; n += 1) await store({ id: `end-${n}`, afterSeconds: 9 + n / 100 });
    await store({ id: 'begin', afterSeconds: 1 });
    await store({ id: 'middle', afterSeconds: 6 });
    const found = await read().sampleErrors({ ...where, limit: 8 });
    assert.deepEqual(
      found?.map(({ requestId }) => requestId),
      ['end-11', 'end-10', 'middle', 'begin'],
    );
  });
  test('tells of each error its context, its scalars, and its fields with their sub-codes and never what was typed', async () => {
    const errors = [
      { field: 'items[3].sku', code: 'REQUIRED', message: 'missing', value: { type: 'string', length: 3 } },
      { field: 'items[4].sku', code: 'REQUIRED', message: 'missing', value: { type: 'string', length: 3 } },
    ];
    const details = { provider: 'x', attempts: 3, nested: { a: 1 }, long: 'x'.repeat(101), errors };
    await store({ id: 'one', afterSeconds: 1, client: 'acme', details });
    const [found] = (await read().sampleErrors(where)) ?? [];
    assert.deepEqual(found?.values.toSorted(), [
      ['client', 'acme'],
      ['details.attempts', '3'],
      ['details.provider', 'x'],
      ['field', 'items[].sku REQUIRED'],
      ['service', 'login'],
    ]);
  });
});

describe('clients', () => {
  test('are counted once each, and named when it is one alone', async () => {
    await store({ id: 'a', afterSeconds: 1, client: 'acme' });
    await store({ id: 'b', afterSeconds: 2, client: 'acme' });
    await store({ id: 'c', afterSeconds: 3 });
    assert.deepEqual(await read().countClients(where), { count: 1, isLeast: false, only: 'acme' });
    await store({ id: 'd', afterSeconds: 4, client: 'other' });
    assert.deepEqual(await read().countClients(where), { count: 2, isLeast: false, only: null });
    assert.deepEqual(await read().countClients({ ...where, limit: 2 }), { count: 1, isLeast: true, only: 'other' });
  });
  test('are none where no error states its client', async () => {
    await store({ id: 'a', afterSeconds: 1 });
    assert.deepEqual(await read().countClients(where), { count: 0, isLeast: false, only: null });
  });
});

test('a read that takes too long answers nothing, and the database still counts as up and its connection serves on', async () => {
  await store({ id: 'a', afterSeconds: 1, client: 'acme' });
  const { server, database } = migrated;
  await database.untilServes();
  // Somebody holds the table: the statement waits and is ended by its own time.
  const holder = new pg.Client({ connectionString: server.connectionString });
  await holder.connect();
  await holder.query('begin; lock table envelope in access exclusive mode');
  try {
    assert.equal(await read().sampleErrors({ ...where, timeoutMs: 50 }), null);
    assert.equal(await read().countClients({ ...where, timeoutMs: 50 }), null);
    assert.equal(database.isUp(), true);
  } finally {
    await holder.end();
  }
  assert.equal((await read().sampleErrors(where))?.length, 1);
});
