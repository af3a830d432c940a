/** The embedded PostgreSQL on real files and real processes: what a first, a second, a refused and a killed start leave. */
import assert from 'node:assert/strict';
import { chown, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { InUse } from '../../src/errors.ts';
import { readConnectionFile } from '../../src/store/embedded-connection-file.ts';
import { type EmbeddedPostgres, type EmbeddedPostgresOptions, startEmbeddedPostgres } from '../../src/store/embedded-postgres.ts';
import { isAlive, type RealProcess, runProcess, type StartProcess, startProcess } from '../support/real-process.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import { waitFor } from '../support/wait-for.ts';

const ownerProgram = fileURLToPath(new URL('../support/embedded-owner.ts', import.meta.url));
/** About one second on an idle machine; this only tells a start from a hang on a busy one. */
const FIRST_START_LIMIT_MS = 20_000;
const DEADLINE_MS = 20_000;
const isLinux = process.platform === 'linux';
const onlyLinux = { skip: isLinux ? false : 'reads /proc' };

describe('embedded PostgreSQL', () => {
  let dir: TempDir;
  let dataDir: string;
  before(() => {
    dir = makeTempDir('embedded');
    dataDir = join(dir.path, 'data');
  });
  after(() => dir.remove());

  test('a first start makes a cluster and answers queries, all of it private', async () => {
    const startedAtMs = performance.now();
    const postgres = await start(dataDir);
    const tookMs = performance.now() - startedAtMs;
    try {
      assert.match(postgres.connectionString, /^postgres:\/\/postgres:[\w-]{32}@127\.0\.0\.1:\d+\/surgewatch$/);
      await query(postgres.connectionString, 'CREATE TABLE kept (n int); INSERT INTO kept VALUES (42)');
      const settings = await query(
        postgres.connectionString,
        "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'listen_addresses', 'unix_socket_directories')",
      );
      assert.deepEqual(Object.fromEntries(settings.map(({ name, setting }) => [name, setting])), {
        fsync: 'on',
        synchronous_commit: 'on',
        listen_addresses: '127.0.0.1',
        unix_socket_directories: '',
      });
      assert.deepEqual(await readConnectionFile(dataDir), { connectionString: postgres.connectionString, pid: process.pid });
      for (const [name, mode] of [
        ['.', 0o700],
        ['postgres', 0o700],
        ['postgres-password', 0o600],
        ['connection.json', 0o600],
      ] as const) {
        assert.equal((await stat(join(dataDir, name))).mode & 0o777, mode, name);
      }
      assert.ok(tookMs < FIRST_START_LIMIT_MS, `took ${tookMs} ms`);
    } finally {
      await postgres.stop();
    }
    assert.equal(await readConnectionFile(dataDir), null);
  });

  test('a second start keeps the data and the password, and stop is safe twice and at once', async () => {
    const postgres = await start(dataDir);
    try {
      assert.deepEqual(await query(postgres.connectionString, 'SELECT n FROM kept'), [{ n: 42 }]);
    } finally {
      await Promise.all([postgres.stop(), postgres.stop()]);
      await postgres.stop();
    }
    await assertStopped(dataDir);
  });

  test('a wrong password is refused', async () => {
    const postgres = await start(dataDir);
    try {
      const wrong = postgres.connectionString.replace(/postgres:[\w-]{32}@/, 'postgres:wrong@');
      await assert.rejects(query(wrong, 'SELECT 1'), { code: '28P01' });
    } finally {
      await postgres.stop();
    }
  });

  test('a second owner is refused and told the pid of the first', async () => {
    const owner = await startOwner(dataDir);
    try {
      const said: string[] = [];
      const log = { info: () => {}, warn: (text: string) => said.push(text) };
      await assert.rejects(startEmbeddedPostgres({ dataDir, log, ownershipWaitMs: 300 }), (error) => {
        assert.ok(error instanceof InUse);
        assert.equal(error.code, 'data_dir_in_use');
        assert.ok(error.message.includes(`process ${owner.pid}`), error.message);
        return true;
      });
      assert.equal(said.length, 1);
    } finally {
      await owner.stop();
    }
  });

  test('a second owner waits for the first to end and then has the directory', async () => {
    const owner = await startOwner(dataDir);
    let isWaiting = false;
    const log = {
      info: () => {},
      warn: () => {
        isWaiting = true;
      },
    };
    const next = startEmbeddedPostgres({ dataDir, log });
    await waitFor(() => isWaiting, { deadlineMs: DEADLINE_MS, what: 'the second owner to wait' });
    await owner.stop();
    const postgres = await next;
    assert.deepEqual(await query(postgres.connectionString, 'SELECT n FROM kept'), [{ n: 42 }]);
    await postgres.stop();
  });

  test(
    'kill -9 of the service leaves no process and no postmaster.pid, and the next start has what was committed',
    onlyLinux,
    async () => {
      const owner = await startOwner(dataDir);
      const { postmaster, keeper } = await pidsOf(dataDir);
      await query(urlOf(owner), 'INSERT INTO kept VALUES (43)');
      await owner.killAlone();
      await waitFor(() => !isAlive(postmaster) && !isAlive(keeper), { deadlineMs: DEADLINE_MS, what: 'both processes to end' });
      await assertStopped(dataDir);
      const postgres = await start(dataDir);
      assert.deepEqual(await query(postgres.connectionString, 'SELECT n FROM kept ORDER BY n'), [{ n: 42 }, { n: 43 }]);
      await postgres.stop();
    },
  );

  test('kill -9 of the keeper is told to the service, and the next start stops the orphan and goes on', onlyLinux, async () => {
    const owner = await startOwner(dataDir);
    const { postmaster, keeper } = await pidsOf(dataDir);
    process.kill(keeper, 'SIGKILL');
    await owner.exited;
    assert.match(owner.output(), /exited its keeper ended with SIGKILL/);
    assert.ok(isAlive(postmaster), 'the orphan should still run');
    const postgres = await start(dataDir);
    assert.ok(!isAlive(postmaster), 'the orphan should be gone');
    assert.deepEqual(await query(postgres.connectionString, 'SELECT count(*)::int AS n FROM kept'), [{ n: 2 }]);
    await postgres.stop();
  });

  test('kill -9 of PostgreSQL is told to the service, and the next start recovers', onlyLinux, async () => {
    const owner = await startOwner(dataDir);
    const { postmaster } = await pidsOf(dataDir);
    await query(urlOf(owner), 'INSERT INTO kept VALUES (44)');
    process.kill(postmaster, 'SIGKILL');
    await owner.exited;
    assert.match(owner.output(), /exited PostgreSQL ended by itself \(SIGKILL/);
    const postgres = await start(dataDir);
    assert.deepEqual(await query(postgres.connectionString, 'SELECT count(*)::int AS n FROM kept'), [{ n: 3 }]);
    await postgres.stop();
  });

  test('a postmaster.pid that names a stranger neither stops the stranger nor the start', onlyLinux, async () => {
    const stranger = await startProcess({ command: process.execPath, args: ['-e', 'setInterval(() => {}, 1000)'] });
    try {
      const text = `${stranger.pid}\n${join(dataDir, 'postgres')}\n0\n1\n\n127.0.0.1\n\nready\n`;
      await writeFile(join(dataDir, 'postgres', 'postmaster.pid'), text);
      const postgres = await start(dataDir);
      await postgres.stop();
      assert.ok(stranger.isRunning());
    } finally {
      await stranger.kill();
    }
  });

  test('a cluster that was left half-made is made anew', async () => {
    await rm(join(dataDir, 'postgres', 'PG_VERSION'));
    await mkdir(join(dataDir, 'postgres-new'), { recursive: true });
    await writeFile(join(dataDir, 'postgres-new', 'half'), '');
    const said: string[] = [];
    const postgres = await start(dataDir, { info: () => {}, warn: (text) => said.push(text) });
    assert.deepEqual(await query(postgres.connectionString, "SELECT to_regclass('kept') AS kept"), [{ kept: null }]);
    await postgres.stop();
    assert.match(said.join('\n'), /no finished cluster/);
  });

  test('what cannot be a data directory is refused with what to do', async () => {
    const file = join(dir.path, 'a-file');
    await writeFile(file, '');
    await assert.rejects(start(join(file, 'data')), { code: 'database_refused', message: /set DATABASE_URL/ });
  });
});

describe('embedded PostgreSQL under another account', () => {
  test('runs as a normal user', async (t) => {
    const dir = makeTempDir('embedded-user');
    const user = await findNormalUser();
    if (user === null) return t.skip('no normal user can be made to read this checkout');
    if (user.uid !== undefined) await chown(dir.path, user.uid, -1);
    const data = join(dir.path, 'data');
    try {
      const owner = await startProcess(user.run(process.execPath, [ownerProgram, data]));
      await waitUntilReady(owner);
      assert.deepEqual(await query(urlOf(owner), 'SELECT 1 AS one'), [{ one: 1 }]);
      assert.equal(await owner.stop(), 0);
      await assertStopped(data);
    } finally {
      dir.remove();
    }
  });

  test('runs from below a directory that only its owner may enter', async () => {
    const dir = makeTempDir('embedded-private');
    try {
      // mkdtemp makes it 0700.
      const postgres = await start(join(dir.path, 'deeper', 'data'));
      assert.deepEqual(await query(postgres.connectionString, 'SELECT 1 AS one'), [{ one: 1 }]);
      await postgres.stop();
    } finally {
      dir.remove();
    }
  });
});

const quiet = { info: () => {}, warn: () => {} };

const started: EmbeddedPostgres[] = [];
// A failed test must not keep the directory from the next one.
afterEach(async () => {
  for (const postgres of started.splice(0)) await postgres.stop();
});

async function start(dataDir: string, log: EmbeddedPostgresOptions['log'] = quiet): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({ dataDir, log });
  started.push(postgres);
  return postgres;
}

async function query(connectionString: string, text: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

async function startOwner(dataDir: string): Promise<RealProcess> {
  const owner = await startProcess({ command: process.execPath, args: [ownerProgram, dataDir] });
  await waitUntilReady(owner);
  return owner;
}

async function waitUntilReady(owner: RealProcess): Promise<void> {
  await waitFor(() => !owner.isRunning() || owner.output().includes('ready '), { deadlineMs: DEADLINE_MS, what: 'an owner' });
  assert.ok(owner.isRunning(), owner.output());
}

function urlOf(owner: RealProcess): string {
  return /ready (\S+)/.exec(owner.output())?.[1] ?? assert.fail(owner.output());
}

async function pidsOf(dataDir: string): Promise<{ readonly postmaster: number; readonly keeper: number }> {
  const postmaster = Number((await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0]);
  const status = await readFile(`/proc/${postmaster}/status`, 'utf8');
  return { postmaster, keeper: Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1]) };
}

