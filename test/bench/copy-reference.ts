/**
 * Raw COPY, the yardstick for every way in: the same envelopes, tab-separated, into the plain keyed table that the contract
 * names, on the very PostgreSQL that the service runs (fsync and synchronous_commit on), in a database of its own.
 *
 * PostgreSQL reads the file itself (`COPY … FROM 'file'`), one transaction a connection. No client stands between, so
 * this is the fastest that COPY gets here, and the strictest yardstick. Its table is empty before every round.
 */
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import type { WireEnvelope } from '../support/envelopes.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { postgresCpuSeconds } from './process-usage.ts';

const DATABASE = 'bench_copy';
const MICROSECONDS = 1_000_000;
const WARM_UP_ROWS = 10_000;
const CREATE_TABLE = `create table reference(request_id text, code text, day date, occurred_at timestamptz, received_at timestamptz,
  status smallint, message text, details jsonb, primary key (request_id, code, day))`;
const STATUSES: ReadonlyMap<string, number> = new Map([
  ['INVALID_CREDENTIALS', 401],
  ['TOKEN_EXPIRED', 401],
  ['ACCOUNT_INACTIVE', 403],
  ['TRUNK_NOT_FOUND', 404],
  ['DUPLICATE_USERNAME', 409],
  ['INSUFFICIENT_BALANCE', 402],
  ['PAYMENT_FAILED', 402],
  ['RATE_LIMIT_EXCEEDED', 429],
  ['VALIDATION_ERROR', 422],
]);

export interface CopyRound {
  /** Rows a second on one connection, and on two that share the rows evenly. */
  readonly oneConnection: number;
  readonly twoConnections: number;
  /** PostgreSQL's CPU microseconds a row, on one connection. */
  readonly postgresCpu: number;
}

export interface CopyInput {
  readonly connectionString: string;
  /** Of the service that runs the server. */
  readonly dataDir: string;
  readonly envelopes: readonly WireEnvelope[];
}

/** @throws Error when the server would not survive a power cut: the comparison would be with something else. */
export async function runCopyRound({ connectionString, dataDir, envelopes }: CopyInput): Promise<CopyRound> {
  const dir = makeTempDir('bench-copy');
  const url = connectionString.replace(/[^/]*$/, DATABASE);
  const middle = envelopes.length >> 1;
  try {
    // PostgreSQL reads as another user than we are.
    await chmod(dir.path, 0o755);
    const write = (name: string, part: readonly WireEnvelope[]) => writeLines(join(dir.path, name), part);
    const warmUp = await write('warm-up', envelopes.slice(0, WARM_UP_ROWS));
    const whole = await write('whole', envelopes);
    const halves = [await write('first', envelopes.slice(0, middle)), await write('second', envelopes.slice(middle))];
    await onServer(connectionString, async (client) => {
      await assertDurable(client);
      await client.query(`create database ${DATABASE}`);
    });
    await timeCopies(url, dataDir, [warmUp]);
    const one = await timeCopies(url, dataDir, [whole]);
    const two = await timeCopies(url, dataDir, halves);
    await onServer(connectionString, (client) => client.query(`drop database ${DATABASE} with (force)`));
    const count = envelopes.length;
    return {
      oneConnection: count / one.seconds,
      twoConnections: count / two.seconds,
      postgresCpu: (one.cpuSeconds * MICROSECONDS) / count,
    };
  } finally {
    dir.remove();
  }
}

/** Seconds until the last of the connections has committed, and PostgreSQL's CPU seconds meanwhile. */
async function timeCopies(url: string, dataDir: string, files: readonly string[]) {
  const clients = files.map(() => new pg.Client({ connectionString: url }));
  await Promise.all(clients.map((client) => client.connect()));
  try {
    await clients[0]?.query(`drop table if exists reference; ${CREATE_TABLE}; create index on reference (code, occurred_at)`);
    await clients[0]?.query('checkpoint');
    const cpuBefore = postgresCpuSeconds(dataDir);
    const startedMs = performance.now();
    await Promise.all(clients.map((client, n) => client.query(`copy reference from '${files[n]}'`)));
    const seconds = (performance.now() - startedMs) / 1000;
    return { seconds, cpuSeconds: postgresCpuSeconds(dataDir) - cpuBefore };
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}

async function assertDurable(client: pg.Client): Promise<void> {
  const { rows } = await client.query("select current_setting('fsync') || current_setting('synchronous_commit') as text");
  if (rows[0]?.['text'] !== 'onon') throw new Error('fsync and synchronous_commit must be on');
}

async function onServer(connectionString: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

async function writeLines(file: string, envelopes: readonly WireEnvelope[]): Promise<string> {
  const receivedAt = new Date().toISOString();
  const lines = envelopes.map(({ requestId, error, timestamp }) => {
    const { code, message, details = {} } = error;
    const status = STATUSES.get(code) ?? '\\N';
    const columns = [requestId, code, timestamp.slice(0, 10), timestamp, receivedAt, status, message, JSON.stringify(details)];
    return `${columns.join('\t').replaceAll('\\', '\\\\')}\n`;
  });
  await writeFile(file, lines.join(''), { mode: 0o644 });
  return file;
}
