/**
 * The keeper: the process between the service and its PostgreSQL. It has its own session, so Ctrl-C reaches only the
 * service, which may still drain into a living database; and it outlives a killed service just long enough to stop
 * PostgreSQL properly. It ends when told to, when the channel to the service breaks, or when PostgreSQL ends by itself.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { InUse } from '../errors.ts';
import { chooseAccount } from './embedded-account.ts';
import { findPrograms, prepareCluster } from './embedded-cluster.ts';
import { CONNECTION_FILE } from './embedded-connection-file.ts';
import { type FromKeeper, isRecord, isStop } from './embedded-messages.ts';
import { claimDataDir } from './embedded-ownership.ts';
import { type Server, startServer } from './embedded-server.ts';

const [, , dataDir = '', optionsJson = '{}'] = process.argv;
const stopping = new AbortController();
const { signal } = stopping;
let server: Server | null = null;

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => {});
process.on('message', (message) => {
  if (isStop(message)) stopping.abort();
});
process.on('disconnect', () => stopping.abort());
process.on('uncaughtException', (error) => {
  void endWith({ kind: 'ended', reason: error.message });
});

try {
  server = await start();
  if (server !== null) await keep(server);
} catch (error) {
  const text = error instanceof Error ? error.message : String(error);
  const fault = error instanceof InUse ? 'data_dir_in_use' : 'refused';
  await endWith(signal.aborted ? { kind: 'ended', reason: 'stopped while starting' } : { kind: 'failed', fault, text });
}

async function start(): Promise<Server> {
  const { waitMs, settings } = parseOptions(optionsJson);
  const onWait = (text: string) => log('warn', text);
  await claimDataDir({ dataDir, ownerPid: process.ppid, waitMs, signal, onWait });
  const programs = await findPrograms();
  const account = await chooseAccount(dataDir, programs.initdb, signal);
  const { clusterDir, password } = await prepareCluster({ dataDir, programs, account, signal, onWipe: onWait });
  const started = await startServer({ clusterDir, programs, account, settings, signal, log });
  tell({ kind: 'started', port: started.port, password });
  return started;
}

async function keep(running: Server): Promise<void> {
  const stopped = new Promise<null>((resolve) => {
    if (signal.aborted) resolve(null);
    signal.addEventListener('abort', () => resolve(null), { once: true });
  });
  const reason = await Promise.race([running.exited, stopped]);
  await endWith({ kind: 'ended', reason: reason === null ? 'stopped' : `PostgreSQL ended by itself (${reason})` });
}

/** The one way out: PostgreSQL is gone before we are, and nobody is left with the address of a dead database. */
async function endWith(message: FromKeeper): Promise<void> {
  await server?.stop();
  if (server !== null) await rm(join(dataDir, CONNECTION_FILE), { force: true });
  if (process.connected) process.send?.(message, () => process.exit(0));
  else process.exit(0);
}

function tell(message: FromKeeper): void {
  // A broken channel is noticed by 'disconnect'; what was to be said then has no hearer.
  if (process.connected) process.send?.(message, () => {});
}

function log(level: 'info' | 'warn', text: string): void {
  tell({ kind: 'log', level, text });
}

function parseOptions(json: string): { readonly waitMs: number; readonly settings: Readonly<Record<string, string>> } {
  const value: unknown = JSON.parse(json);
  const { waitMs, settings } = isRecord(value) ? value : {};
  const pairs = Object.entries(isRecord(settings) ? settings : {}).map(([name, setting]) => [name, String(setting)] as const);
  return { waitMs: typeof waitMs === 'number' ? waitMs : 0, settings: Object.fromEntries(pairs) };
}
