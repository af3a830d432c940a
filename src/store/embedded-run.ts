/** Runs one short program to its end under PostgreSQL's account. Its words are kept only to explain a failure. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import type { Account } from './embedded-account.ts';

/** Enough of a program's last words to explain a fault in one log line. */
const LAST_WORDS_CHARACTERS = 600;

export interface Run {
  readonly account: Account;
  readonly program: string;
  readonly args: readonly string[];
  readonly signal: AbortSignal;
}

/** Resolves at exit code 0. @throws Error with the program's last words otherwise, or when `signal` fires. */
export async function runProgram({ account, program, args, signal }: Run): Promise<void> {
  const [command = program, ...rest] = [...account.prefix, program, ...args];
  const child = spawn(command, rest, {
    ...account.spawnAs,
    cwd: '/',
    env: programEnv(),
    stdio: ['ignore', 'ignore', 'pipe'],
    signal,
  });
  const ended = new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, killedBy) => resolve(killedBy ?? `exit code ${code}`));
  });
  const [words, end] = await Promise.all([text(child.stderr), ended]);
  if (end !== 'exit code 0') throw new Error(`${program} failed (${end}): ${lastWords(words)}`);
}

/** PostgreSQL reads PGPORT, PGDATA and more from the environment: it gets none of ours but PATH. */
export function programEnv(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' };
}

export function lastWords(words: string): string {
  return words.trim().replaceAll(/\s+/g, ' ').slice(-LAST_WORDS_CHARACTERS) || 'it said nothing';
}
