/** `surgewatch import` as a shell sees it, on a real PostgreSQL: everything once, whatever is repeated, cut off or killed. */
import assert from 'node:assert/strict';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { type EnvelopeParts, envelope, envelopes, ndjson } from '../support/envelopes.ts';
import { type MigratedDatabase, startMigratedDatabase } from '../support/migrated-database.ts';
import { runVerb, startVerb } from '../support/run-verb.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';
import { waitFor } from '../support/wait-for.ts';

const DEADLINE_MS = 30_000;
const SECRET = 'canary-9f1c';

let migrated: MigratedDatabase;
let dir: TempDir;
let env: Readonly<Record<string, string>>;
before(async () => {
  migrated = await startMigratedDatabase();
  dir = makeTempDir('import');
  env = { DATABASE_URL: migrated.server.connectionString };
});
after(async () => {
  await migrated.stop();
  dir.remove();
});
beforeEach(async () => {
  await migrated.server.query(
    'truncate envelope, bucket_count, error_total, dead_letter, late_code, field_count, field_total, collected_span, import_progress, replica',
  );
});

const numberOf = async (text: string) => Number(Object.values((await migrated.server.query(text))[0] ?? {})[0]);
const rows = () => numberOf('select count(*) from envelope');
function write(name: string, content: string | Uint8Array): string {
  const path = join(dir.path, name);
  writeFileSync(path, content);
  return path;
}
const lines = (count: number, parts: Omit<EnvelopeParts, 'requestId'> = {}) => ndjson(envelopes(count, parts));

test('each envelope is stored once and counted once under the id import, what is none is a dead letter by file and line', async () => {
  const one = envelope({ code: 'PAYMENT_FAILED', context: { client: 'c1' } });
  const path = write('mixed.ndjson', `${ndjson([one])}\n \r\n{"password":"${SECRET}"}\n${lines(2)}${ndjson([one])}`);
  const first = await runVerb(['import', path], env);
  assert.deepEqual([first.code, first.err], [0, '']);
  assert.match(first.out, /stored +3\nduplicate +1\nrejected +1\n {2}status: 1 \(line 4\)/);
  assert.ok(!`${first.out}${first.err}`.includes(SECRET));
  const second = await runVerb(['import', path], env);
  assert.match(second.out, /stored +0\nduplicate +4\nrejected +1/);

  assert.equal(await rows(), 3);
  assert.equal(await numberOf(`select sum(error_count) from bucket_count where replica_id = 'import'`), 3);
  assert.equal(await numberOf(`select sum(total) from error_total where replica_id = 'import'`), 3);
  const [letter, ...others] = await migrated.server.query('select source, topic, kafka_offset, reason from dead_letter');
  assert.deepEqual(others, []);
  assert.match(String(letter?.['topic']), /^file:[0-9a-f]{64}$/);
  assert.deepEqual([letter?.['source'], letter?.['kafka_offset'], letter?.['reason']], ['file', '4', 'status']);
  assert.deepEqual(await migrated.server.query('select distinct source from envelope'), [{ source: 'file' }]);
  assert.equal(await numberOf('select count(*) from import_progress'), 0);
});

test('gzip, zstd of one frame and of several, and stdin are read like the plain file, told by their bytes', async () => {
  const [one, two] = [lines(700), lines(800)];
  const parts = [Buffer.from(one), Buffer.from(two)];
  const packed: readonly (readonly [string, Uint8Array])[] = [
    ['gzip', gzipSync(one + two)],
    ['gzip of two members', Buffer.concat(parts.map((part) => gzipSync(part)))],
    ['zstd', zstdCompressSync(one + two)],
    ['zstd of two frames', Buffer.concat(parts.map((part) => zstdCompressSync(part)))],
  ];
  for (const [what, bytes] of packed) {
    await migrated.server.query('truncate envelope');
    assert.match((await runVerb(['import', write('packed', bytes)], env)).out, /stored +1500\n/, what);
    await migrated.server.query('truncate envelope');
    assert.match((await runVerb(['import', '-'], env, bytes)).out, /stored +1500\n/, `${what} on stdin`);
  }
});

test('a file that breaks off is exit code 1; what could be read of it is stored', async () => {
  for (const [what, bytes] of [
    ['gzip', gzipSync(lines(3000)).subarray(0, -20)],
    ['zstd', zstdCompressSync(lines(3000)).subarray(0, -2)],
    ['not zstd after all', Buffer.concat([zstdCompressSync(lines(3000)), Buffer.from('nothing')])],
  ] as const) {
    await migrated.server.query('truncate envelope');
    const { code, err, out } = await runVerb(['import', write('cut', bytes)], env);
    assert.equal(code, 1, what);
    assert.match(err, /^surgewatch: the input breaks off: Z/, what);
    const stored = Number(/stored +(\d+)/.exec(out)?.[1]);
    assert.ok(stored > 0, `${what}: ${out}`);
    assert.equal(await rows(), stored, what);
  }
});

