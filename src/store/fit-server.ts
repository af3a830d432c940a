/** What a server must be so that COMMIT means what we promise; asked of every connection string before anything is written. */
import { type QueryExecutorProvider, sql } from 'kysely';
import { StoreRefused } from '../errors.ts';

const OLDEST_VERSION = 140_000;

/** A standby contradicts its primary, and a COMMIT that may be lost is no acknowledgement. @throws StoreRefused, saying what is needed. */
export async function refuseUnfitServer(connection: QueryExecutorProvider): Promise<void> {
  const { rows } = await sql<{ is_standby: boolean; synchronous_commit: string; version: number }>`
    select pg_is_in_recovery() as is_standby, current_setting('synchronous_commit') as synchronous_commit,
      current_setting('server_version_num')::int as version`.execute(connection);
  const server = rows[0];
  if (server === undefined) return;
  if (server.is_standby) throw new StoreRefused('The database is a read-only standby; surgewatch needs the primary.');
  if (server.synchronous_commit === 'off')
    throw new StoreRefused('The database runs with synchronous_commit=off; surgewatch needs it on.');
  if (server.version < OLDEST_VERSION) throw new StoreRefused('PostgreSQL 14 or newer is needed.');
}
