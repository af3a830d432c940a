/** A database of its own with the whole schema, as the service sees it: through its role and its guarded pool. */
import { createDatabase, type Database } from '../../src/store/database.ts';
import { migrate } from '../../src/store/migrate.ts';
import { startTestDatabase, type TestDatabase } from './postgres.ts';

const POOL_SIZE = 8;

export interface MigratedDatabase {
  /** As PostgreSQL's superuser. */
  readonly server: TestDatabase;
  readonly database: Database;
  stop(): Promise<void>;
}

export async function startMigratedDatabase(): Promise<MigratedDatabase> {
  const server = await startTestDatabase();
  await migrate(server.connectionString);
  const log = { info() {}, warn() {} };
  const { connectionString } = server;
  const database = createDatabase({ connectionString, role: 'surgewatch_app', poolSize: POOL_SIZE, log });
  async function stop(): Promise<void> {
    await database.close();
    await server.stop();
  }
  return { server, database, stop };
}
