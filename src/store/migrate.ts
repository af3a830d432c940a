/**
 * Brings the schema up to date under Kysely's migration lock: whoever comes second waits, then finds nothing to do.
 * Plain SQL files, forward only; all pending ones in one transaction, so a killed migrator leaves nothing half made.
 */
import { readdir, readFile } from 'node:fs/promises';
import { Kysely, PostgresDialect, sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import pg from 'pg';
import { StoreRefused } from '../errors.ts';
import { classify } from './database.ts';

const FOLDER = new URL('../../migrations/', import.meta.url);
const FILE_NAME = /^\d{4}_[a-z_]+\.sql$/;
const CONNECT_TIMEOUT_MS = 5_000;

/** @returns the names of the migrations applied now. @throws StoreUnavailable | StoreRefused, naming the file that failed. */
export async function migrate(connectionString: string): Promise<readonly string[]> {
  // A direct connection of its own: a lock taken through a transaction-mode pooler would be left behind there.
  const pool = new pg.Pool({
    connectionString,
    max: 1,
    application_name: 'surgewatch migrate',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  });
  pool.on('error', () => {}); // The query that runs reports the same loss.
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  try {
    await refuseUnfitServer(db);
    const { error, results = [] } = await new Migrator({ db, provider: { getMigrations: readMigrations } }).migrateToLatest();
    const failed = results.find((result) => result.status === 'Error');
    if (error !== undefined) {
      const classified = classify(error);
      if (failed === undefined || !(classified instanceof StoreRefused)) throw classified;
      throw new StoreRefused(`Migration ${failed.migrationName} failed.`, error);
    }
    return results.filter((result) => result.status === 'Success').map((result) => result.migrationName);
  } catch (error) {
    throw classify(error);
  } finally {
    await db.destroy();
  }
}

async function readMigrations() {
  const names = (await readdir(FOLDER)).filter((name) => FILE_NAME.test(name)).sort();
  const entries = names.map(async (name) => {
    const text = await readFile(new URL(name, FOLDER), 'utf8');
    return [name.replace('.sql', ''), { up: async (db: Kysely<unknown>) => void (await sql.raw(text).execute(db)) }] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** A standby contradicts its primary, and a COMMIT that may be lost is no acknowledgement. */
async function refuseUnfitServer(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ is_standby: boolean; synchronous_commit: string; version: number }>`
    select pg_is_in_recovery() as is_standby, current_setting('synchronous_commit') as synchronous_commit,
      current_setting('server_version_num')::int as version`.execute(db);
  const server = rows[0];
  if (server === undefined) return;
  if (server.is_standby) throw new StoreRefused('The database is a read-only standby; surgewatch needs the primary.');
  if (server.synchronous_commit === 'off')
    throw new StoreRefused('The database runs with synchronous_commit=off; surgewatch needs it on.');
  if (server.version < OLDEST_VERSION) throw new StoreRefused('PostgreSQL 14 or newer is needed.');
}

const OLDEST_VERSION = 140_000;
