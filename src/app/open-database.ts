/**
 * The database as the service needs it: the server (ours, when no DATABASE_URL is set), migrated, behind one pool for each
 * kind of work, and fit to serve.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { type Fault, StoreUnavailable } from '../errors.ts';
import { type Metrics, POOLS, type PoolName } from '../metrics.ts';
import { createDatabase, type Database } from '../store/database.ts';
import { startEmbeddedPostgres } from '../store/embedded-postgres.ts';
import { refuseUnfitServer } from '../store/fit-server.ts';
import { migrate } from '../store/migrate.ts';
import type { Stops } from './stops.ts';

/** Connections for the detection loop, the lease and the sources. */
const WORK_POOL_SIZE = 8;
/**
 * Connections of the write lanes, one each, and one to look at repeats: they keep their plans, since planning over all table
 * partitions costs more than a small batch.
 */
const WRITE_POOL_SIZE = 3;
/** Connections for people's reads, apart, so that a slow page never holds up ingest. */
const LOOKUP_POOL_SIZE = 4;
const WAIT_FOR_DATABASE_MS = 1_000;

interface OpenDatabase {
  readonly config: Config['database'];
  readonly metrics: Pick<Metrics, 'databaseUp' | 'watchPool'>;
  readonly stops: Pick<Stops, 'add'>;
  /** Ends the wait for a database that is away. */
  readonly signal: AbortSignal;
  /** Told when our own server died for good. */
  readonly onFailure: (fault: Fault) => void;
  readonly log: Logger;
}

/** A pool for each kind of work, once the database serves. @throws Fault when a person must act. */
export async function openDatabase(deps: OpenDatabase): Promise<Readonly<Record<PoolName, Database>>> {
  const { metrics, stops, signal, log } = deps;
  const urls = await openServer(deps);
  await migrateWhenThere(urls.migrationUrl, deps);
  const connection = { connectionString: urls.url, role: 'surgewatch_app', log } as const;
  const onUpChange = (isUp: boolean) => metrics.databaseUp.set(isUp ? 1 : 0);
  const work = createDatabase({ ...connection, poolSize: WORK_POOL_SIZE, onUpChange });
  const quiet = { info: () => {}, warn: () => {} }; // The same database: one voice is enough.
  const lookup = createDatabase({ ...connection, poolSize: LOOKUP_POOL_SIZE, keepsPlans: true, log: quiet });
  // A write that fails makes the service look at once whether its database is away, and tells it so.
  const look = (isUp: boolean) => void (isUp ? null : work.untilServes(signal).catch(() => {}));
  const write = createDatabase({ ...connection, poolSize: WRITE_POOL_SIZE, keepsPlans: true, onUpChange: look, log: quiet });
  const pools = { work, lookup, write };
  for (const name of POOLS) metrics.watchPool(name, pools[name].connections);
  stops.add('database', () => Promise.all(POOLS.map((name) => pools[name].close())).then(() => {}));
  await work.untilServes(signal);
  await refuseUnfitServer(work.kysely); // The migration's connection may have been another one.
  return pools;
}

/** The embedded server when no DATABASE_URL is set. */
async function openServer({ config, stops, onFailure, log }: OpenDatabase): Promise<{ url: string; migrationUrl: string }> {
  const { url, migrationUrl, dataDir } = config;
  if (url !== null) return { url, migrationUrl: migrationUrl ?? url };
  const embedded = await startEmbeddedPostgres({
    dataDir,
    log: { info: (text) => log.info({}, text), warn: (text) => log.warn({}, text) },
  });
  stops.add('embedded PostgreSQL', () => embedded.stop());
  void embedded.exited.then(({ reason }) => onFailure(new StoreUnavailable(`The embedded PostgreSQL ended: ${reason}`)));
  return { url: embedded.connectionString, migrationUrl: embedded.connectionString };
}

/** A database that is away is waited for, visibly; one that refuses ends the start. */
async function migrateWhenThere(url: string, { signal, log }: OpenDatabase): Promise<void> {
  for (let isFirst = true; ; isFirst = false) {
    signal.throwIfAborted();
    try {
      const applied = await migrate(url);
      if (applied.length > 0) log.info({ applied }, 'migrated');
      return;
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      if (isFirst) log.warn({ err: error.cause }, 'the database is away, or another process migrates it; waiting');
      await delay(WAIT_FOR_DATABASE_MS, undefined, { signal });
    }
  }
}
