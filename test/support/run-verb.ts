/** A verb as a shell runs it, to its end. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const ENTRY = fileURLToPath(new URL('../../src/surgewatch.js', import.meta.url));

export interface VerbRun {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface StartedVerb {
  readonly pid: number | undefined;
  readonly ended: Promise<VerbRun>;
  signal(name: NodeJS.Signals): void;
}

/** Nothing else of ours: a variable of the machine must not decide a test. */
export function startVerb(args: readonly string[], env: Readonly<Record<string, string>> = {}, stdin?: Uint8Array): StartedVerb {
  const child = spawn(process.execPath, [ENTRY, ...args], { env: { PATH: process.env['PATH'], ...env }, stdio: 'pipe' });
  child.stdin.on('error', () => {}); // A verb that ends early reads no further.
  child.stdin.end(stdin);
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const ended = Promise.all([exited, text(child.stdout), text(child.stderr)]).then(([code, out, err]) => ({ code, out, err }));
  return { pid: child.pid, ended, signal: (name) => void child.kill(name) };
}

export function runVerb(args: readonly string[], env?: Readonly<Record<string, string>>, stdin?: Uint8Array): Promise<VerbRun> {
  return startVerb(args, env, stdin).ended;
}
