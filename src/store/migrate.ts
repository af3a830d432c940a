/**
 * Brings the schema up to date under a lock of the database: whoever comes second waits, then finds nothing to do.
 * Plain SQL files, forward only; all pending ones in one transaction, so a killed migrator leaves nothing half made.
 */
import { readdir, readFile } from 'node:fs/promises';
import { Kysely, sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import pg from 'pg';
import { StoreRefused } from '../errors.ts';
import { classify } from './database.ts';
import { refuseUnfitServer } from './fit-server.ts';
import { LockedPostgresDialect, refuseWithoutLock } from './migration-lock.ts';

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
  const db = new Kysely<unknown>({ dialect: new LockedPostgresDialect({ pool }) });
  try {
    await refuseUnfitServer(db);
    const { error, results = [] } = await new Migrator({ db, provider: { getMigrations: readMigrations } }).migrateToLatest();
    const failed = results.find((result) => result.status === 'Error');
    if (error !== undefined) {
      const classified = classify(error);
      if (failed === undefined || !(classified instanceof StoreRefused) || classified === error) throw classified;
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
    const up = async (db: Kysely<unknown>) => {
      await refuseWithoutLock(db);
      await sql.raw(text).execute(db);
    };
    return [name.replace('.sql', ''), { up }] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}
