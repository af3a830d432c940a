/** The verbs as a shell sees them: what they print and how they exit. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runVerb } from '../support/run-verb.ts';
import { startSurgewatch } from '../support/surgewatch-process.ts';
import { makeTempDir } from '../support/temp-dir.ts';

test('help is fine, everywhere', async () => {
  for (const args of [
    ['--help'],
    ['serve', '--help'],
    ['backtest', '--help'],
    ['import', '--help'],
    ['export', '--help'],
    ['reconcile', '--help'],
    ['catalogue', 'check', '--help'],
  ]) {
    const { code, out } = await runVerb(args);
    assert.equal(code, 0, args.join(' '));
    assert.match(out, /Usage: surgewatch/);
  }
});

test('wrong usage is exit code 2: an unknown verb, an unknown option, a missing option, options that exclude each other', async () => {
  const both = ['backtest', '--counts', 'x', '--from', '1d'];
  for (const args of [['dance'], ['serve', '--dance'], ['backtest'], ['backtest', '--from', 'soon'], both])
    assert.equal((await runVerb(args)).code, 2, args.join(' '));
});

test('a fault is exit code 1 and says where it is', async () => {
  const { code, err } = await runVerb(['backtest', '--counts', '/does/not/exist']);
  assert.equal(code, 1);
  assert.doesNotMatch(err, /\n\s+at /);
});

test('config print shows what is in force and where it came from, secrets masked', async () => {
  const { code, out, err } = await runVerb(['config', 'print'], {
    PORT: '9',
    DATABASE_URL: 'postgres://me:canary@db/x',
    KAFKA_BROKER: 'x:1',
  });
  assert.equal(code, 0);
  assert.match(out, /^PORT +9 {2}\(environment\)$/m);
  assert.match(out, /^DATABASE_URL +\(secret\) {2}\(environment\)$/m);
  assert.match(out, /^HOST +127\.0\.0\.1 {2}\(default\)$/m);
  assert.match(err, /did you mean KAFKA_BROKERS/);
  assert.ok(!`${out}${err}`.includes('canary'));
});

test('the built-in catalogue is in order, and a mistake in a file is told by its line', async () => {
  const fine = await runVerb(['catalogue', 'check']);
  assert.equal(fine.code, 0);
  assert.match(fine.out, /9 codes, 15 statuses/);
  const dir = makeTempDir('catalogue');
  const file = join(dir.path, 'mine.yaml');
  writeFileSync(file, 'codes:\n  BROKEN:\n    status: 9000\n');
  const broken = await runVerb(['catalogue', 'check', file]);
  assert.equal(broken.code, 1);
  assert.match(broken.err, /mine\.yaml:3/);
  assert.ok(!broken.err.includes('9000'));
  dir.remove();
});

test("backtest finds the database by itself: the running service's, else it starts the one under DATA_DIR", async () => {
  const dir = makeTempDir('backtest-data');
  const dataDir = join(dir.path, 'data');
  const nothingStored = /^Nothing is stored between 20\d\d-/;
  const alone = await runVerb(['backtest', '--from', '1h'], { DATA_DIR: dataDir });
  assert.deepEqual([alone.code, alone.out], [0, '']);
  assert.match(alone.err, nothingStored);
  const service = await startSurgewatch({ dataDir });
  const beside = await runVerb(['backtest', '--from', '1h'], { DATA_DIR: dataDir });
  assert.deepEqual([beside.code, beside.out], [0, '']);
  assert.match(beside.err, nothingStored);
  await service.stop();
  dir.remove();
});

test('migrate brings the embedded database up to date, and finds nothing to do the second time', async () => {
  const dir = makeTempDir('migrate');
  const env = { DATA_DIR: join(dir.path, 'data') };
  assert.match((await runVerb(['migrate'], env)).out, /applied 0001_/);
  assert.match((await runVerb(['migrate'], env)).out, /nothing to do/);
  dir.remove();
});
