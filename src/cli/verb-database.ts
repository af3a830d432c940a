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

/**
 * Runs `work` on the database that the environment names, as the service's own role; `isOwn`: nobody else uses it.
 * @throws what `work` threw.
 */
export async function withVerbDatabase(
  work: (database: Database, isOwn: boolean) => Promise<void>,
  { poolSize = 1 }: { readonly poolSize?: number } = {},
): Promise<void> {
  const { url, dataDir } = loadConfig(process.env).database;
  const server = await findDatabase({ url, dataDir, warn: (text) => process.stderr.write(`${text}\n`) });
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
