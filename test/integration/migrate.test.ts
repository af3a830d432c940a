/** Migrating a real PostgreSQL: by many at once, under a lock that is truly held, and only a server that keeps a COMMIT. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { StoreRefused, StoreUnavailable } from '../../src/errors.ts';
import { migrate } from '../../src/store/migrate.ts';
import { startTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { startSurgewatch } from '../support/surgewatch-process.ts';

/** Of Kysely and of ours: an older version at the same database takes the same. */
const LOCK_ID = '3853314791062309107';
const STARTERS = 5;

const databases: TestDatabase[] = [];
const openDatabase = async () => {
  const database = await startTestDatabase();
  databases.push(database);
  return database;
};
before(openDatabase); // Keeps the cluster from one test to the next.
after(async () => {
  for (const database of databases) await database.stop();
});
const nameOf = ({ connectionString }: TestDatabase) => new URL(connectionString).pathname.slice(1);
const tablesOf = (database: TestDatabase) => database.query("select from pg_tables where tablename = 'envelope'");

/** A function that is found before PostgreSQL's own of that name. */
async function replaceFunction(database: TestDatabase, definition: string): Promise<void> {
  await database.query('create schema fake');
  await database.query(`create function fake.${definition}`);
  await database.query(`alter database ${nameOf(database)} set search_path = public, fake, pg_catalog`);
}

test('of five that start at once one migrates, the others wait and find nothing to do', async () => {
  const database = await openDatabase();
  const applied = await Promise.all(Array.from({ length: STARTERS }, () => migrate(database.connectionString)));
  assert.deepEqual(
    applied.filter((names) => names.length > 0).map((names) => names[0]),
    ['0001_create_envelope'],
  );
  assert.deepEqual(await migrate(database.connectionString), []);
  const held = await database.query("select from pg_locks where locktype = 'advisory'");
  assert.equal(held.length, 0);
});

test('a lock that somebody left behind is not waited for in silence: it is asked for again', { timeout: 30_000 }, async () => {
  const database = await openDatabase();
  const holder = new pg.Client({ connectionString: database.connectionString });
  await holder.connect();
  await holder.query('select pg_advisory_lock($1)', [LOCK_ID]);
  await assert.rejects(migrate(database.connectionString), StoreUnavailable);
  assert.equal((await tablesOf(database)).length, 0);
  await holder.end();
  assert.ok((await migrate(database.connectionString)).length > 0);
});

test('a lock that only seems to be held, as behind a pooler, migrates nothing and says what to set', async () => {
  const database = await openDatabase();
  await replaceFunction(database, "pg_advisory_lock(bigint) returns void language sql as 'select null::void'");
  await assert.rejects(migrate(database.connectionString), (error) => {
    assert.match(String(error), /MIGRATION_DATABASE_URL/);
    return error instanceof StoreRefused;
  });
  assert.equal((await tablesOf(database)).length, 0);
});

test('a standby, which contradicts its primary, is refused', async () => {
  const database = await openDatabase();
  await replaceFunction(database, "pg_is_in_recovery() returns boolean language sql as 'select true'");
  await assert.rejects(migrate(database.connectionString), (error) => {
    assert.match(String(error), /standby/);
    return error instanceof StoreRefused;
  });
});

test('a COMMIT that may be lost is refused, also where only the service itself would have it', { timeout: 60_000 }, async () => {
  const database = await openDatabase();
  await migrate(database.connectionString);
  const url = new URL(database.connectionString);
  const role = `lossy_${nameOf(database)}`;
  await database.query(`create role ${role} login password 'x' in role surgewatch_app`);
  await database.query(`alter role ${role} set synchronous_commit = off`);
  url.username = role;
  url.password = 'x';
  const env = { DATABASE_URL: url.href, MIGRATION_DATABASE_URL: database.connectionString };
  const service = await startSurgewatch({ env, waitUntilReady: false });
  assert.equal(await service.exited, 1);
  assert.match(service.output(), /synchronous_commit=off/);
  await database.query(`alter database ${nameOf(database)} set synchronous_commit = off`);
  await assert.rejects(migrate(database.connectionString), StoreRefused);
});