async function assertStopped(dataDir: string): Promise<void> {
  for (const name of ['postgres/postmaster.pid', 'connection.json']) {
    await assert.rejects(stat(join(dataDir, name)), { code: 'ENOENT' }, name);
  }
}

interface NormalUser {
  readonly uid?: number;
  readonly run: (command: string, args: readonly string[]) => StartProcess;
}

const NOBODY_ID = 65_534;

/** Ourselves when we are a normal user; for root `nobody`, or root called nobody, or nobody with one capability, where only root may read. */
async function findNormalUser(): Promise<NormalUser | null> {
  if (process.getuid?.() !== 0) return { run: (command, args) => ({ command, args }) };
  const mapped = ['-U', `--map-user=${NOBODY_ID}`, `--map-group=${NOBODY_ID}`];
  const capable = [`--reuid=${NOBODY_ID}`, `--regid=${NOBODY_ID}`, '--clear-groups', '--securebits=+no_setuid_fixup'];
  capable.push('--inh-caps=+dac_override', '--ambient-caps=+dac_override');
  const candidates: readonly NormalUser[] = [
    { uid: NOBODY_ID, run: (command, args) => ({ command, args, uid: NOBODY_ID, gid: NOBODY_ID, cwd: '/' }) },
    { run: (command, args) => ({ command: 'unshare', args: [...mapped, command, ...args] }) },
    { uid: NOBODY_ID, run: (command, args) => ({ command: 'setpriv', args: [...capable, command, ...args] }) },
  ];
  for (const candidate of candidates) {
    const { code } = await runProcess(candidate.run(process.execPath, ['--check', ownerProgram])).catch(() => ({ code: 1 }));
    if (code === 0) return candidate;
  }
  return null;
}
