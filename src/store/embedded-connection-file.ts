/**
 * Where a running service's database can be found by another verb of ours on the same machine. Readable by its owner
 * only, because the address holds the password; it is there while the database is, and a pid tells a leftover apart.
 */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isRecord } from './embedded-messages.ts';

export const CONNECTION_FILE = 'connection.json';

export interface EmbeddedConnection {
  readonly connectionString: string;
  /** The service that runs the database. */
  readonly pid: number;
}

export async function writeConnectionFile(dataDir: string, connection: EmbeddedConnection): Promise<void> {
  const file = join(dataDir, CONNECTION_FILE);
  const newFile = `${file}.new`;
  await rm(newFile, { force: true });
  await writeFile(newFile, `${JSON.stringify(connection)}\n`, { mode: 0o600, flag: 'wx' });
  await rename(newFile, file);
}

/** Answers null when no service runs a database in this directory. */
export async function readConnectionFile(dataDir: string): Promise<EmbeddedConnection | null> {
  const text = await readFile(join(dataDir, CONNECTION_FILE), 'utf8').catch(() => 'null');
  const value: unknown = JSON.parse(text);
  if (!isRecord(value)) return null;
  const { connectionString, pid } = value;
  if (typeof connectionString !== 'string' || typeof pid !== 'number' || !isAlive(pid)) return null;
  return { connectionString, pid };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, as another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
