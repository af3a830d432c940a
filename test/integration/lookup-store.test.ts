/** What lookups read, from a real PostgreSQL. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { EnvelopeFilter, LookupReader } from '../../src/http/ports.ts';
import type { Database } from '../../src/store/database.ts';
import { createLookupStore } from '../../src/store/lookup-store.ts';
import { type MigratedDatabase, startMigratedDatabase } from '../support/migrated-database.ts';
import type { TestDatabase } from '../support/postgres.ts';

const NOW_MS = Date.UTC(2026, 9, 14, 0, 10);
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

let migrated: MigratedDatabase;
let postgres: TestDatabase;
let database: Database;
let lookup: LookupReader;

before(async () => {
  migrated = await startMigratedDatabase();
  ({ server: postgres, database } = migrated);
  lookup = createLookupStore(database, { retentionDays: 30, kafkaTopic: 'api.errors.v1' });
});
after(() => migrated.stop());

async function store(id: string, code: string, atMs: number, more: { client?: string; service?: string; status?: number } = {}) {
  await postgres.query(
    `insert into envelope (request_id, code, day, occurred_at, received_at, status, source, message, details, client, service, redaction_version)
     values ($1, $2, $3, $4, $4, $5, 'webhook', 'said', '{"a":[1,{"b":null}]}', $6, $7, 1)`,
    [
      id,
      code,
      new Date(atMs).toISOString().slice(0, 10),
      new Date(atMs),
      more.status ?? 400,
      more.client ?? null,
      more.service ?? null,
    ],
  );
}

async function count(code: string, atMs: number, errors: number, isAhead = false, replica = 'r1') {
  await postgres.query('insert into bucket_count values ($1, $2, $3, $4, 0, $5)', [
    code,
    new Date(atMs),
    isAhead,
    replica,
    errors,
  ]);
}

test('an installation is empty until something was stored', async () => {
  assert.equal(await lookup.isEmpty(), true);
  assert.equal(await lookup.readKnownSinceMs(), null);
  await postgres.query(`insert into error_total values ('r1', 0, 'A', '400', 1)`);
  assert.equal(await lookup.isEmpty(), false);
});

test('every envelope of an id is found on whatever day, oldest first, with the same id in other case beside it', async () => {
  await postgres.query('select prepare_envelope_day($1)', ['2026-10-13']);
  await store('req_Many', 'B', NOW_MS - DAY_MS);
  await store('req_Many', 'A', NOW_MS - 20 * DAY_MS, { client: 'acme' });
  await store('req_Many', 'A', NOW_MS + 3_000 * DAY_MS);
  await store('req_many', 'A', NOW_MS);
  const found = await lookup.findRequest('req_Many');
  assert.deepEqual(
    found.envelopes.map(({ code, occurredAtMs }) => [code, occurredAtMs]),
    [
      ['A', NOW_MS - 20 * DAY_MS],
      ['B', NOW_MS - DAY_MS],
      ['A', NOW_MS + 3_000 * DAY_MS],
    ],
  );
  assert.deepEqual(found.envelopes[0]?.details, { a: [1, { b: null }] });
  assert.equal(found.envelopes[0]?.client, 'acme');
  assert.deepEqual(found.otherCases, ['req_many']);
});

test('an id that was rejected is found as that', async () => {
  await postgres.query(
    `insert into dead_letter (source, reason, size_bytes, digest, request_id, received_at) values ('kafka', 'depth', 9, '\\x01', 'req_dead', $1)`,
    [new Date(NOW_MS)],
  );
  assert.deepEqual(await lookup.findRequest('req_dead'), {
    envelopes: [],
    rejections: [{ reason: 'depth', receivedAtMs: NOW_MS, source: 'kafka' }],
    conflicts: [],
    otherCases: [],
  });
});

test('how common a code is comes from its counts, over midnight, without clocks that ran ahead', async () => {
  for (const [atMs, errors] of [
    [NOW_MS - 5 * MINUTE_MS, 7],
    [NOW_MS - 50 * MINUTE_MS, 2],
    [NOW_MS - 70 * MINUTE_MS, 100],
    [NOW_MS - DAY_MS - 30 * MINUTE_MS, 4],
    [NOW_MS - 2 * DAY_MS - 30 * MINUTE_MS, 6],
    [NOW_MS - 4 * DAY_MS, 1],
  ] as const) {
    await count('COMMON', atMs, errors);
  }
  await count('COMMON', NOW_MS - 5 * MINUTE_MS, 1, false, 'r2');
  await count('COMMON', NOW_MS - 4 * MINUTE_MS, 50, true);
  await store('req_c1', 'COMMON', NOW_MS - 2 * MINUTE_MS, { client: 'me' });
  await store('req_c2', 'COMMON', NOW_MS - 12 * MINUTE_MS, { client: 'me' });
  await store('req_c3', 'COMMON', NOW_MS - 3 * MINUTE_MS, { client: 'other' });
  await store('req_c4', 'COMMON', NOW_MS - 20 * MINUTE_MS, { client: 'too long ago' });
  assert.deepEqual(await lookup.readCommonness('COMMON', 'req_c1', NOW_MS), {
    lastHourCount: 10,
    earlierHourCounts: [4, 6, 0],
    last15MinutesCount: 8,
    otherRequestCount: 2,
    otherClientCount: 1,
    isSampled: false,
  });
  const { otherRequestCount, otherClientCount, earlierHourCounts } = await lookup.readCommonness('NEVER', 'req_c1', NOW_MS);
  assert.deepEqual([otherRequestCount, otherClientCount, earlierHourCounts], [0, null, [0, 0, 0]]);
});

test('codes are counted together and alone alike', async () => {
  await postgres.query(`insert into error_total values ('r1', 0, 'COMMON', '402', 9), ('r1', 1, 'COMMON', 'unknown', 5)`);
  const all = await lookup.countCodes(NOW_MS);
  const common = all.find(({ code }) => code === 'COMMON');
  assert.deepEqual(common, {
    code: 'COMMON',
    status: 402,
    lastHourCount: 10,
    earlierHourCounts: [4, 6, 0],
    lastDayCount: 110,
    lastSeenAtMs: NOW_MS - 5 * MINUTE_MS,
  });
  assert.deepEqual(await lookup.countCode('COMMON', NOW_MS), common);
  assert.equal((await lookup.countCode("it's; drop table envelope", NOW_MS)).lastDayCount, 0);
});

test('a series is summed by step, span after span', async () => {
  const buckets = await lookup.readBuckets({
    code: 'COMMON',
    pair: null,
    stepSeconds: 600,
    spans: [
      { fromMs: NOW_MS - DAY_MS - 60 * MINUTE_MS, toMs: NOW_MS - DAY_MS },
      { fromMs: NOW_MS - 60 * MINUTE_MS, toMs: NOW_MS },
    ],
  });
  assert.deepEqual(buckets, [
    { startMs: NOW_MS - DAY_MS - 30 * MINUTE_MS, count: 4 },
    { startMs: NOW_MS - 50 * MINUTE_MS, count: 2 },
    { startMs: NOW_MS - 10 * MINUTE_MS, count: 8 },
  ]);
  assert.equal(await lookup.readKnownSinceMs(), NOW_MS - 4 * DAY_MS);
});

/** All pages, as one list of ids, and how many pages it took. */
async function walk(filter: Omit<EnvelopeFilter, 'cursor'>) {
  const ids: string[] = [];
  let cursor: string | undefined;
  let pages = 0;
  do {
    const page = await lookup.listEnvelopes({ ...filter, ...(cursor === undefined ? {} : { cursor }) }, NOW_MS);
    assert.ok(page !== null && page.items.length <= filter.limit);
    ids.push(...page.items.map(({ requestId }) => requestId));
    cursor = page.nextCursor ?? undefined;
    pages += 1;
  } while (cursor !== undefined);
  return { ids, pages };
}

