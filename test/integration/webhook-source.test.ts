/** The webhook over a real socket: what is handed on, what is answered, what is refused before it becomes a delivery. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { parseRequestId } from '../../src/envelope/request-id.ts';
import type { RejectReason } from '../../src/envelope/schema.ts';
import { StoreUnavailable } from '../../src/errors.ts';
import type { HttpServer } from '../../src/http/server.ts';
import type { Outcome } from '../../src/ingest/outcome.ts';
import type { Delivery } from '../../src/ingest/ports.ts';
import { createWebhookSource } from '../../src/sources/webhook-source.ts';
import { waitFor } from '../support/wait-for.ts';
import { createBareServer } from '../unit/http/bare-server.ts';

const NOW_MS = Date.UTC(2026, 0, 5, 10);
const requestId = parseRequestId('req_1') ?? assert.fail();
const stored: Outcome = { kind: 'stored', requestId };

let deliveries: Delivery[] = [];
let refused: RejectReason[] = [];
let ingest: (deliveries: readonly Delivery[]) => Promise<readonly Outcome[]>;
let server: HttpServer;
let url = '';

before(async () => {
  const source = createWebhookSource({
    ingest: (given) => {
      deliveries.push(...given);
      return ingest(given);
    },
    countRefused: (reason) => refused.push(reason),
    now: () => NOW_MS,
    maxInFlightBytes: 2 * 1024 * 1024,
  });
  server = createBareServer({}, { sources: [source], now: () => NOW_MS });
  ({ url } = await server.start());
});
after(() => server.stop());
beforeEach(() => {
  deliveries = [];
  refused = [];
  ingest = async (given) => given.map(() => stored);
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: { readonly [key: string]: unknown };
}

async function post(
  body: string | Uint8Array | null,
  headers: Record<string, string> = { 'content-type': 'application/json' },
): Promise<Answer> {
  const answer = await fetch(`${url}/v1/envelopes`, { method: 'POST', headers, body: body === null ? null : Buffer.from(body) });
  return { status: answer.status, headers: answer.headers, body: Object(await answer.json()) };
}

function assertRefused(answer: Answer, status: number, reason: string) {
  assert.equal(answer.status, status);
  const { error, timestamp, ...rest } = answer.body;
  assert.deepEqual(rest, { status: 'error', requestId: answer.headers.get('x-request-id') });
  assert.equal(timestamp, new Date(NOW_MS).toISOString());
  assert.deepEqual(Object(error).details, { reason });
}

test('a single envelope is handed on byte by byte and answered with what became of it', async () => {
  const answer = await post('{"a": 1}');
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.body, {
    status: 'success',
    stored: 1,
    duplicate: 0,
    rejected: 0,
    results: [{ requestId: 'req_1', outcome: 'stored' }],
  });
  assert.deepEqual(
    deliveries.map(({ bytes, ...rest }) => ({ ...rest, bytes: Buffer.from(bytes ?? []).toString() })),
    [{ source: 'webhook', receivedAtMs: NOW_MS, coordinates: null, bytes: '{"a": 1}' }],
  );
});

test('headers that state context are handed on under their own names, others are not', async () => {
  await post('{}', { 'content-type': 'application/json', httpStatus: '503', Client: 'acme', 'x-secret': 'hush' });
  assert.deepEqual(deliveries[0]?.headers, { httpStatus: '503', client: 'acme' });
});

test('an array and NDJSON are cut into items and answered in order', async () => {
  ingest = async (given) =>
    given.map((_each, index) => (index === 1 ? { kind: 'rejected', requestId: null, reason: 'syntax' } : stored));
  for (const [body, type] of [
    ['[{"n":1}, nonsense, {"n":3}]', 'application/json; charset=utf-8'],
    ['{"n":1}\nnonsense\n\n{"n":3}\n', 'application/x-ndjson'],
  ] as const) {
    deliveries = [];
    const answer = await post(body, { 'content-type': type });
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body['results'], [
      { requestId: 'req_1', outcome: 'stored' },
      { requestId: null, outcome: 'rejected', reason: 'syntax' },
      { requestId: 'req_1', outcome: 'stored' },
    ]);
    assert.deepEqual(
      deliveries.map(({ bytes }) => Buffer.from(bytes ?? []).toString()),
      ['{"n":1}', 'nonsense', '{"n":3}'],
    );
  }
});

test('a single rejected envelope is refused with the status of its reason', async () => {
  for (const [reason, status] of [
    ['syntax', 400],
    ['depth', 422],
    ['too_old', 422],
  ] as const) {
    ingest = async () => [{ kind: 'rejected', requestId: null, reason }];
    assertRefused(await post('{}'), status, reason);
  }
  assert.deepEqual(refused, []); // The pipeline has counted them.
});

test('what is no delivery is refused, counted, and never handed on', async () => {
  const json = { 'content-type': 'application/json' };
  const cases: readonly (readonly [string | null, Record<string, string>, number, RejectReason])[] = [
    ['', json, 400, 'empty'],
    [null, json, 400, 'empty'],
    ['[]', json, 400, 'empty'],
    ['[1,]', json, 400, 'syntax'],
    ['{}', { 'content-type': 'text/plain' }, 415, 'media_type'],
    ['{}', { 'content-type': 'application/problem+json' }, 415, 'media_type'],
    ['{}', { 'content-type': 'application/json; charset=iso-8859-1' }, 415, 'charset'],
    ['{}', { ...json, 'content-encoding': 'gzip' }, 415, 'encoding'],
    [`[${'1,'.repeat(1000)}1]`, json, 413, 'too_large'],
    [`"${'x'.repeat(1024 * 1024)}"`, json, 413, 'too_large'],
  ];
  for (const [body, headers, status, reason] of cases) assertRefused(await post(body, headers), status, reason);
  assert.deepEqual(
    refused,
    cases.map(([, , , reason]) => reason),
  );
  assert.deepEqual(deliveries, []);
});

test('a body without a Content-Type, or with a tab inside it, is refused', async () => {
  for (const line of ['', 'Content-Type: application/json\t;charset=utf-8\r\n', 'Content-Type: application/json\ta\r\n']) {
    assert.match(
      await raw(`POST /v1/envelopes HTTP/1.1\r\nHost: localhost\r\n${line}Content-Length: 2\r\n\r\n{}`),
      /^HTTP\/1.1 415 .*"media_type"/s,
    );
  }
});

test('a body of exactly 1 MiB is taken, also when its length is not announced', async () => {
  const body = `"${'x'.repeat(1024 * 1024 - 2)}"`;
  assert.equal((await post(body)).status, 200);
  const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  const head =
    'POST /v1/envelopes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n';
  assert.match(await raw(head + chunked), /^HTTP\/1.1 200 /);
  const longer = `${(body.length + 1).toString(16)}\r\n${body} \r\n0\r\n\r\n`;
  assert.match(await raw(head + longer), /^HTTP\/1.1 413 .*"too_large"/s);
});

test('a database that is away is a 503 with Retry-After, and an unforeseen fault tells nothing of itself', async () => {
  ingest = async () => {
    throw new StoreUnavailable('The database is away.');
  };
  const away = await post('{}');
  assert.equal(away.status, 503);
  assert.equal(away.headers.get('retry-after'), '5');
  ingest = async () => {
    throw new Error('secret');
  };
  const failed = await post('{}');
  assert.equal(failed.status, 500);
  assert.doesNotMatch(JSON.stringify(failed.body), /secret/);
});

test('bodies beyond the memory set aside are asked to come again, and room returns once the others are answered', async () => {
  const waiting: (() => void)[] = [];
  ingest = (given) => new Promise((resolve) => waiting.push(() => resolve(given.map(() => stored))));
  const body = `"${'x'.repeat(900_000)}"`;
  const first = [post(body), post(body)];
  await waitFor(() => waiting.length === 2, { deadlineMs: 5_000, what: 'both to be in flight' });
  const refusedNow = await post(body);
  assert.equal(refusedNow.status, 503);
  assert.equal(refusedNow.headers.get('retry-after'), '5');
  for (const release of waiting) release();
  assert.deepEqual(
    (await Promise.all(first)).map(({ status }) => status),
    [200, 200],
  );
  ingest = async (given) => given.map(() => stored);
  await waitFor(async () => (await post(body)).status === 200, { deadlineMs: 5_000, what: 'room to return' });
});

test('10 GB announced with Expect: 100-continue are refused before the body is invited', async () => {
  const answer = await raw(
    'POST /v1/envelopes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10000000000\r\nExpect: 100-continue\r\n\r\n',
  );
  assert.match(answer, /^HTTP\/1.1 413 /);
});

test('Expect: 100-continue with a body that is small enough is invited and taken', async () => {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  socket.write(
    'POST /v1/envelopes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n',
  );
  await waitFor(() => text.includes('100 Continue'), { deadlineMs: 5_000, what: 'the invitation' });
  socket.write('{}');
  await waitFor(() => text.includes('HTTP/1.1 200 OK'), { deadlineMs: 5_000, what: 'the answer' });
  socket.destroy();
});

/** Sends bytes as they are; answers all that comes until the socket ends or an answer with its length is complete. */
function raw(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let text = '';
    const isWhole = () => {
      const [, length] = /content-length: (\d+)/i.exec(text) ?? [];
      return length !== undefined && text.length - text.indexOf('\r\n\r\n') - 4 >= Number(length);
    };
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (isWhole()) socket.destroy();
    });
    socket.on('close', () => resolve(text)).on('error', (error) => (text === '' ? reject(error) : resolve(text)));
    socket.write(bytes);
  });
}
