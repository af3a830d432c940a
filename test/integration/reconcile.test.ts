/** `surgewatch reconcile` on a real PostgreSQL: nothing differs of what was stored, and each difference is named. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createPartitionKeeper } from '../../src/store/partitions.ts';
import { type MigratedDatabase, startMigratedDatabase } from '../support/migrated-database.ts';
import { runVerb } from '../support/run-verb.ts';
import { type Population, storePopulation } from '../support/stored-population.ts';

const NOW_MS = Date.now();
const HOUR_MS = 3_600_000;

let migrated: MigratedDatabase;
let population: Population;
before(async () => {
  migrated = await startMigratedDatabase();
  population = await storePopulation(migrated.database, NOW_MS);
});
after(() => migrated.stop());

const query = (text: string, values?: readonly unknown[]) => migrated.server.query(text, values);
const reconcile = (...args: readonly string[]) =>
  runVerb(['reconcile', ...args], { DATABASE_URL: migrated.server.connectionString });

/** What differs after the statement, which is then undone by the other one. */
async function differences(change: string, undo: string): Promise<readonly string[]> {
  await query(change);
  const { code, out } = await reconcile();
  await query(undo);
  assert.equal(code, 1, out);
  return out.split('\n').flatMap((line) => (line.startsWith('differs') ? [line.slice('differs'.length).trim()] : []));
}

test('of every kind of envelope that two replicas stored nothing differs, whole and in any span', async () => {
  const whole = await reconcile();
  assert.equal(whole.code, 0, whole.out + whole.err);
  assert.match(
    whole.out,
    new RegExp(`^rows +${population.rowCount}, 0 more were removed since\ncounters +\\d+ \\(one\\) \\+ \\d+ \\(two\\)\n`),
  );
  assert.match(whole.out, /\nNothing differs\.\n$/);
  const span = await reconcile('--from', '31h', '--to', '29h');
  assert.match(span.out, /^rows +9 in the span/);
  assert.equal(span.code, 0, span.out);
  assert.equal((await reconcile('--from', '1h', '--to', '2h')).code, 2);
});

test('a row that was not counted, a count without a row, a wrong counter: each is named by its place and both numbers', async () => {
  const row = `'req_extra', 'TOKEN_EXPIRED', (now() at time zone 'UTC')::date, date_trunc('minute', now()), now(), 401, 'kafka', 'm', '{}'`;
  const insert = `insert into envelope (request_id, code, day, occurred_at, received_at, status, source, message, details, redaction_version) select ${row}, 1`;
  assert.deepEqual(
    (await differences(insert, `delete from envelope where request_id = 'req_extra'`)).map((each) => each.replace(/^\S+Z/, 'T')),
    ['T TOKEN_EXPIRED: 1 rows, 0 counted', 'errors_total TOKEN_EXPIRED 401: counters say 3, 4 rows'],
  );
  const bucket = `where code = 'STATED' and replica_id = 'one'`;
  const counted = await differences(
    `update bucket_count set error_count = error_count + 1 ${bucket}`,
    `update bucket_count set error_count = error_count - 1 ${bucket}`,
  );
  assert.match(counted[0] ?? '', /^counters of 2 replicas say (\d+), counted in buckets were \d+$/);
  assert.ok(counted.length > 1);
  for (const each of counted.slice(1)) assert.match(each, /^\d{4}-\S+Z STATED: (\d) rows, (\d) counted$/);

  const total = `where code = '_other' and lane = (select min(lane) from error_total where code = '_other')`;
  const counter = await differences(
    `update error_total set total = total - 2 ${total}`,
    `update error_total set total = total + 2 ${total}`,
  );
  assert.match(counter[0] ?? '', /^counters of 2 replicas say/);
  assert.match(counter[1] ?? '', /^errors_total _other _other: counters say (\d+), (\d+) rows$/);

  const ahead = "where is_clock_ahead and bucket_start < now() + interval '1 day'";
  const moved = await differences(
    `update bucket_count set is_clock_ahead = false ${ahead}`,
    `update bucket_count set is_clock_ahead = true where bucket_start > now() + interval '10 minutes'`,
  );
  assert.ok(
    moved.some((each) => /any code \(clock ahead\): \d rows, 0 counted$/.test(each)),
    moved.join('\n'),
  );
});

test('a wrong count or counter of a validation field is named', async () => {
  const field = `where field = 'password' and sub_code = 'MIN_LENGTH'`;
  const counted = await differences(
    `update field_count set error_count = error_count + 1 ${field}`,
    `update field_count set error_count = error_count - 1 ${field}`,
  );
  assert.equal(counted.filter((each) => /^\S+Z password MIN_LENGTH: 1 rows, 2 counted$/.test(each)).length, 3);
  assert.ok(counted.includes('validation_field_errors_total password MIN_LENGTH: counters say 3, counted in buckets were 6'));
  const other = `where field = '_other'`;
  const counter = await differences(
    `update field_total set total = total + 5 ${other}`,
    `update field_total set total = total - 5 ${other}`,
  );
  assert.match(counter.join(), /^validation_field_errors_total _other _other: counters say \d+, counted in buckets were \d+$/);
});

test('thousands of differences are told by some and their number', async () => {
  const out = await differences(
    'update bucket_count set error_count = error_count + 1',
    'update bucket_count set error_count = error_count - 1',
  );
  assert.ok(out.length <= 50);
  assert.ok(
    out.some((each) => /^\d{4}-\d\d-\d\d: \d+ more places differ$/.test(each)),
    out.join('\n'),
  );
});

test('what retention removes, table partitions and rows of clocks far off alike, is accounted for', async () => {
  const log = { warn: (_fields: object, text: string) => assert.fail(text) };
  // All of it came 40 days ago, as far as the default partition is concerned.
  await query(`update envelope set received_at = received_at - interval '40 days'`);
  const keeper = createPartitionKeeper({ database: migrated.database, retentionDays: 1, log });
  await keeper.start();
  keeper.stop();
  const [left] = await query('select count(*)::int as rows from envelope');
  const removed = population.rowCount - Number(left?.['rows']);
  assert.ok(removed >= 9 + 3, 'the documented nine of a month ago and three clocks far off');
  const { code, out } = await reconcile();
  assert.equal(code, 0, out);
  assert.match(out, new RegExp(`, ${removed} more were removed since\n`));

  // An erasure that writes down what it takes is accounted for, one that does not is named by its day.
  const day = new Date(NOW_MS - 2 * HOUR_MS).toISOString().slice(0, 10);
  await query(`delete from envelope where request_id in (select request_id from envelope where code = 'CODE_7')`);
  assert.match((await reconcile()).out, /^differs +\S+Z CODE_7: 0 rows, 1 counted$/m);
  await query(`insert into removed_count values ($1, 'erase', 1)`, [day]);
  assert.equal((await reconcile()).code, 0);
  await query(`update removed_count set row_count = 2 where reason = 'erase'`);
  assert.match(
    (await reconcile()).out,
    new RegExp(`^differs +${day}: \\d+ rows and 2 removed ones, \\d+ counted and 0 counts removed$`, 'm'),
  );
});
