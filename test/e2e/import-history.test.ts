/** A month of history imported beside the running service: it is learnt in its own time, and nothing of it is told. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { queryNumber } from '../support/embedded-query.ts';
import { envelope, ndjson } from '../support/envelopes.ts';
import { readMetric } from '../support/metrics-text.ts';
import { runVerb } from '../support/run-verb.ts';
import { startSurgewatch } from '../support/surgewatch-process.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { waitFor } from '../support/wait-for.ts';

const DEADLINE_MS = 120_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** One catalogued, one that nobody has seen before. */
const CODES = ['PAYMENT_FAILED', 'QUOTA_EXCEEDED'] as const;
const STEP_MS = 2 * MINUTE_MS;
const SURGES_AGO_MS = [20 * DAY_MS, 3 * DAY_MS, 5 * HOUR_MS];
const SURGE_MS = 20 * MINUTE_MS;
const SURGE_FACTOR = 30;

const dir = makeTempDir('history');
after(() => dir.remove());

function history(nowMs: number): string {
  let lines = '';
  for (let agoMs = 29 * DAY_MS; agoMs > 2 * MINUTE_MS; agoMs -= STEP_MS) {
    const isSurge = SURGES_AGO_MS.some((startMs) => agoMs <= startMs && agoMs > startMs - SURGE_MS);
    for (const code of CODES) {
      const count = isSurge ? SURGE_FACTOR : 1;
      lines += ndjson(
        Array.from({ length: count }, (_, n) => envelope({ code, timestamp: new Date(nowMs - agoMs + n * 1_000) })),
      );
    }
  }
  return lines;
}

test('old surges and new codes of an import open nothing, and the running service then knows what is normal', async () => {
  const path = join(dir.path, 'month.ndjson');
  writeFileSync(path, history(Date.now()));
  const service = await startSurgewatch();
  try {
    const { code, out, err } = await runVerb(['import', path], { DATA_DIR: service.dataDir });
    assert.equal(code, 0, err);
    assert.match(out, /stored +\d{5}\nduplicate +0\nrejected +0\n/);
    const count = (text: string) => queryNumber(service.dataDir, text);
    const expected = await waitFor(
      async () => (await readMetric(service.url, 'surgewatch_expected_errors_per_second', { code: 'PAYMENT_FAILED' })) || null,
      { deadlineMs: DEADLINE_MS, what: 'a baseline' },
    );
    await waitFor(async () => (await count('select count(*)::int as count from late_code')) === 0, {
      deadlineMs: DEADLINE_MS,
      what: 'all of the history to be learnt',
    });
    assert.equal(await count('select count(*)::int as count from spike'), 0);
    const usual = 1000 / STEP_MS;
    assert.ok(expected > usual / 2 && expected < usual * 2, `${expected} expected where ${usual} a second are usual`);
    // What the running service counts is its own; what was imported is in its table under the id of the import.
    assert.equal(await readMetric(service.url, 'surgewatch_errors_total', { code: 'PAYMENT_FAILED' }), 0);
    assert.equal((await runVerb(['reconcile'], { DATA_DIR: service.dataDir })).code, 0);
  } finally {
    await service.stop();
  }
});
