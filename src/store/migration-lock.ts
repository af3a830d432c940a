/**
 * The lock that migrators take turns by, in the place of Kysely's own: that one waits for an hour, and believes that it
 * holds the lock also where a pooler gave the next statement to another server process.
 */
import { type Kysely, PostgresAdapter, PostgresDialect, type QueryExecutorProvider, sql } from 'kysely';
import { StoreRefused } from '../errors.ts';

/** Kysely's number, so that a version which takes its lock waits for us too. */
const LOCK_ID = sql.lit(3853314791062309107n);
/** A start that has to wait longer says so and asks again. */
const LOCK_TIMEOUT_MS = 5_000;

export class LockedPostgresDialect extends PostgresDialect {
  override createAdapter(): PostgresAdapter {
    return new MigrationLock();
  }
}

class MigrationLock extends PostgresAdapter {
  override async acquireMigrationLock(db: Kysely<unknown>): Promise<void> {
    await sql`
      with timeout as (select set_config('lock_timeout', ${String(LOCK_TIMEOUT_MS)}, true))
      select pg_advisory_lock(${LOCK_ID}) from timeout`.execute(db);
  }
}

/** Asked by each migration in its own transaction. @throws StoreRefused. */
export async function refuseWithoutLock(transaction: QueryExecutorProvider): Promise<void> {
  const { rows } = await sql`
    select from pg_locks where locktype = 'advisory' and objsubid = 1 and granted and pid = pg_backend_pid()
      and (classid::bigint << 32) | objid::bigint = ${LOCK_ID}`.execute(transaction);
  if (rows.length > 0) return;
  throw new StoreRefused(
    'The migration lock is not held by the connection that migrates: a pooler stands between. Let MIGRATION_DATABASE_URL name PostgreSQL itself.',
  );
}
