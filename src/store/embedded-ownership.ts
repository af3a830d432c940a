/**
 * One owner per data directory. The owner listens on a socket named after the directory; the name is free again the
 * moment the owner is gone, however it went, so nothing stale is ever left to clean up and nothing can be misread.
 * Who connects is told the owner's pid, so that a refused start can say by whom.
 * Known limit: the name is known within one machine (one network namespace), not across containers that share a volume.
 */
import { createHash } from 'node:crypto';
import { realpath, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { InUse } from '../errors.ts';

const POLL_MS = 100;
/** An owner answers at once; one that does not within this time is alive but cannot say who it is. */
const ANSWER_DEADLINE_MS = 1_000;

export interface Claim {
  readonly dataDir: string;
  /** The process that others are told of: the service, not its keeper. */
  readonly ownerPid: number;
  readonly waitMs: number;
  readonly signal: AbortSignal;
  readonly onWait: (text: string) => void;
}

/**
 * Holds the directory until this process ends.
 * @throws InUse (`data_dir_in_use`) when another process still holds it after `waitMs`.
 */
export async function claimDataDir({ dataDir, ownerPid, waitMs, signal, onWait }: Claim): Promise<void> {
  const name = socketName(await realpath(dataDir));
  const deadlineMs = performance.now() + waitMs;
  let hasSaid = false;
  while (!(await tryListen(name, ownerPid))) {
    const owner = await askOwner(name);
    if (owner === null) continue;
    const text = `DATA_DIR ${dataDir} is in use by ${owner}`;
    if (performance.now() >= deadlineMs) throw new InUse('data_dir_in_use', `${text}; stop it, or choose another DATA_DIR`);
    if (!hasSaid) onWait(`${text}; waiting up to ${Math.ceil(waitMs / 1000)} s for it to end`);
    hasSaid = true;
    await delay(POLL_MS, undefined, { signal });
  }
}

function socketName(path: string): string {
  const name = `surgewatch-${createHash('sha256').update(path).digest('hex').slice(0, 32)}`;
  return process.platform === 'linux' ? `\0${name}` : join(tmpdir(), `${name}.sock`);
}

async function tryListen(name: string, ownerPid: number): Promise<boolean> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.end(`${ownerPid}\n`);
  });
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  server.once('listening', () => resolve(true));
  server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(false) : reject(error)));
  server.listen(name);
  // The claim alone must not keep the process alive.
  server.unref();
  return promise;
}

/** Answers who holds the name, or null when it has just become free. */
async function askOwner(name: string): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  let answer = '';
  const socket = connect(name);
  socket.setEncoding('utf8').setTimeout(ANSWER_DEADLINE_MS, () => socket.destroy());
  socket.on('data', (text: string) => {
    answer += text;
  });
  socket.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(freeStaleFile(name));
  });
  socket.once('close', () => resolve(/^\d+\n$/.test(answer) ? `process ${answer.trim()}` : 'a process that does not answer'));
  return promise;
}

/** Only where the name is a file does a killed owner leave it behind. */
async function freeStaleFile(name: string): Promise<null> {
  if (!name.startsWith('\0')) await rm(name, { force: true });
  return null;
}