test('the list goes page by page over days, newest first, each once, also where times are the same to the microsecond', async () => {
  for (let n = 0; n < 7; n += 1)
    await store(`req_l${n}`, 'LISTED', NOW_MS - 2 * DAY_MS, {
      client: n % 2 === 0 ? 'even' : 'odd',
      service: 'billing',
      status: 402,
    });
  for (let n = 7; n < 10; n += 1)
    await store(`req_l${n}`, 'LISTED', NOW_MS - (n - 6) * 5 * MINUTE_MS, { service: 'voice', status: 500 });
  await store('req_ahead', 'LISTED', NOW_MS + 400 * DAY_MS);
  const newestFirst = ['req_l7', 'req_l8', 'req_l9', 'req_l6', 'req_l5', 'req_l4', 'req_l3', 'req_l2', 'req_l1', 'req_l0'];
  const { ids, pages } = await walk({ code: 'LISTED', limit: 3 });
  assert.deepEqual(ids, newestFirst);
  assert.equal(pages, 4);
  assert.deepEqual((await walk({ code: 'LISTED', limit: 50, client: 'odd' })).ids, ['req_l5', 'req_l3', 'req_l1']);
  assert.deepEqual((await walk({ limit: 50, service: 'voice', status: 500 })).ids, ['req_l7', 'req_l8', 'req_l9']);
  assert.deepEqual(
    (await walk({ code: 'LISTED', limit: 2, fromMs: NOW_MS - 12 * MINUTE_MS, toMs: NOW_MS - 5 * MINUTE_MS })).ids,
    ['req_l8'],
  );
  assert.deepEqual((await walk({ code: 'LISTED', limit: 4, toMs: Date.UTC(9999, 11, 31) })).ids, ['req_ahead', ...newestFirst]);
});

