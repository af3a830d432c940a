/**
 * A database of its own for each test file, in one embedded cluster a test process: making a cluster takes a second,
 * making a database a twentieth of that. The cluster ends with its last database, so that the test process can end.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../src/store/embedded-postgres.ts';
import { endAfterTests } from './left-over.ts';
import { makeTempDir } from './temp-dir.ts';

/** Nothing here must survive a power cut; everything else is as in production. */
const SETTINGS = { fsync: 'off', full_page_writes: 'off', max_connections: '200' };

export interface TestDatabase {
  /** As PostgreSQL's superuser. */
  readonly connectionString: string;
  /** One statement on a connection of its own. */
  query(text: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
  stop(): Promise<void>;
}

interface Cluster {
  urlOf(database: string): string;
  stop(): Promise<void>;
}

let shared: Promise<Cluster> | null = null;
let users = 0;

export async function startTestDatabase(): Promise<TestDatabase> {
  users += 1;
  shared ??= startCluster();
  const cluster = await shared;
  const name = `test_${randomBytes(6).toString('hex')}`;
  await query(cluster.urlOf('postgres'), `CREATE DATABASE ${name}`);
  const connectionString = cluster.urlOf(name);
  let isStopped = false;
  async function stop(): Promise<void> {
    if (isStopped) return;
    isStopped = true;
    users -= 1;
    if (users > 0) {
      await query(cluster.urlOf('postgres'), `DROP DATABASE ${name} WITH (FORCE)`);
      return;
    }
    shared = null;
    await cluster.stop();
  }
  return { connectionString, query: (text, values) => query(connectionString, text, values), stop };
}

async function startCluster(): Promise<Cluster> {
  const dir = makeTempDir('postgres');
  const log = { info: () => {}, warn: (text: string) => process.stderr.write(`${text}\n`) };
  const postgres = await startEmbeddedPostgres({ dataDir: join(dir.path, 'data'), log, settings: SETTINGS });
  const forget = endAfterTests(stop);
  async function stop(): Promise<void> {
    forget();
    await postgres.stop();
    dir.remove();
  }
  return { urlOf: (database) => postgres.connectionString.replace(/[^/]*$/, database), stop };
}

async function query(connectionString: string, text: string, values: readonly unknown[] = []) {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text, [...values])).rows;
  } finally {
    await client.end();
  }
}
