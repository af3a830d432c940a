/**
 * The pages in a real browser. Most of them over a real database that holds a week of a made-up API and under a clock that
 * stands still; the first steps of a newcomer over the real process. `SCREENSHOTS=DIR` keeps a picture of each.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { HttpServer } from '../../src/http/server.ts';
import { createLookupStore } from '../../src/store/lookup-store.ts';
import { createSpikeReader } from '../../src/store/spike-store.ts';
import { type Browser, type NewPage, openBrowser } from '../support/chromium.ts';
import { documentedEnvelopes, ndjson } from '../support/envelopes.ts';
import { type MigratedDatabase, startMigratedDatabase } from '../support/migrated-database.ts';
import type { TestDatabase } from '../support/postgres.ts';
import { chromiumMissing, skipReason } from '../support/requirements.ts';
import { startSurgewatch } from '../support/surgewatch-process.ts';
import { PHONE, takeShot, visit } from '../support/visit.ts';
import { createBareServer } from '../unit/http/bare-server.ts';

const NOW_MS = Date.UTC(2026, 9, 14, 14, 7, 16);
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const SURGE_STARTED_MS = NOW_MS - 15 * MINUTE_MS;
const EVIL_MESSAGE = `<script>document.title='taken'</script><img src=x onerror="document.title='taken'"> \u202Egnp.exe e${'\u0301'.repeat(300)}`;

describe('the pages', { skip: skipReason(chromiumMissing) }, () => {
  let world: MigratedDatabase;
  let server: HttpServer;
  let browser: Browser;
  let url = '';

  before(async () => {
    world = await startMigratedDatabase();
    const { database } = world;
    await fill(world.server);
    server = createBareServer(
      {},
      { lookup: createLookupStore(database), spikes: createSpikeReader(database), now: () => NOW_MS },
    );
    ({ url } = await server.start());
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.stop();
    await server?.stop();
    await world?.stop();
  });

  /** A page that refuses is one as well. */
  const open = (path: string, shot: string, options: NewPage = {}) =>
    visit({ browser, url: `${url}${path}`, shot, options, isExpected: (complaint) => complaint.includes('status of 404') });

  test('the first page says what is spiking and how the last hour compares with normal', async () => {
    const page = await open('/', 'home');
    assert.match(await page.innerText('main'), /PAYMENT_FAILED[\s\S]*spiking|spiking now[\s\S]*PAYMENT_FAILED/);
    assert.match(await page.innerText('table'), /INVALID_CREDENTIALS/);
    await open('/', 'home-dark', { dark: true });
    await open('/', 'home-phone', PHONE);
  });

  test('an id inside pasted text leads straight to its page', async () => {
    const page = await open('/', 'home');
    await page.fill('#q', 'Hi, since noon we get {"status":"error","requestId":"req_7a8b9c0d1e26"} on every payment. Thanks');
    await page.press('#q', 'Enter');
    await page.waitForURL('**/requests/req_7a8b9c0d1e26');
    assert.match(await page.innerText('h1'), /payment/i);
  });

  test('text without an id, and text with several, are answered in words', async () => {
    const none = await open(`/?q=${encodeURIComponent('it does not work, please help')}`, 'home-no-id');
    assert.match(await none.innerText('[role=status]'), /no requestId in this text/);
    const two = await open(`/?q=${encodeURIComponent('either req_7a8b9c0d1e26 or req_7a8b9c0d1e28')}`, 'home-two-ids');
    assert.deepEqual(await two.locator('[role=status] a').allInnerTexts(), ['req_7a8b9c0d1e26', 'req_7a8b9c0d1e28']);
  });

  test('a request is answered in the first screen: what, whose fault, what to say, is it just them', async () => {
    for (const [shot, options] of [
      ['request-spiking', {}],
      ['request-spiking-dark', { dark: true }],
      ['request-spiking-phone', PHONE],
    ] as const) {
      const page = await open('/requests/req_7a8b9c0d1e26', shot, options);
      const text = await page.innerText('main');
      assert.match(text, /What to say/);
      assert.match(
        text,
        /Is it just them\?\s+No\. This code is spiking since today 13:52:16 UTC with 31 times as many as normal/,
      );
      assert.match(text, /today 14:03:12 UTC, 4 minutes ago/);
    }
  });

  test('a validation error shows its fields and never the value that was sent', async () => {
    const page = await open('/requests/req_7a8b9c0d1e28', 'request-validation');
    assert.match(
      await page.innerText('main'),
      /maxCps\s+Must be between 1 and 1000\s+OUT_OF_RANGE\s+not kept: number of 4 characters, integer/,
    );
    await open('/requests/req_7a8b9c0d1e28', 'request-validation-phone', PHONE);
  });

  test('markup, reordering and towers of marks in a message are inert and seen', async () => {
    const page = await open('/requests/req_evil', 'request-hostile');
    assert.equal(await page.title(), 'req_evil · surgewatch');
    assert.equal(await page.locator('main script, main img').count(), 0);
    assert.match(await page.innerText('main'), /<script>document\.title[\s\S]*U\+202E/);
  });

  test('siblings under one id are all shown', async () => {
    const page = await open('/requests/req_siblings', 'request-siblings');
    assert.match(await page.innerText('main'), /Also under this requestId/);
  });

  test('an id that is not found is told why, with what to do', async () => {
    const never = await open('/requests/req_never', 'missing-never');
    assert.match(await never.innerText('main'), /No error with this id came in\.[\s\S]*Not in the last 30 days/);
    const rejected = await open('/requests/req_rejected', 'missing-rejected', { dark: true });
    assert.match(await rejected.innerText('main'), /refused as schema/);
    const otherCase = await open('/requests/REQ_7A8B9C0D1E26', 'missing-other-case', PHONE);
    assert.equal(await otherCase.locator('main a', { hasText: 'req_7a8b9c0d1e26' }).count(), 1);
  });

  test('spikes, codes and envelopes each have their page and their chart', async () => {
    for (const [path, shot] of [
      ['/spikes', 'spikes'],
      ['/spikes/1', 'spike'],
      ['/codes', 'codes'],
      ['/codes/INVALID_CREDENTIALS', 'code'],
      ['/envelopes', 'envelopes'],
    ] as const) {
      await open(path, shot);
      await open(path, `${shot}-phone`, PHONE);
      await open(path, `${shot}-dark`, { dark: true });
    }
    const page = await open('/spikes/1', 'spike');
    assert.equal(await page.locator('.plot canvas').count(), 1);
    const text = await page.innerText('main');
    assert.match(text, /What changed\?\s+details\.gateway = razorpay: 97 % of the errors since the onset, 31 % before\./);
    assert.match(text, /Is it just one client\?\s+No\. From 13 clients; 9 in the hour before\./);
    assert.match(text, /Is it this code alone\?\s+Other codes are as usual \(1\.0 times expected\): this code alone\./);
    assert.match(text, /Which share of requests\?\s+1\.4 % of requests failed with it, usually 0\.04 %\. There were 95/);
    assert.match(text, /Could it be chance\?\s+By chance a surprise of this size comes less than once in 10 years/);
    const top = await page.locator('.answers').boundingBox();
    const chart = await page.locator('.plot').boundingBox();
    assert.ok(
      top !== null && chart !== null && top.y + top.height < 800 && top.y < chart.y,
      'the answers stand in the first screen',
    );
  });

  test('a page that does not exist is told as a page', async () => {
    const page = await open('/nowhere', 'not-found');
    assert.match(await page.innerText('h1'), /no such page/);
  });
});

