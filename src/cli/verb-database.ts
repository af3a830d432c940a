/**
 * The database for a verb that needs one and no service: `DATABASE_URL`, else the running service's embedded one through
 * its connection file, else that one started by the verb itself for as long as it runs.
 */
import { readConnectionFile } from '../store/embedded-connection-file.ts';
import { startEmbeddedPostgres } from '../store/embedded-postgres.ts';

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
