/**
 * A real program as a child of the test: in its own process group, so that ending it ends what it started and nothing
 * else, and registered so that a test process that dies takes it along.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { endAfterTests } from './left-over.ts';

const KEPT_OUTPUT_CHARACTERS = 200_000;
const STOP_DEADLINE_MS = 15_000;

const groups = new Set<number>();
process.on('exit', () => {
  for (const pid of groups) killGroup(pid, 'SIGKILL');
});
// Without a listener a signal ends the process without its 'exit' event.
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.once(signal, () => process.exit(code));
}

export interface RealProcess {
  readonly pid: number;
  /** Resolves with the exit code, or 128 for a process ended by a signal. */
  readonly exited: Promise<number>;
  isRunning(): boolean;
  /** All of stdout and stderr, in the order it came. */
  output(): string;
  /** Sends the signal to the process, and SIGKILL to its whole group when it is still there after the deadline. */
  stop(signal?: NodeJS.Signals): Promise<number>;
  /** SIGKILL to the whole group. */
  kill(): Promise<number>;
  /** SIGKILL to this one process, as an out-of-memory killer would. */
  killAlone(): Promise<number>;
}

export interface StartProcess {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly uid?: number;
  readonly gid?: number;
}

export async function startProcess({ command, args, ...options }: StartProcess): Promise<RealProcess> {
  const child = spawn(command, args, { ...options, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-KEPT_OUTPUT_CHARACTERS);
    });
  }
  const exited = new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 128)));
  const pid = await pidOf(child);
  groups.add(pid);
  const forget = endAfterTests(kill);
  void exited.then(() => {
    killGroup(pid, 'SIGKILL');
    groups.delete(pid);
    forget();
  });
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  async function stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    if (isRunning()) child.kill(signal);
    const timer = setTimeout(() => killGroup(pid, 'SIGKILL'), STOP_DEADLINE_MS);
    const code = await exited;
    clearTimeout(timer);
    return code;
  }
  async function kill(): Promise<number> {
    if (isRunning()) killGroup(pid, 'SIGKILL');
    return exited;
  }
  async function killAlone(): Promise<number> {
    if (isRunning()) child.kill('SIGKILL');
    return exited;
  }
  return { pid, exited, isRunning, output: () => output, stop, kill, killAlone };
}

/** Runs a program to its end. */
export async function runProcess(start: StartProcess): Promise<{ readonly code: number; readonly output: string }> {
  const child = spawn(start.command, start.args, { ...start, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const closed = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? 128)));
  await pidOf(child);
  return { code: await closed, output };
}

async function pidOf(child: ChildProcess): Promise<number> {
  if (child.pid !== undefined) return child.pid;
  const error = await new Promise<Error>((resolve) => child.once('error', resolve));
  throw error;
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone already, which is what was wanted.
  }
}

/** True while the process runs. One that has ended but is not yet buried by its parent no longer does. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  return process.platform !== 'linux' || !/\) [ZX] /.test(readStat(pid));
}

function readStat(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return ') X ';
  }
}
