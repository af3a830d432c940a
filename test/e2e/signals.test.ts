/** What signals do: one to npm must reach the service, which npm is known to swallow; a second one ends what hangs. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { envelope } from '../support/envelopes.ts';
import { findFreePort, isPortOpen } from '../support/free-port.ts';
import { startTestDatabase } from '../support/postgres.ts';
import { startProcess } from '../support/real-process.ts';
import { startSurgewatch } from '../support/surgewatch-process.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { waitFor } from '../support/wait-for.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const READY_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 10_000;
/** Less than a stop that hangs may take. */
const HELD_UP_MS = 6_000;

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} to npm ends the service cleanly, and PostgreSQL with it`, async () => {
    const dir = makeTempDir('npm-start');
    const dataDir = join(dir.path, 'data');
    const port = await findFreePort();
    const url = `http://127.0.0.1:${port}`;
    const { PATH, HOME } = process.env;
    const env = { PATH, HOME, PORT: String(port), DATA_DIR: dataDir };
    const npm = await startProcess({ command: 'npm', args: ['start'], cwd: root, env });
    try {
      const isReady = async () => (await fetch(`${url}/health/ready`)).ok;
      await waitFor(isReady, { deadlineMs: READY_DEADLINE_MS, what: 'npm start to serve' });
      const headers = { 'content-type': 'application/json' };
      const stored = await fetch(`${url}/v1/envelopes`, { method: 'POST', headers, body: JSON.stringify(envelope()) });
      assert.equal(stored.status, 200);
      const startedMs = performance.now();
      await npm.stop(signal);
      assert.ok(performance.now() - startedMs < STOP_DEADLINE_MS);
      // What npm leaves behind is killed with its group, and then PostgreSQL has no time to take this file away.
      assert.ok(!existsSync(join(dataDir, 'postgres', 'postmaster.pid')), 'PostgreSQL was stopped, not left behind');
    } finally {
      await npm.kill();
      dir.remove();
    }
  });
}

test('a second signal ends at once a stop that a frozen database holds up', async () => {
  const server = await startTestDatabase();
  const target = new URL(server.connectionString);
  const proxy = await startTcpProxy({ host: target.hostname, port: Number(target.port) });
  target.port = String(proxy.port);
  const service = await startSurgewatch({ env: { DATABASE_URL: target.href } });
  try {
    proxy.freeze();
    const startedMs = performance.now();
    process.kill(service.pid, 'SIGTERM');
    const isStopping = async () => !(await isPortOpen(service.port));
    await waitFor(isStopping, { deadlineMs: STOP_DEADLINE_MS, what: 'the service to take no more' });
    process.kill(service.pid, 'SIGTERM');
    assert.equal(await service.exited, 1);
    assert.ok(performance.now() - startedMs < HELD_UP_MS, 'it did not wait for the deadline of a stop');
  } finally {
    await service.kill9();
    await proxy.stop();
    await server.stop();
  }
});
