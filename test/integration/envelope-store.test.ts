/** The write path against a real PostgreSQL: rows, counts, totals and dead letters, once each, whatever is repeated. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, beforeEach, describe, test } from 'node:test';
import pg from 'pg';
import { BUILT_IN_CATALOGUE } from '../../src/catalogue/built-in.ts';
import { parseCatalogue } from '../../src/catalogue/parse-catalogue.ts';
import { decode } from '../../src/envelope/decode.ts';
import { createRedact, REDACTION_VERSION } from '../../src/envelope/redact.ts';
import { StoreUnavailable } from '../../src/errors.ts';
import type { Storable, Written } from '../../src/ingest/ports.ts';
import type { Database } from '../../src/store/database.ts';
import { createDetectionStore } from '../../src/store/detection-store.ts';
import { createEnvelopeStore } from '../../src/store/envelope-store.ts';
import { createPartitionKeeper } from '../../src/store/partitions.ts';
import { type MigratedDatabase, startMigratedDatabase } from '../support/migrated-database.ts';
import type { TestDatabase } from '../support/postgres.ts';
import { waitFor } from '../support/wait-for.ts';

const NOW_MS = Date.now();
const catalogue = parseCatalogue(readFileSync(BUILT_IN_CATALOGUE, 'utf8'), 'built-in.yaml');
const redact = createRedact({ catalogue });
const log = { info: () => {}, warn: () => {} };

let migrated: MigratedDatabase;
let server: TestDatabase;
let database: Database;
let n = 0;

before(async () => {
  migrated = await startMigratedDatabase();
  ({ server, database } = migrated);
  const keeper = createPartitionKeeper({ database, retentionDays: 30, log });
  await keeper.start();
  keeper.stop();
});
after(() => migrated.stop());
beforeEach(() =>
  server
    .query(
      'truncate envelope, bucket_count, error_total, error_series, counted_code, dead_letter, late_code, field_series, field_count, field_total',
    )
    .then(() => {}),
);

const openStore = async (replicaId = 'a', on: Database = database) => {
  const store = createEnvelopeStore({ database: on, replicaId, catalogued: [{ code: 'TOKEN_EXPIRED', status: '401' }] });
  return { ...store, before: await store.open() };
};

function storable(fields: { requestId?: string; code?: string; timestampMs?: number; details?: object } = {}): Storable {
  n += 1;
  const { requestId = `req_${n}`, code = 'TOKEN_EXPIRED', timestampMs = NOW_MS, details } = fields;
  const envelope = {
    status: 'error',
    error: { code, message: 'm', details },
    timestamp: new Date(timestampMs).toISOString(),
    requestId,
  };
  const decoded = decode(Buffer.from(JSON.stringify(envelope)), { receivedAtMs: NOW_MS, retentionDays: 30 });
  assert.equal(decoded.kind, 'envelope');
  if (decoded.kind !== 'envelope') throw new Error('unreachable');
  return { ...origin(n), kind: 'envelope', envelope: redact(decoded.envelope, NOW_MS) };
}

function rejected(offset: number, isRecorded = true): Storable {
  return { ...origin(offset), kind: 'rejected', reason: 'syntax', requestId: null, isRecorded };
}

function origin(offset: number) {
  const coordinates = { topic: 't', partition: 0, offset: String(offset) };
  return {
    source: 'kafka',
    receivedAtMs: NOW_MS,
    coordinates,
    sizeBytes: 9,
    digest: () => Uint8Array.of(offset & 255, offset >> 8),
  } as const;
}

const kinds = (written: readonly Written[]) => written.map((each) => (each.kind === 'rejected' ? each.reason : each.kind));
const scalar = async (text: string) => Number(Object.values((await server.query(text))[0] ?? {})[0]);
async function counts() {
  return {
    rows: await scalar('select count(*) from envelope'),
    buckets: await scalar('select coalesce(sum(error_count), 0) from bucket_count'),
    totals: await scalar('select coalesce(sum(total), 0) from error_total'),
  };
}
const sumOf = (increments: readonly { readonly count: number }[]) => increments.reduce((sum, { count }) => sum + count, 0);

describe('envelope store', () => {
  test('a redelivered envelope is stored once and counted once', async () => {
    const store = await openStore();
    const batch = [storable(), storable(), storable({ code: 'PAYMENT_FAILED' })];
    const first = await store.write(batch, 0);
    assert.deepEqual(kinds(first.written), ['stored', 'stored', 'stored']);
    assert.equal(sumOf(first.increments.errors), 3);
    for (const lane of [0, 1]) {
      const again = await store.write(batch, lane);
      assert.deepEqual(kinds(again.written), ['duplicate', 'duplicate', 'duplicate']);
      assert.deepEqual(again.increments, { errors: [], fields: [] });
    }
    assert.deepEqual(await counts(), { rows: 3, buckets: 3, totals: 3 });
  });

  test('a repeat inside one batch is the duplicate, not both and not none', async () => {
    const store = await openStore();
    const one = storable();
    const { written } = await store.write([one, storable(), one], 0);
    assert.deepEqual(kinds(written), ['stored', 'stored', 'duplicate']);
    assert.deepEqual(await counts(), { rows: 2, buckets: 2, totals: 2 });
  });

  test('other codes and other days under one requestId are kept beside it', async () => {
    const store = await openStore();
    const requestId = 'req_sibling';
    const batch = [
      storable({ requestId }),
      storable({ requestId, code: 'PAYMENT_FAILED' }),
      storable({ requestId, timestampMs: NOW_MS - 86_400_000 }),
    ];
    assert.deepEqual(kinds((await store.write(batch, 0)).written), ['stored', 'stored', 'stored']);
  });

  test('the 101st code of one requestId and day is a dead letter, while repeats of the hundred stay duplicates', async () => {
    const store = await openStore();
    const codes = Array.from({ length: 102 }, (_, index) => storable({ requestId: 'req_greedy', code: `C${index}` }));
    const first = await store.write(codes.slice(0, 99), 0);
    assert.ok(kinds(first.written).every((kind) => kind === 'stored'));
    const { written } = await store.write([...codes.slice(97), storable()], 1);
    assert.deepEqual(kinds(written), ['duplicate', 'duplicate', 'stored', 'sibling_cap', 'sibling_cap', 'stored']);
    assert.equal(await scalar("select count(*) from dead_letter where reason = 'sibling_cap' and request_id = 'req_greedy'"), 2);
  });

  test('a dead letter is recorded once for its coordinates, and a recreated topic does not hide it', async () => {
    const store = await openStore();
    const first = await store.write([rejected(7), storable(), rejected(8, false)], 0);
    assert.deepEqual(kinds(first.written), ['syntax', 'stored', 'syntax']);
    assert.deepEqual(
      first.written.map((each) => each.kind === 'rejected' && each.isNewDeadLetter),
      [true, false, false],
    );
    const again = await store.write([rejected(7)], 1);
    assert.ok(again.written.every((each) => each.kind === 'rejected' && !each.isNewDeadLetter));
    await store.write([{ ...rejected(7), digest: () => Uint8Array.of(1, 2, 3) }], 0);
    assert.equal(await scalar('select count(*) from dead_letter'), 2);
  });

  test('two replicas that write the same envelopes in opposite order never block each other in a circle, nor count twice', async () => {
    let faultCount = 0;
    const watched: Database = {
      ...database,
      withClient: (work) =>
        database.withClient(work).catch((fault: unknown) => {
          faultCount += 1; // A deadlock is mended by another try: it must not come to that.
          throw fault;
        }),
    };
    const stores = [await openStore('a', watched), await openStore('b', watched)];
    for (let round = 0; round < 8; round += 1) {
      const batch = Array.from({ length: 400 }, () => storable());
      const reports = await Promise.all(
        stores.flatMap((store, index) => [0, 1].map((lane) => store.write(index === 0 ? batch : batch.toReversed(), lane))),
      );
      assert.equal(reports.flatMap(({ written }) => kinds(written)).filter((kind) => kind === 'stored').length, 400);
    }
    assert.equal(faultCount, 0);
    assert.deepEqual(await counts(), { rows: 3200, buckets: 3200, totals: 3200 });
  });

  test('a row that another replica commits while we are at it is a duplicate, and its neighbours are stored', async () => {
    const store = await openStore();
    const [first, raced, last] = [storable(), storable(), storable()];
    if (raced.kind !== 'envelope') throw new Error('unreachable');
    const { requestId, code, day } = raced.envelope;
    const other = new pg.Client({ connectionString: server.connectionString });
    await other.connect();
    try {
      await other.query('begin');
      await other.query(
        `insert into envelope (request_id, code, day, occurred_at, received_at, source, message, details, redaction_version)
         values ($1, $2, $3, now(), now(), 'kafka', 'm', '{}', 1)`,
        [requestId, code, day],
      );
      const writing = store.write([first, raced, last], 0);
      const waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
      await waitFor(async () => (await scalar(waiting)) > 0, { deadlineMs: 5_000, what: 'the write to wait for the other one' });
      await other.query('commit');
      const { written, increments } = await writing;
      assert.deepEqual(kinds(written), ['stored', 'duplicate', 'stored']);
      assert.equal(sumOf(increments.errors), 2);
      assert.deepEqual(await counts(), { rows: 3, buckets: 2, totals: 2 });
    } finally {
      await other.end();
    }
  });

  test('lanes that are handed the same envelopes at once agree on which of them stored each', async () => {
    const store = await openStore();
    for (let round = 0; round < 8; round += 1) {
      const batch = Array.from({ length: 200 }, () => storable());
      const [left, right] = await Promise.all([store.write(batch, 0), store.write(batch.toReversed(), 1)]);
      const stored = [left, right].flatMap((report) => kinds(report?.written ?? [])).filter((kind) => kind === 'stored');
      assert.equal(stored.length, 200);
    }
    assert.deepEqual(await counts(), { rows: 1600, buckets: 1600, totals: 1600 });
  });

  test('a row holds all that its envelope said, to the microsecond and whatever the year', async () => {
    const store = await openStore();
    const told = {
      status: 'error',
      error: { code: 'PAYMENT_FAILED', message: 'abgelehnt – 支付失败', details: { gateway: 'razorpay' } },
      requestId: 'req_whole',
      context: { httpStatus: 409, service: 'billing', route: '/v1/pay', method: 'POST', client: 'acme', release: 'r1' },
    };
    const moments = [
      `${new Date(NOW_MS).toISOString().slice(0, 19)}.1239Z`,
      '2262-04-11T23:47:16.854775Z',
      '12026-01-02T03:04:05.678901Z',
    ];
    const batch = moments.map((timestamp, at) => {
      const envelope = { ...told, timestamp, requestId: `req_whole${at}`, ...(at === 0 ? {} : { context: undefined }) };
      const decoded = decode(Buffer.from(JSON.stringify(envelope)), { receivedAtMs: NOW_MS, retentionDays: 30 });
      if (decoded.kind !== 'envelope') throw new Error('unreachable');
      return { ...origin(at), kind: 'envelope', envelope: redact(decoded.envelope, NOW_MS) } as const;
    });
    assert.deepEqual(kinds((await store.write(batch, 0)).written), ['stored', 'stored', 'stored']);
    const rows = await server.query(
      `select request_id, code, day::text, to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') as occurred_at,
         extract(epoch from received_at)::float8 * 1000 as received, status, source, message, details, service, route, method, client,
         release, traceparent, sanitized, redaction_version
       from envelope order by request_id`,
    );
    const { envelope } = batch[0] ?? {};
    assert.deepEqual(rows[0], {
      request_id: 'req_whole0',
      code: 'PAYMENT_FAILED',
      day: envelope?.day,
      occurred_at: `${moments[0]?.slice(0, 23).replace('T', ' ')}900`,
      received: NOW_MS,
      status: 409,
      source: 'kafka',
      message: told.error.message,
      details: told.error.details,
      service: 'billing',
      route: '/v1/pay',
      method: 'POST',
      client: 'acme',
      release: 'r1',
      traceparent: null,
      sanitized: null,
      redaction_version: REDACTION_VERSION,
    });
    assert.deepEqual(
      rows.slice(1).map(({ day, occurred_at, status, service, sanitized }) => [day, occurred_at, status, service, sanitized]),
      [
        ['2262-04-11', '2262-04-11 23:47:16.854775', 402, null, ['clock_ahead']],
        ['12026-01-02', '12026-01-02 03:04:05.678901', 402, null, ['clock_ahead']],
      ],
    );
  });

  test('a replica that restarts under its id continues from its own totals, another one does not', async () => {
    const first = await openStore('a');
    await first.write([storable(), storable({ code: 'PAYMENT_FAILED' })], 0);
    await first.write([storable()], 1);
    assert.equal(sumOf((await openStore('a')).before.errors), 3);
    assert.equal(sumOf((await openStore('b')).before.errors), 0);
  });

  test('a commit whose answer was lost is reported with the next write, once', async () => {
    let losesAnswer = false;
    const lossy: Database = {
      ...database,
      withClient: async (work) => {
        const result = await database.withClient(work);
        if (losesAnswer) throw new StoreUnavailable('the connection broke after COMMIT');
        return result;
      },
    };
    const store = await openStore('a', lossy);
    const batch = [storable(), storable()];
    await store.write([storable()], 0);
    losesAnswer = true;
    await assert.rejects(store.write(batch, 0), StoreUnavailable);
    losesAnswer = false;
    const again = await store.write(batch, 0);
    assert.deepEqual(kinds(again.written), ['duplicate', 'duplicate']);
    assert.equal(sumOf(again.increments.errors), 2);
    assert.equal(sumOf((await store.write(batch, 0)).increments.errors), 0);
    assert.deepEqual(await counts(), { rows: 3, buckets: 3, totals: 3 });
  });

  test('what was committed before a later question failed is reported with the next write, once', async () => {
    let questions = Number.POSITIVE_INFINITY;
    const failing: Database = {
      ...database,
      withClient: (work) => {
        questions -= 1;
        return questions < 0 ? Promise.reject(new StoreUnavailable('away')) : database.withClient(work);
      },
    };
    const store = await openStore('a', failing);
    const siblings = Array.from({ length: 100 }, (_, index) => storable({ requestId: 'req_full', code: `C${index}` }));
    await store.write(siblings, 0);
    const batch = [storable({ code: 'C0' }), storable({ requestId: 'req_full', code: 'C1' })];
    questions = 1; // The write itself; who is over the cap is asked in vain.
    await assert.rejects(store.write(batch, 0), StoreUnavailable);
    questions = Number.POSITIVE_INFINITY;
    const { increments } = await store.write([storable({ code: 'C2' })], 0);
    assert.deepEqual(increments.errors.map(({ code, count }) => [code, count]).sort(), [
      ['C0', 1],
      ['C2', 1],
    ]);
  });

  test('a row that PostgreSQL refuses is set aside and its neighbours are stored', async () => {
    const store = await openStore();
    const bad = storable();
    if (bad.kind !== 'envelope') throw new Error('unreachable');
    const refused: Storable = { ...bad, envelope: { ...bad.envelope, status: 99_999 } };
    const batch = [storable(), storable(), refused, storable(), rejected(3)];
    const { written, increments } = await store.write(batch, 0);
    assert.deepEqual(kinds(written), ['stored', 'stored', 'store_refused', 'stored', 'syntax']);
    assert.equal(sumOf(increments.errors), 3);
    assert.equal(await scalar("select count(*) from dead_letter where reason in ('store_refused', 'syntax')"), 2);
    assert.deepEqual(await counts(), { rows: 3, buckets: 3, totals: 3 });
  });

  test('a producer whose clock is ahead is counted in totals and kept from the detector', async () => {
    const store = await openStore();
    await store.write([storable({ timestampMs: NOW_MS + 3_600_000 }), storable()], 0);
    assert.equal(await scalar('select sum(error_count) from bucket_count where is_clock_ahead'), 1);
    assert.equal(await scalar('select sum(total) from error_total'), 2);
  });

  test('a code that only a clock ahead has sent is as new as before, also when its claimed time comes', async () => {
    const store = await openStore();
    const hourMs = 3_600_000;
    await store.write([storable({ code: 'FROM_AFAR', timestampMs: NOW_MS + hourMs })], 0);
    const detection = createDetectionStore(database);
    const twoHoursLater = await detection.readLastSeen(NOW_MS + 3 * hourMs);
    assert.equal(twoHoursLater.has('FROM_AFAR'), false);
    assert.equal(await detection.readCodeCount(), 0);
    assert.deepEqual(await detection.readCounts({ startSeconds: 0, endSeconds: NOW_MS / 1000 + 1e6 }), []);
    assert.equal(await scalar('select count(*) from late_code'), 0);
    assert.equal(await scalar("select total from error_total where code = 'FROM_AFAR'"), 1);
    await store.write([storable({ code: 'FROM_AFAR' })], 0);
    assert.equal((await detection.readLastSeen(NOW_MS + 3 * hourMs)).has('FROM_AFAR'), true);
  });

  test('counts that change behind the detector mark their code', async () => {
    const store = await openStore();
    await server.query('update detector_progress set evaluated_until = $1', [new Date(NOW_MS - 60_000)]);
    await store.write([storable({ timestampMs: NOW_MS - 120_000 }), storable({ code: 'PAYMENT_FAILED' })], 0);
    assert.deepEqual(await server.query('select distinct code from late_code'), [{ code: 'TOKEN_EXPIRED' }]);
    await server.query('update detector_progress set evaluated_until = null');
  });

  test('past a thousand series the rest is counted as _other, alike on every replica, and no row loses its code', async () => {
    const [a, b] = [await openStore('a'), await openStore('b')];
    const batch = Array.from({ length: 1005 }, (_, index) => storable({ code: `NEW_${index}` }));
    const { increments } = await a.write(batch, 0);
    assert.deepEqual(
      increments.errors.filter(({ code }) => code === '_other').map(({ status, count }) => [status, count]),
      [['_other', 6]],
    );
    const other = await b.write([storable({ code: 'NEW_1004' }), storable({ code: 'NEW_3' })], 0);
    assert.deepEqual(other.increments.errors.map(({ code, status }) => `${code} ${status}`).sort(), [
      'NEW_3 unknown',
      '_other _other',
    ]);
    assert.equal(await scalar('select count(distinct code) from envelope'), 1005);
    assert.equal(await scalar('select count(distinct code) from bucket_count'), 1005);
    assert.equal(await scalar('select sum(total) from error_total'), 1007);
  });
});
