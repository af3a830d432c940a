/** `surgewatch export` and `import` of what it wrote into another database: rows, counts and lookups are the same. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { createLookupStore } from '../../src/store/lookup-store.ts';
import { type MigratedDatabase, startMigratedDatabase } from '../support/migrated-database.ts';
import { runVerb } from '../support/run-verb.ts';
import { type Population, storePopulation } from '../support/stored-population.ts';
import { makeTempDir, type TempDir } from '../support/temp-dir.ts';

const NOW_MS = Date.now() - 1_000;
const ROWS = 'select * from envelope order by request_id, code, day';
// Of a clock ahead the code is counted by name only once it came on time: nobody reads that, and it may differ.
const COUNTS = [
  'select case when not is_clock_ahead then code end as code, bucket_start, is_clock_ahead, sum(error_count)::int as errors from bucket_count group by 1, 2, 3 order by 1, 2, 3',
  'select field, sub_code, bucket_start, is_clock_ahead, sum(error_count)::int as errors from field_count group by 1, 2, 3, 4 order by 1, 2, 3, 4',
  'select code, status, sum(total)::int as total from error_total group by 1, 2 order by 1, 2',
  'select field, sub_code, sum(total)::int as total from field_total group by 1, 2 order by 1, 2',
  'select code, status from error_series order by 1, 2',
  'select field, sub_code from field_series order by 1, 2',
] as const;

let from: MigratedDatabase;
let to: MigratedDatabase;
let dir: TempDir;
let population: Population;
before(async () => {
  from = await startMigratedDatabase();
  to = await startMigratedDatabase();
  dir = makeTempDir('export');
  population = await storePopulation(from.database, NOW_MS);
});
after(async () => {
  await from.stop();
  await to.stop();
  dir.remove();
});

const envOf = ({ server }: MigratedDatabase) => ({ DATABASE_URL: server.connectionString });

test('what is exported and imported into another database is the same there: rows, counts, names, lookups', async () => {
  const file = join(dir.path, 'all.ndjson.zst');
  const exported = await runVerb(['export', '--out', file], envOf(from));
  assert.equal(exported.code, 0, exported.err);
  assert.match(exported.err, new RegExp(`${population.rowCount} envelopes exported`));
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const imported = await runVerb(['import', file], envOf(to));
  assert.match(imported.out, new RegExp(`stored +${population.rowCount}\nduplicate +0\nrejected +0\n`));

  assert.deepEqual(await to.server.query(ROWS), await from.server.query(ROWS));
  for (const text of COUNTS) assert.deepEqual(await to.server.query(text), await from.server.query(text), text);
  const others = await to.server.query("select sum(total)::int as total from error_total where code = '_other'");
  assert.ok(Number(others[0]?.['total']) > 50, 'there are more codes than names');

  const options = { retentionDays: 30, kafkaTopic: null };
  const [here, there] = [createLookupStore(from.database, options), createLookupStore(to.database, options)];
  for (const id of population.requestIds) assert.deepEqual(await there.findRequest(id), await here.findRequest(id));
  assert.deepEqual(await there.countCodes(NOW_MS), await here.countCodes(NOW_MS));
  assert.deepEqual(await there.listEnvelopes({ limit: 100 }, NOW_MS), await here.listEnvelopes({ limit: 100 }, NOW_MS));
});

test('an export of the import is the same lines, and stdout, gzip and zstd hold the same', async () => {
  const plain = await runVerb(['export'], envOf(from));
  const again = await runVerb(['export'], envOf(to));
  assert.equal(again.out, plain.out);
  assert.equal(zstdDecompressSync(readFileSync(join(dir.path, 'all.ndjson.zst'))).toString(), plain.out);
  assert.equal(plain.out.split('\n').length - 1, population.rowCount);
  assert.ok(!/"typed"|4111 1111|example\.com/.test(plain.out), 'redacted as it is stored');
});

test('--from and --to choose by when it occurred', async () => {
  const at = (agoHours: number) => new Date(NOW_MS - agoHours * 3_600_000).toISOString();
  const { out, err } = await runVerb(['export', '--from', at(31), '--to', at(29)], envOf(from));
  assert.match(err, /^9 envelopes exported/);
  assert.equal(out.split('\n').length - 1, 9, 'the documented nine of thirty hours ago');
});

test('an output that cannot be written, a span that is none, and a file that is cut short leave nothing behind', async () => {
  const nowhere = await runVerb(['export', '--out', join(dir.path, 'no', 'x.ndjson')], envOf(from));
  assert.deepEqual([nowhere.code, nowhere.err], [1, 'surgewatch: the output cannot be written (ENOENT)\n']);
  assert.equal((await runVerb(['export', '--from', '1d', '--to', '2d'], envOf(from))).code, 2);
  assert.equal((await runVerb(['export', '--from', 'soon'], envOf(from))).code, 2);
  assert.deepEqual(readdirSync(dir.path), ['all.ndjson.zst']);
});
