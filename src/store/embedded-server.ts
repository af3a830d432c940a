/**
 * The running postmaster: an orphan of a killed keeper is stopped first, then one is started on a free loopback port and
 * watched until it ends. A start that dies at once is tried again, because a port may be taken between choosing and
 * binding it, and backends of a killed postmaster need a moment to let go of its shared memory.
 */
import { spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { StoreRefused } from '../errors.ts';
import type { Account } from './embedded-account.ts';
import type { Programs } from './embedded-cluster.ts';
import { availableMemoryBytes, cacheMegabytes } from './embedded-memory.ts';
import { lastWords, programEnv, runProgram } from './embedded-run.ts';

const START_TRIES = 4;
const RETRY_PAUSE_MS = 500;
const READY_POLL_MS = 20;
/** Crash recovery replays at most `max_wal_size`; this is generous for a slow disk. */
const READY_DEADLINE_MS = 120_000;
/** A fast shutdown writes a checkpoint; after this long PostgreSQL is told to quit without one and recovers at the next start. */
const FAST_STOP_DEADLINE_MS = 10_000;
const QUIT_DEADLINE_MS = 3_000;
const KEPT_LOG_CHARACTERS = 4_000;

/** Sized for a service that shares its machine; what a caller passes comes after and wins. */
const DEFAULT_SETTINGS: Readonly<Record<string, string>> = {
  shared_buffers: `${cacheMegabytes(availableMemoryBytes())}MB`,
  max_wal_size: '1GB',
  max_connections: '50',
  synchronous_commit: 'on',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
  // Statements, details and errors of clients can quote stored values; a log must not.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
};

export interface ServerInput {
  readonly clusterDir: string;
  readonly programs: Programs;
  readonly account: Account;
  readonly settings: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly log: (level: 'info' | 'warn', text: string) => void;
}

export interface Server {
  readonly port: number;
  /** Resolves with the reason when the postmaster is gone, asked for or not. */
  readonly exited: Promise<string>;
  /** Fast shutdown; resolves when the postmaster is gone. */
  stop(): Promise<void>;
}

/** @throws StoreRefused with PostgreSQL's own last words. */
export async function startServer(input: ServerInput): Promise<Server> {
  await stopOrphan(input);
  for (let tries = 1; ; tries += 1) {
    input.signal.throwIfAborted();
    const server = await launch(input);
    const fault = await waitUntilReady(server, input);
    if (fault === null) return server;
    if (tries === START_TRIES) throw new StoreRefused(`PostgreSQL does not start on ${input.clusterDir}: ${fault}`);
    await delay(RETRY_PAUSE_MS, undefined, { signal: input.signal });
  }
}

interface Launched extends Server {
  readonly pid: number | undefined;
  readonly words: () => string;
}

async function launch({ clusterDir, programs, account, settings, log }: ServerInput): Promise<Launched> {
  const port = await findFreePort();
  // After the caller's settings: nothing may open the server to the network.
  const fixed = { listen_addresses: '127.0.0.1', port: String(port), unix_socket_directories: '' };
  const all = Object.entries({ ...DEFAULT_SETTINGS, ...settings, ...fixed });
  const args = ['-D', clusterDir, ...all.flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  const [command = programs.postgres, ...rest] = [...account.prefix, programs.postgres, ...args];
  const child = spawn(command, rest, { ...account.spawnAs, cwd: '/', env: programEnv(), stdio: ['ignore', 'ignore', 'pipe'] });
  let words = '';
  let isStopping = false;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-KEPT_LOG_CHARACTERS);
    if (!isStopping && text.includes('PANIC:')) log('warn', `PostgreSQL: ${lastWords(text)}`);
  });
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, killedBy) => resolve(`${killedBy ?? `exit code ${code}`}: ${lastWords(words)}`));
  });
  async function stop(): Promise<void> {
    isStopping = true;
    child.kill('SIGINT');
    if (await isWithin(exited, FAST_STOP_DEADLINE_MS)) return;
    log('warn', 'PostgreSQL did not stop in time and is told to quit at once; the next start recovers');
    child.kill('SIGQUIT');
    if (await isWithin(exited, QUIT_DEADLINE_MS)) return;
    child.kill('SIGKILL');
    await exited;
  }
  return { port, pid: child.pid, exited, words: () => words, stop };
}

/** Waits for PostgreSQL's own word in postmaster.pid that it takes connections; answers null then, else what went wrong. */
async function waitUntilReady(server: Launched, { clusterDir, signal, log }: ServerInput): Promise<string | null> {
  const deadlineMs = performance.now() + READY_DEADLINE_MS;
  let end: string | null = null;
  void server.exited.then((reason) => {
    end = reason;
  });
  while (end === null) {
    const { pid, status } = await readPidFile(clusterDir);
    if (pid === server.pid && status === 'ready') return null;
    if (signal.aborted || performance.now() > deadlineMs) {
      await server.stop();
      signal.throwIfAborted();
      return `not ready after ${READY_DEADLINE_MS / 1000} s`;
    }
    await delay(READY_POLL_MS);
  }
  log('warn', `PostgreSQL ended while starting: ${end}`);
  return end;
}

/** A keeper killed with SIGKILL leaves its postmaster running; without stopping it nobody else may open the cluster. */
async function stopOrphan({ clusterDir, programs, account, signal, log }: ServerInput): Promise<void> {
  const { pid } = await readPidFile(clusterDir);
  if (pid === null) return;
  if (!(await isPostmasterOf(pid, clusterDir))) {
    // After a crash of the machine or a new container the pid may be anybody's: PostgreSQL would refuse to start,
    // and pg_ctl would send a signal to a stranger.
    await rm(join(clusterDir, 'postmaster.pid'), { force: true });
    return;
  }
  log('warn', `A PostgreSQL of a killed start (process ${pid}) still runs on ${clusterDir}: stopping it`);
  const args = ['-D', clusterDir, '-m', 'fast', '-w', 'stop'];
  await runProgram({ account, program: programs.pgCtl, args, signal }).catch(async (error: unknown) => {
    signal.throwIfAborted();
    if (await isPostmasterOf(pid, clusterDir))
      throw new StoreRefused(`Process ${pid} holds ${clusterDir} and does not stop`, error);
  });
}

/** True when the process runs PostgreSQL on this very directory. Where nothing tells, PostgreSQL's pid is believed. */
async function isPostmasterOf(pid: number, clusterDir: string): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
  }
  if (process.platform !== 'linux') return true;
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return commandLine.split('\0').includes(clusterDir);
}

async function readPidFile(clusterDir: string): Promise<{ readonly pid: number | null; readonly status: string }> {
  const text = await readFile(join(clusterDir, 'postmaster.pid'), 'utf8').catch(() => '');
  const lines = text.split('\n');
  const pid = Number(lines[0]);
  // Line 8 is PostgreSQL's own account of itself: starting, ready, stopping.
  return { pid: Number.isInteger(pid) && pid > 0 ? pid : null, status: (lines[7] ?? '').trim() };
}

async function findFreePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer();
  server.once('error', reject);
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    server.close(() => (address !== null && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port'))));
  });
  return promise;
}

async function isWithin(promise: Promise<unknown>, deadlineMs: number): Promise<boolean> {
  const timer = new AbortController();
  try {
    return await Promise.race([promise.then(() => true), delay(deadlineMs, false, { signal: timer.signal })]);
  } finally {
    timer.abort();
  }
}
