/**
 * The pool against a real PostgreSQL that ends connections, freezes and refuses: nothing of it may end the process, be
 * waited for without end, or leave a connection behind that fails whoever comes next.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { sql } from 'kysely';
import { StoreRefused, StoreUnavailable } from '../../src/errors.ts';
import { createDatabase, type Database, sqlStateOf } from '../../src/store/database.ts';
import { startTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { waitFor } from '../support/wait-for.ts';

const DEADLINE_MS = 10_000;
/** Our own timeout for a query is below it; a frozen server would be waited for until TCP gives up, which is hours. */
const FROZEN_DEADLINE_MS = 15_000;

let server: TestDatabase;
const open: (() => Promise<void>)[] = [];
before(async () => {
  server = await startTestDatabase();
});
after(async () => {
  for (const close of open.reverse()) await close();
  await server.stop();
});

function openDatabase(connectionString = server.connectionString, poolSize = 1) {
  const seen: boolean[] = [];
  const log = { info() {}, warn() {} };
  const database = createDatabase({ connectionString, role: null, poolSize, log, onUpChange: (isUp) => seen.push(isUp) });
  open.push(() => database.close());
  return { database, seen };
}

const pidOf = (database: Database) =>
  database.withClient(
    async (client) => (await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid ?? 0,
  );
const terminate = (pid: number) => server.query('select pg_terminate_backend($1)', [pid]);
const isGone = async (pid: number) => (await server.query('select from pg_stat_activity where pid = $1', [pid])).length === 0;

describe('a connection that the server ends', () => {
  test('while it is idle ends no process, says that the database is away, and the next query is served by another', async () => {
    const { database, seen } = openDatabase();
    const pid = await pidOf(database);
    await terminate(pid);
    await waitFor(() => !database.isUp(), { deadlineMs: DEADLINE_MS, what: 'the loss to be noticed' });
    assert.notEqual(await pidOf(database), pid);
    assert.deepEqual(seen, [true, false, true]);
  });

  test('while somebody holds it ends no process: the next question fails, and nobody gets it after', async () => {
    const { database } = openDatabase();
    let held = 0;
    const work = database.withClient(async (client) => {
      held = (await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid ?? 0;
      await terminate(held);
      await waitFor(() => !database.isUp(), { deadlineMs: DEADLINE_MS, what: 'the loss to be noticed' });
      return client.query('select 1');
    });
    await assert.rejects(work, StoreUnavailable);
    assert.notEqual(await pidOf(database), held);
  });

  test('within a transaction of kysely fails the transaction, and nobody gets it after', async () => {
    const { database } = openDatabase();
    const work = database.kysely.transaction().execute(async (transaction) => {
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(transaction);
      await terminate(rows[0]?.pid ?? 0);
      await waitFor(() => isGone(rows[0]?.pid ?? 0), { deadlineMs: DEADLINE_MS, what: 'the process to end' });
      await sql`select 1`.execute(transaction);
    });
    await assert.rejects(work, StoreUnavailable);
    assert.ok((await pidOf(database)) > 0);
  });
});

describe('a server that freezes', { concurrency: true }, () => {
  async function openFrozen(): Promise<{ database: Database; proxy: TcpProxy }> {
    const target = new URL(server.connectionString);
    const proxy = await startTcpProxy({ host: target.hostname, port: Number(target.port) });
    open.push(() => proxy.stop());
    target.port = String(proxy.port);
    const { database } = openDatabase(target.href);
    await pidOf(database);
    return { database, proxy };
  }

  test('in a transaction is given up by our own timeout, and the connection serves nobody after', {
    timeout: 2 * FROZEN_DEADLINE_MS,
  }, async () => {
    const { database, proxy } = await openFrozen();
    const startedMs = performance.now();
    const work = database.withClient(async (client) => {
      await client.query('begin');
      proxy.freeze();
      await client.query('select 1');
    });
    await assert.rejects(work, StoreUnavailable);
    const frozenMs = performance.now() - startedMs;
    assert.ok(frozenMs < FROZEN_DEADLINE_MS, `given up after ${frozenMs} ms`);
    assert.ok((await pidOf(database)) > 0);
    assert.ok(performance.now() - startedMs - frozenMs < FROZEN_DEADLINE_MS / 2, 'the next one waits for nothing');
  });

  test('under a query of kysely likewise', { timeout: 2 * FROZEN_DEADLINE_MS }, async () => {
    const { database, proxy } = await openFrozen();
    const startedMs = performance.now();
    proxy.freeze();
    await assert.rejects(sql`select 1`.execute(database.kysely), StoreUnavailable);
    const frozenMs = performance.now() - startedMs;
    assert.ok(frozenMs < FROZEN_DEADLINE_MS, `given up after ${frozenMs} ms`);
    await sql`select 1`.execute(database.kysely);
    assert.ok(performance.now() - startedMs - frozenMs < FROZEN_DEADLINE_MS / 2, 'the next one waits for nothing');
  });
});

test('a server that takes connections and says nothing is given up by our own timeout', {
  timeout: FROZEN_DEADLINE_MS,
}, async () => {
  const silent = createServer(() => {});
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  open.push(async () => void silent.close());
  const address = silent.address();
  assert.ok(address !== null && typeof address === 'object');
  const { database, seen } = openDatabase(`postgres://nobody:x@127.0.0.1:${address.port}/none`);
  await assert.rejects(pidOf(database), StoreUnavailable);
  assert.deepEqual(seen, []);
});

test('closing ends the connections, whichever way they were used', async () => {
  const uses = [pidOf, (database: Database) => sql`select 1`.execute(database.kysely)];
  for (const use of uses) {
    const { database } = openDatabase();
    await use(database);
    await database.close();
    assert.deepEqual(database.connections(), { busy: 0, idle: 0, waiting: 0 });
  }
});

test('every session has limits of its own: a statement, a lock and an idle transaction end before we give up', async () => {
  const { database } = openDatabase();
  const names = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout'];
  const rows = await database.withClient(async (client) => {
    const text = 'select name, setting::int as ms from pg_settings where name = any($1) order by name';
    return (await client.query<{ name: string; ms: number }>(text, [names])).rows;
  });
  for (const { name, ms } of rows) assert.ok(ms > 0 && ms <= 9_000, `${name} is ${ms} ms`);
  assert.equal(rows.length, names.length);
});

test('a fault has the class of its SQLSTATE: what waits, what a person must mend, and a row that cannot be stored', async () => {
  const { database, seen } = openDatabase();
  const raise = (state: string) =>
    database.withClient((client) => client.query(`do $$ begin raise exception using errcode = '${state}'; end $$`));
  for (const state of ['08006', '53100', '57P03', '58030', '40001', '40P01', '55P03'])
    await assert.rejects(raise(state), StoreUnavailable, state);
  for (const state of ['42501', '42P01', 'XX000']) await assert.rejects(raise(state), StoreRefused, state);
  for (const state of ['22P05', '22021', '23514', '54000'])
    await assert.rejects(raise(state), (error) => sqlStateOf(error) === state && !(error instanceof StoreUnavailable));
  await pidOf(database);
  assert.equal(seen.at(-1), true);
});

test('a pool says how many of its connections are busy and how many wait for one', async () => {
  const { database } = openDatabase();
  assert.deepEqual(database.connections(), { busy: 0, idle: 0, waiting: 0 });
  let second: Promise<number> | undefined;
  await database.withClient(async (client) => {
    await client.query('select 1');
    second = pidOf(database);
    assert.deepEqual(database.connections(), { busy: 1, idle: 0, waiting: 1 });
  });
  await second;
  assert.deepEqual(database.connections(), { busy: 0, idle: 1, waiting: 0 });
});
