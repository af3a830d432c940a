/**
 * A PostgreSQL of our own below the data directory, for who has none: started, made ready and watched through a keeper
 * process (`embedded-postgres-child.ts`). A process of its own and not a plain child of the service, so that a Ctrl-C to
 * the terminal does not take the database away while the service drains, and a killed service leaves nothing running.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { chmod, mkdir, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { type Fault, InUse, StoreRefused } from '../errors.ts';
import { CONNECTION_FILE, writeConnectionFile } from './embedded-connection-file.ts';
import { type FromKeeper, parseFromKeeper } from './embedded-messages.ts';

const DATABASE = 'surgewatch';
/** How long a start waits for another owner of the directory to end, as CONTRACT.md states. */
const OWNERSHIP_WAIT_MS = 15_000;
/** More than the keeper gives PostgreSQL before it kills it. */
const STOP_DEADLINE_MS = 16_000;
const CONNECT_DEADLINE_MS = 10_000;
const KEPT_WORDS_CHARACTERS = 2_000;

export interface EmbeddedPostgres {
  /** postgres://postgres:…@127.0.0.1:PORT/surgewatch */
  readonly connectionString: string;
  /** Resolves when PostgreSQL or its keeper ends without `stop()`. */
  readonly exited: Promise<{ readonly reason: string }>;
  /** Fast shutdown, within a deadline; safe twice. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  readonly dataDir: string;
  readonly log: { info(text: string): void; warn(text: string): void };
  /** PostgreSQL settings that win over ours, as `-c name=value`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** How long to wait for another owner of the directory to end. */
  readonly ownershipWaitMs?: number;
}

/**
 * Resolves when a real connection to the database succeeded.
 * @throws InUse (`data_dir_in_use`) naming the process that holds the directory.
 * @throws StoreRefused when this machine cannot run it; the message says what to do, `set DATABASE_URL` among it.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { log } = options;
  const startedAtMs = performance.now();
  const dataDir = await openDataDir(options.dataDir);
  const keeper = await startKeeper(dataDir, options);
  try {
    await createDatabase(keeper.urlOf('postgres'));
    const connectionString = keeper.urlOf(DATABASE);
    await writeConnectionFile(dataDir, { connectionString, pid: process.pid });
    log.info(`Embedded PostgreSQL is ready in ${dataDir} after ${Math.round(performance.now() - startedAtMs)} ms`);
    return { connectionString, exited: keeper.exited, stop: keeper.stop };
  } catch (error) {
    await keeper.stop();
    throw error;
  }
}

async function openDataDir(dataDir: string): Promise<string> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    await chmod(dataDir, 0o700);
    // PostgreSQL and the owner's name both go by the real path: one directory by two names is still one.
    return await realpath(dataDir);
  } catch (error) {
    throw new StoreRefused(`DATA_DIR ${dataDir} cannot be used (${String(error)}): choose another, or set DATABASE_URL`, error);
  }
}

interface Keeper {
  readonly exited: Promise<{ readonly reason: string }>;
  urlOf(database: string): string;
  stop(): Promise<void>;
}

async function startKeeper(dataDir: string, options: EmbeddedPostgresOptions): Promise<Keeper> {
  const { log, settings = {}, ownershipWaitMs = OWNERSHIP_WAIT_MS } = options;
  const program = fileURLToPath(new URL('./embedded-postgres-child.ts', import.meta.url));
  const child = fork(program, [dataDir, JSON.stringify({ waitMs: ownershipWaitMs, settings })], {
    detached: true,
    // Neither the inspector's port nor --watch nor --test is for the keeper.
    execArgv: [],
    env: { PATH: process.env['PATH'], TMPDIR: process.env['TMPDIR'] },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const started = Promise.withResolvers<Extract<FromKeeper, { kind: 'started' }>>();
  const exited = Promise.withResolvers<{ readonly reason: string }>();
  const gone = Promise.withResolvers<void>();
  let reason: string | null = null;
  let words = '';
  let isStopping = false;
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-KEPT_WORDS_CHARACTERS);
  });
  child.on('message', (raw) => {
    const message = parseFromKeeper(raw);
    if (message?.kind === 'started') started.resolve(message);
    if (message?.kind === 'failed') started.reject(faultOf(message));
    if (message?.kind === 'log') log[message.level](message.text);
    if (message?.kind === 'ended') reason = message.reason;
  });
  child.once('error', (error) =>
    started.reject(new StoreRefused(`The database's keeper did not start: ${error.message}`, error)),
  );
  child.once('close', (code, killedBy) => {
    reason ??= `its keeper ended with ${killedBy ?? `exit code ${code}`}${words === '' ? '' : `: ${words.trim()}`}`;
    started.reject(new StoreRefused(`Embedded PostgreSQL did not start: ${reason}`));
    if (!isStopping) exited.resolve({ reason });
    gone.resolve();
  });
  async function stop(): Promise<void> {
    isStopping = true;
    if (child.connected) child.send({ kind: 'stop' }, () => {});
    const killer = setTimeout(() => killGroup(child), STOP_DEADLINE_MS);
    await gone.promise;
    clearTimeout(killer);
    await rm(join(dataDir, CONNECTION_FILE), { force: true });
  }
  const { port, password } = await started.promise;
  return { exited: exited.promise, urlOf: (database) => `postgres://postgres:${password}@127.0.0.1:${port}/${database}`, stop };
}

function faultOf({ fault, text }: Extract<FromKeeper, { kind: 'failed' }>): Fault {
  return fault === 'data_dir_in_use' ? new InUse(fault, text) : new StoreRefused(text);
}

/** The keeper leads its own process group: PostgreSQL goes with it. */
function killGroup(child: ChildProcess): void {
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGKILL');
}

async function createDatabase(connectionString: string): Promise<void> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: CONNECT_DEADLINE_MS });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
  } finally {
    await client.end();
  }
}
