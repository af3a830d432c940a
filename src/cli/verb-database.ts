/**
 * The database for a verb that needs one and no service: `DATABASE_URL`, else the running service's embedded one through
 * its connection file, else that one started by the verb itself for as long as it runs.
 */
import { loadConfig } from '../config.ts';
import { createDatabase, type Database } from '../store/database.ts';
import { readConnectionFile } from '../store/embedded-connection-file.ts';
import { startEmbeddedPostgres } from '../store/embedded-postgres.ts';
import { migrate } from '../store/migrate.ts';

export interface VerbDatabase {
  readonly url: string;
  /** True: started here, nobody else uses it. */
  readonly isOwn: boolean;
  readonly close: () => Promise<void>;
}

export interface FindDatabase {
  /** `DATABASE_URL`, or what the verb prefers to it. */
  readonly url: string | null;
  readonly dataDir: string;
  readonly warn: (text: string) => void;
}

/** @throws InUse | StoreRefused when none was given and none can be started. */
export async function findDatabase({ url: given, dataDir, warn }: FindDatabase): Promise<VerbDatabase> {
  const url = given ?? (await readConnectionFile(dataDir))?.connectionString;
  if (url !== undefined) return { url, isOwn: false, close: async () => {} };
  const embedded = await startEmbeddedPostgres({ dataDir, log: { info: () => {}, warn } });
  return { url: embedded.connectionString, isOwn: true, close: () => embedded.stop() };
}

export interface VerbDatabaseOptions {
  readonly poolSize?: number;
  /** Where the database is; what the environment says when left out. */
  readonly where?: Pick<FindDatabase, 'url' | 'dataDir'>;
  /** Told what a person should know; stderr when left out. */
  readonly warn?: FindDatabase['warn'];
}

/**
 * Runs `work` on the database of the service, as the service's own role; `isOwn`: nobody else uses it.
 * @throws what `work` threw.
 */
export async function withVerbDatabase(
  work: (database: Database, isOwn: boolean) => Promise<void>,
  { poolSize = 1, where = loadConfig(process.env).database, warn = sayOnStderr }: VerbDatabaseOptions = {},
): Promise<void> {
  const server = await findDatabase({ url: where.url, dataDir: where.dataDir, warn });
  try {
    // Of a database that only we use, its next start would do the same.
    if (server.isOwn) await migrate(server.url);
    const log = { info: () => {}, warn: () => {} };
    const database = createDatabase({ connectionString: server.url, role: 'surgewatch_app', poolSize, log });
    try {
      await work(database, server.isOwn);
    } finally {
      await database.close();
    }
  } finally {
    await server.close();
  }
}

function sayOnStderr(text: string): void {
  process.stderr.write(`${text}\n`);
}