test('a newcomer sees what to do first, does it, and finds the envelope', { skip: skipReason(chromiumMissing) }, async () => {
  const [service, browser] = await Promise.all([startSurgewatch(), openBrowser()]);
  try {
    const page = await browser.newPage();
    await page.goto(service.url);
    assert.match(
      await page.innerText('main'),
      /No error has come in yet[\s\S]*curl -X POST http:\/\/127\.0\.0\.1:\d+\/v1\/envelopes/,
    );
    await takeShot(page, 'empty');
    const [first] = documentedEnvelopes();
    const answer = await fetch(`${service.url}/v1/envelopes`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: ndjson(
        documentedEnvelopes()
          .slice(1)
          .concat(first === undefined ? [] : [first]),
      ),
    });
    assert.equal(answer.status, 200);
    await page.fill('#q', first?.requestId ?? '');
    await page.press('#q', 'Enter');
    await page.waitForURL(`**/requests/${first?.requestId}`);
    assert.match(await page.innerText('main'), /INVALID_CREDENTIALS/);
    await takeShot(page, 'first-found');
  } finally {
    await browser.stop();
    await service.stop();
  }
});

/** A week of counts with a daily rhythm, a payment gateway that fails since a quarter of an hour, and some requests. */
async function fill({ query }: TestDatabase): Promise<void> {
  const codes = {
    INVALID_CREDENTIALS: 26,
    VALIDATION_ERROR: 18,
    RATE_LIMIT_EXCEEDED: 9,
    TOKEN_EXPIRED: 7,
    PAYMENT_FAILED: 1.2,
    TRUNK_NOT_FOUND: 3,
  };
  await query('select setseed(0.42)');
  for (const [code, perMinute] of Object.entries(codes)) {
    await query(`select setseed(0.42)`);
    await query(
      `insert into bucket_count (code, bucket_start, is_clock_ahead, replica_id, lane, error_count)
       select $1, t, false, 'r1', 0, n from (
         select t, floor(random() * 2 * $2::float8 / 6 * (1.1 + sin((extract(epoch from t) / 43200 - 0.6) * pi()) * 0.6) + random())::int as n
         from generate_series($3::timestamptz - interval '8 days', $3::timestamptz, interval '10 seconds') as t) as made where n > 0`,
      [code, perMinute, new Date(Math.floor(NOW_MS / 10_000) * 10_000)],
    );
  }
  await query(
    `insert into bucket_count (code, bucket_start, is_clock_ahead, replica_id, lane, error_count)
     select 'PAYMENT_FAILED', t, false, 'r2', 0, 4 + floor(random() * 6)::int
     from generate_series($1::timestamptz, $2::timestamptz, interval '10 seconds') as t`,
    [new Date(Math.floor(SURGE_STARTED_MS / 10_000) * 10_000), new Date(Math.floor(NOW_MS / 10_000) * 10_000)],
  );
  await query(`insert into error_total (replica_id, lane, code, status, total) values
    ('r1', 0, 'INVALID_CREDENTIALS', '401', 1), ('r1', 0, 'VALIDATION_ERROR', '422', 1), ('r1', 0, 'RATE_LIMIT_EXCEEDED', '429', 1),
    ('r1', 0, 'TOKEN_EXPIRED', '401', 1), ('r1', 0, 'PAYMENT_FAILED', '402', 1), ('r1', 0, 'TRUNK_NOT_FOUND', '404', 1)`);
  for (const day of [0, 1, 2])
    await query('select prepare_envelope_day($1)', [new Date(NOW_MS - day * DAY_MS).toISOString().slice(0, 10)]);

  const at = Date.UTC(2026, 9, 14, 14, 3, 12);
  await store(query, {
    id: 'req_7a8b9c0d1e26',
    code: 'PAYMENT_FAILED',
    status: 402,
    atMs: at,
    message: 'Payment declined by gateway',
    details: { gateway: 'razorpay', reason: 'Gateway timeout' },
  });
  for (let n = 0; n < 40; n += 1) {
    await store(query, {
      id: `req_pay${1000 + n}`,
      code: 'PAYMENT_FAILED',
      status: 402,
      atMs: at - n * 17_000,
      client: `acct_${n % 13}`,
      message: 'Payment declined by gateway',
      details: { gateway: 'razorpay', reason: 'Gateway timeout' },
    });
  }
  await store(query, {
    id: 'req_7a8b9c0d1e28',
    code: 'VALIDATION_ERROR',
    status: 422,
    atMs: at - 50 * MINUTE_MS,
    message: 'Request validation failed',
    details: {
      errors: [
        {
          field: 'password',
          message: 'Password must be at least 8 characters',
          code: 'MIN_LENGTH',
          value: { type: 'string', length: 3, class: 'letters' },
        },
        {
          field: 'email',
          message: 'Invalid email format',
          code: 'INVALID_FORMAT',
          value: { type: 'string', length: 11, class: 'letters' },
        },
        {
          field: 'maxCps',
          message: 'Must be between 1 and 1000',
          code: 'OUT_OF_RANGE',
          value: { type: 'number', length: 4, class: 'integer' },
        },
      ],
    },
  });
  await store(query, {
    id: 'req_evil',
    code: 'TRUNK_NOT_FOUND',
    status: 404,
    atMs: at - 9 * MINUTE_MS,
    message: EVIL_MESSAGE,
    client: '"><script>x</script>',
    details: { trunkId: '<b>bold</b>' },
  });
  await store(query, {
    id: 'req_siblings',
    code: 'RATE_LIMIT_EXCEEDED',
    status: 429,
    atMs: at - DAY_MS,
    message: 'CPS limit exceeded for this trunk',
    details: { limitType: 'cps', limit: 10, current: 15, retryAfter: 1 },
  });
  await store(query, {
    id: 'req_siblings',
    code: 'CARRIER_UNREACHABLE',
    status: 502,
    atMs: at - DAY_MS - 1_000,
    message: 'No carrier answered',
    details: {},
  });
  await query(
    `insert into dead_letter (source, reason, size_bytes, digest, request_id, received_at) values ('webhook', 'schema', 210, '\\x00', 'req_rejected', $1)`,
    [new Date(at - 3 * MINUTE_MS)],
  );
  await query(
    `insert into spike (kind, code, status, state, starts_at, opened_at, detected_at, first_accepted_at, observed, expected, window_seconds, score, labels, evidence, epoch)
     values ('surge', 'PAYMENT_FAILED', '402', 'firing', $1, $2, $2, $2, 96, 3.1, 120, 41.5, $3, $4, 1)`,
    [
      new Date(SURGE_STARTED_MS),
      new Date(SURGE_STARTED_MS + 2 * MINUTE_MS),
      {
        alertname: 'ApiErrorSpike',
        code: 'PAYMENT_FAILED',
        status: '402',
        fault: 'client',
        severity: 'critical',
        team: 'payments',
      },
      {
        requestIds: ['req_7a8b9c0d1e26', 'req_pay1000', 'req_pay1001'],
        dominantDetail: { key: 'details.gateway', value: 'razorpay', shareRatio: 0.97, beforeRatio: 0.31 },
        winner: { windowSeconds: 180, observed: 99, expected: 4.7 },
        falseAlarmsPerYear: 0.02,
        clients: { count: 13, isLeast: false, only: null, hourBeforeCount: 9 },
        otherCodes: { observed: 131, expected: 127 },
        traffic: { requestsPerSecond: 95, usualPerSecond: 90, errorRatio: 0.014, usualErrorRatio: 0.0004 },
        missing: [],
      },
    ],
  );
  await query(
    `insert into spike (kind, code, status, state, starts_at, opened_at, closed_at, resolved_at, detected_at, close_reason, observed, expected, window_seconds, score, labels, evidence, epoch)
     values ('surge', 'RATE_LIMIT_EXCEEDED', '429', 'resolved', $1, $1, $2, $2, $1, 'calm', 310, 44, 300, 28, $3, '{}', 1),
       ('new_code', 'CARRIER_UNREACHABLE', '502', 'resolved', $4, $4, $5, $5, $4, 'calm', 12, 0, 60, 30, $3, '{}', 1)`,
    [
      new Date(NOW_MS - DAY_MS - 40 * MINUTE_MS),
      new Date(NOW_MS - DAY_MS),
      { fault: 'client', severity: 'warning' },
      new Date(NOW_MS - 3 * DAY_MS),
      new Date(NOW_MS - 3 * DAY_MS + 12 * MINUTE_MS),
    ],
  );
}

interface Stored {
  readonly id: string;
  readonly code: string;
  readonly status: number;
  readonly atMs: number;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly client?: string;
}

async function store(
  query: TestDatabase['query'],
  { id, code, status, atMs, message, details, client = 'acct_4711' }: Stored,
): Promise<void> {
  await query(
    `insert into envelope (request_id, code, day, occurred_at, received_at, status, source, message, details, service, route, method, client, redaction_version)
     values ($1, $2, $3, $4, $5, $6, 'kafka', $7, $8, 'billing', '/v1/payments', 'POST', $9, 1)`,
    [id, code, new Date(atMs).toISOString().slice(0, 10), new Date(atMs), new Date(atMs + 800), status, message, details, client],
  );
}
