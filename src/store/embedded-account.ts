/**
 * As whom PostgreSQL runs. It refuses uid 0, so a root service needs another account, and which one can work depends on
 * the machine: permissions on every parent directory, the container's seccomp profile, user namespaces. Computing that is
 * guessing, so each candidate is tried with the real program on the real directory, and the first that works is taken.
 */
import { chown, lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { StoreRefused } from '../errors.ts';
import { runProgram } from './embedded-run.ts';

/** `nobody`. Not an arbitrary number: `initdb` demands that its uid has an entry in the list of users. */
const NOBODY_ID = 65_534;

export interface Account {
  /** Program and arguments put in front of every PostgreSQL program. */
  readonly prefix: readonly string[];
  readonly spawnAs: { readonly uid?: number; readonly gid?: number };
  /** Who must own the files; null: they are ours already. */
  readonly owner: { readonly uid: number; readonly gid: number } | null;
}

const PLAIN: Account = { prefix: [], spawnAs: {}, owner: null };

const CAPABILITY = 'dac_override';

interface Candidate extends Account {
  readonly name: string;
}

const ROOT_CANDIDATES: readonly Candidate[] = [
  {
    name: 'As nobody',
    prefix: [],
    spawnAs: { uid: NOBODY_ID, gid: NOBODY_ID },
    owner: { uid: NOBODY_ID, gid: NOBODY_ID },
  },
  // For a checkout or data below a directory that only root may enter: the files stay root's, root is called nobody.
  {
    name: 'In a user namespace',
    prefix: ['unshare', '-U', `--map-user=${NOBODY_ID}`, `--map-group=${NOBODY_ID}`],
    spawnAs: {},
    owner: { uid: 0, gid: 0 },
  },
  // The same place where user namespaces are forbidden, as in most containers: nobody, who may pass closed directories.
  {
    name: 'With a capability',
    prefix: [
      'setpriv',
      `--reuid=${NOBODY_ID}`,
      `--regid=${NOBODY_ID}`,
      '--clear-groups',
      // Without this bit access(2), which initdb asks about its own programs, leaves the capability out of account.
      '--securebits=+no_setuid_fixup',
      `--inh-caps=+${CAPABILITY}`,
      `--ambient-caps=+${CAPABILITY}`,
    ],
    spawnAs: {},
    owner: { uid: NOBODY_ID, gid: NOBODY_ID },
  },
];

/** @throws StoreRefused naming what each candidate met. */
export async function chooseAccount(dataDir: string, initdb: string, signal: AbortSignal): Promise<Account> {
  if (process.getuid?.() !== 0) return PLAIN;
  const faults: string[] = [];
  for (const candidate of ROOT_CANDIDATES) {
    const fault = await probe(candidate, { dataDir, initdb, signal });
    if (fault === null) return candidate;
    faults.push(`${candidate.name}: ${fault}`);
  }
  throw new StoreRefused(
    `PostgreSQL does not run as root and no other account can run it here. ${faults.join('. ')}. Start surgewatch as a normal user, or set DATABASE_URL`,
  );
}

interface ProbeInput {
  readonly dataDir: string;
  readonly initdb: string;
  readonly signal: AbortSignal;
}

async function probe(account: Account, { dataDir, initdb, signal }: ProbeInput): Promise<string | null> {
  const probeDir = join(dataDir, '.probe');
  await rm(probeDir, { recursive: true, force: true });
  await mkdir(probeDir, { mode: 0o700 });
  await own(dataDir, account);
  await own(probeDir, account);
  try {
    await runProgram({ account, program: initdb, args: ['--version'], signal });
    await runProgram({ account, program: 'touch', args: [join(probeDir, 'file')], signal });
    return null;
  } catch (error) {
    signal.throwIfAborted();
    return error instanceof Error ? error.message : String(error);
  } finally {
    await rm(probeDir, { recursive: true, force: true });
  }
}

async function own(path: string, { owner }: Account): Promise<void> {
  if (owner !== null) await chown(path, owner.uid, owner.gid);
}

/** Gives a tree to the account, if it is another's: the same data may be started by another account than last time. */
export async function ownTree(path: string, account: Account): Promise<void> {
  const { owner } = account;
  if (owner === null) return;
  const top = await lstat(path);
  if (top.uid === owner.uid && top.gid === owner.gid) return;
  const entries = top.isDirectory() ? await readdir(path, { recursive: true, withFileTypes: true }) : [];
  for (const entry of entries) {
    const inner = join(entry.parentPath, entry.name);
    // Tablespaces are links; what they point to is not ours to give away.
    if (!entry.isSymbolicLink()) await chown(inner, owner.uid, owner.gid);
  }
  // The top last: it is what the next start looks at, so a change that was interrupted is done again.
  await chown(path, owner.uid, owner.gid);
}
