/** A verb as a shell runs it: what it prints and how it exits. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const ENTRY = fileURLToPath(new URL('../../src/surgewatch.js', import.meta.url));

export interface VerbRun {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export async function runVerb(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<VerbRun> {
  const child = spawn(process.execPath, [ENTRY, ...args], {
    // Nothing else of ours: a variable of the machine must not decide a test.
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await exited, out, err };
}
