/** `npm start` as a supervisor runs it: a signal to npm must reach the service, which npm is known to swallow. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { envelope } from '../support/envelopes.ts';
import { findFreePort } from '../support/free-port.ts';
import { startProcess } from '../support/real-process.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { waitFor } from '../support/wait-for.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const READY_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 10_000;

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