test('a cursor of somebody else is told from the end of the list', async () => {
  for (const cursor of ['x', Buffer.from("1~a'b~c").toString('base64url'), Buffer.from('x~a~b').toString('base64url')]) {
    assert.equal(await lookup.listEnvelopes({ limit: 1, cursor }, NOW_MS), null);
  }
});

test('we are as far behind as the slowest Kafka partition, also when nobody reads it any more', async () => {
  assert.equal(await lookup.readIngestBehindSeconds(NOW_MS), 0);
  const tell = (partition: number, isCaughtUp: boolean, lastRecordAtMs: number, updatedAtMs: number) =>
    postgres.query(
      'insert into kafka_progress (topic, kafka_partition, committed_offset, last_record_at, is_caught_up, updated_at) values ($1, $2, 10, $3, $4, $5)',
      ['api.errors.v1', partition, new Date(lastRecordAtMs), isCaughtUp, new Date(updatedAtMs)],
    );
  await tell(0, true, NOW_MS - 600_000, NOW_MS - 2_000);
  assert.equal(await lookup.readIngestBehindSeconds(NOW_MS), 0);
  await tell(1, false, NOW_MS - 45_000, NOW_MS - 1_000);
  assert.equal(await lookup.readIngestBehindSeconds(NOW_MS), 45);
  await tell(2, true, NOW_MS - 500_000, NOW_MS - 300_000);
  assert.equal(await lookup.readIngestBehindSeconds(NOW_MS), 300);
  assert.equal(await createLookupStore(database).readIngestBehindSeconds(NOW_MS), 0);
});

test('the fields that fail most come with what is normal at this hour, and each with its own counts over time', async () => {
  const add = (field: string, subCode: string, atMs: number, errors: number, isAhead = false, replica = 'r1') =>
    postgres.query('insert into field_count values ($1, $2, $3, $4, $5, 0, $6)', [
      field,
      subCode,
      new Date(atMs),
      isAhead,
      replica,
      errors,
    ]);
  await add('items[].sku', 'REQUIRED', NOW_MS - MINUTE_MS, 30);
  await add('items[].sku', 'REQUIRED', NOW_MS - MINUTE_MS, 10, false, 'r2');
  await add('items[].sku', 'REQUIRED', NOW_MS - MINUTE_MS, 500, true);
  await add('items[].sku', 'TOO_LONG', NOW_MS - 2 * MINUTE_MS, 7);
  await add('email', 'REQUIRED', NOW_MS - 3 * MINUTE_MS, 9);
  for (const days of [1, 2]) await add('items[].sku', 'REQUIRED', NOW_MS - days * DAY_MS - 5 * MINUTE_MS, 3 + days);
  await add('email', 'REQUIRED', NOW_MS - 3 * DAY_MS + 5 * MINUTE_MS, 100);
  assert.deepEqual(await lookup.countFields('VALIDATION_ERROR', NOW_MS, 2), [
    { field: 'items[].sku', code: 'REQUIRED', lastHourCount: 40, earlierHourCounts: [4, 5] },
    { field: 'email', code: 'REQUIRED', lastHourCount: 9, earlierHourCounts: [0, 0] },
  ]);
  assert.deepEqual(await lookup.countFields('OTHER_CODE', NOW_MS, 2), []);
  const pair = { field: 'items[].sku', code: 'REQUIRED' };
  const spans = [{ fromMs: NOW_MS - 10 * MINUTE_MS, toMs: NOW_MS }];
  const buckets = await lookup.readBuckets({ code: 'VALIDATION_ERROR', pair, spans, stepSeconds: 60 });
  assert.deepEqual(buckets, [{ startMs: NOW_MS - MINUTE_MS, count: 40 }]);
  assert.equal(await lookup.readKnownSinceMs('fields'), NOW_MS - 3 * DAY_MS + 5 * MINUTE_MS);
});