test('a line longer than any envelope is rejected without being held, its neighbours are stored', async () => {
  const bomb = gzipSync(
    Buffer.concat([Buffer.from(lines(1)), Buffer.alloc(300 * 1024 * 1024, 0x61), Buffer.from(`\n${lines(1)}`)]),
  );
  const { code, out } = await runVerb(['import', write('bomb', bomb)], { ...env, NODE_OPTIONS: '--max-old-space-size=100' });
  assert.equal(code, 0);
  assert.match(out, /stored +2\nduplicate +0\nrejected +1\n {2}too_large: 1 \(line 2\)/);
  assert.equal(await numberOf('select max(size_bytes) from dead_letter'), 1024 * 1024 + 1);
});

test('an import that is killed goes on where it stopped: nothing is lost, nothing doubled', async () => {
  const path = write('killed.ndjson', lines(200_000));
  const killed = startVerb(['import', path], env);
  await waitFor(async () => (await numberOf('select coalesce(max(line_count), 0) from import_progress')) > 0, {
    deadlineMs: DEADLINE_MS,
    what: 'progress to be written down',
  });
  killed.signal('SIGKILL');
  await killed.ended;
  assert.ok((await rows()) < 200_000, 'it was killed half way');
  const { code, out, err } = await runVerb(['import', path], env);
  assert.equal(code, 0, err);
  const [, behind] = /came to line (\d+)/.exec(err) ?? [];
  const counts = [...out.matchAll(/^(?:stored|duplicate) +(\d+)/gm)].map(([, count]) => Number(count));
  assert.equal(Number(behind) + counts.reduce((sum, count) => sum + count, 0), 200_000, 'it began behind what was done');
  assert.equal(await rows(), 200_000);
  assert.equal(await numberOf('select sum(total) from error_total'), 200_000);
  assert.equal(await numberOf('select sum(error_count) from bucket_count'), 200_000);
});

test('Ctrl-C ends it cleanly, says where, and the same command goes on', async () => {
  const path = write('stopped.ndjson', lines(60_000));
  const stopped = startVerb(['import', path], env);
  await waitFor(async () => (await rows()) > 0, { deadlineMs: DEADLINE_MS, what: 'the first rows' });
  stopped.signal('SIGINT');
  const first = await stopped.ended;
  assert.equal(first.code, 1);
  const [, behind] = /Stopped behind line (\d+)/.exec(first.err) ?? [];
  assert.equal(await rows(), Number(behind));
  assert.equal(await numberOf(`select count(*) from replica where replica_id = 'import'`), 0, 'its id is given back');
  const second = await runVerb(['import', path], env);
  assert.match(second.err, new RegExp(`came to line ${behind};`));
  assert.match(second.out, new RegExp(`stored +${60_000 - Number(behind)}\nduplicate +0\n`));
});

test('two imports at once would share their counters: the second says who holds the id and exits 1', async () => {
  await migrated.server.query(`insert into replica values ('import', 'other', 'another-host', now(), now() + interval '1 hour')`);
  const { code, err } = await runVerb(['import', write('one.ndjson', lines(1))], env);
  assert.equal(code, 1);
  assert.match(err, /import is held by a process on another-host/);
});

test('a file that is not there, and one in which nothing is an envelope, are exit code 1; no file is usage', async () => {
  const missing = await runVerb(['import', join(dir.path, 'nowhere')], env);
  assert.equal(missing.code, 1);
  assert.match(missing.err, /nowhere cannot be read/);
  assert.doesNotMatch(missing.err, /\n\s+at /);
  assert.equal((await runVerb(['import', write('none', 'a\nb\n')], env)).code, 1);
  assert.equal((await runVerb(['import', write('empty', '')], env)).code, 0);
  assert.equal((await runVerb(['import'], env)).code, 2);
});

test('what it covers is collected time, without a stretch in which the file has nothing', async () => {
  const now = Date.now();
  const at = (hours: number) => envelope({ timestamp: new Date(now - hours * 3_600_000) });
  const path = write('spans.ndjson', ndjson([200, 199, 100, 90, 80].map(at)));
  appendFileSync(path, ndjson([envelope({ timestamp: new Date(now + 48 * 3_600_000) })]));
  assert.equal((await runVerb(['import', path], env)).code, 0);
  const spans = await migrated.server.query(
    'select extract(epoch from ended_at - started_at)::float8 / 3600 as hours from collected_span order by started_at',
  );
  assert.deepEqual(spans, [{ hours: 1 }, { hours: 20 }]);
});
