/**
 * The table of bad inputs over HTTP, against the whole service on a real PostgreSQL: each input alone, then as a line of
 * NDJSON between good neighbours; then what only a socket can do wrong.
 */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { type InputCase, inputCases } from '../fixtures/bad-inputs/table.ts';
import { envelope, envelopes, ndjson } from '../support/envelopes.ts';
import { jsonTestSuite } from '../support/json-test-suite.ts';
import { type Judgement, judge } from '../support/judge.ts';
import { readMetric } from '../support/metrics-text.ts';
import { startTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { comparable, keyOf, readRows } from '../support/stored-rows.ts';
import { type SurgewatchProcess, startSurgewatch } from '../support/surgewatch-process.ts';

const MIB = 1_048_576;
const JSON_TYPE = 'application/json';
/** Of a page, whatever is shown on it. */
const MOST_PAGE_CHARACTERS = 300_000;
/** A sender of one byte a second is cut by then. */
const SLOW_DEADLINE_MS = 15_000;

let service: SurgewatchProcess;
let database: TestDatabase;

before(async () => {
  database = await startTestDatabase();
  service = await startSurgewatch({ env: { DATABASE_URL: database.connectionString } });
});
after(async () => {
  await service.stop();
  await database.stop();
});

interface Answer {
  readonly status: number;
  /** `details.reason` of a refusal. */
  readonly reason: unknown;
  readonly results: readonly { readonly requestId: string | null; readonly outcome: string; readonly reason?: string }[];
}

async function post(body: string | Uint8Array, contentType = JSON_TYPE, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(`${service.url}/v1/envelopes`, {
    method: 'POST',
    headers: { 'content-type': contentType, ...headers },
    body: Buffer.from(body),
  });
  const answer = Object(await response.json());
  return { status: response.status, reason: answer.error?.details?.reason, results: answer.results ?? [] };
}

/** As the table writes it, without what was changed: that stands in the row. */
function outcomeOf({ status, reason, results: [only] }: Answer): string {
  if (status !== 200) return `${status} ${String(reason)}`;
  return only?.outcome === 'rejected' ? `rejected ${only.reason}` : (only?.outcome ?? 'nothing');
}

function expectedOutcome({ answer, bytes }: InputCase): string {
  if (!/^\d/.test(answer)) return 'stored';
  // An array is a batch over HTTP: what is wrong inside is told within its answer.
  const isBatch = bytes?.[0] === 0x5b && answer !== '400 empty';
  return isBatch ? answer.replace(/^\d+/, 'rejected') : answer;
}

async function assertRows(judged: readonly Judgement[]): Promise<void> {
  const rows = await readRows(database);
  for (const each of judged) if (each.kind === 'row') assert.deepEqual(rows.get(keyOf(each.row)), comparable(each.row));
}

describe('bad inputs over HTTP', () => {
  const nowMs = Date.now();
  const alone = inputCases('http', nowMs).filter(({ paths }) => paths !== 'kafka');
  for (const each of alone) {
    const { number, name, bytes, answer } = each;
    test(`case ${number}: ${name} is answered with ${answer}`, async () => {
      assert.equal(outcomeOf(await post(bytes ?? '')), expectedOutcome(each));
    });
  }

  test('each row that was stored is the canonical one, with all that was changed in its list', async () => {
    const judged = alone.filter(({ answer }) => !/^\d/.test(answer)).map(({ bytes }) => judge(bytes, nowMs));
    assert.ok(judged.length > 80);
    await assertRows(judged);
  });

  test('cases 41, 42, 45, 46: on pages what was stored is text: nothing hidden, nothing that runs, nothing without end', async () => {
    const judged = alone.filter(({ answer }) => !/^\d/.test(answer)).map(({ bytes }) => judge(bytes, nowMs));
    const ids = judged.flatMap((each) => (each.kind === 'row' ? [each.row.requestId] : []));
    for (const path of [...ids.map((id) => `/requests/${id}`), '/envelopes', '/codes', '/']) {
      const response = await fetch(`${service.url}${path}`, { headers: { accept: 'text/html' } });
      const page = await response.text();
      assert.equal(response.status, 200, path);
      assert.doesNotMatch(page, /<script>alert|(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|\p{M}{6}/u, path);
      assert.ok(page.length < MOST_PAGE_CHARACTERS, `${path} has ${page.length} characters`);
    }
  });

  test('the same inputs as lines between good neighbours: each has its own outcome, no neighbour is touched', async () => {
    let lineCount = 0;
    for (const { number, name, bytes, answer, paths } of inputCases('line', nowMs)) {
      const good = [envelope(), envelope()] as const;
      const lines = [JSON.stringify(good[0]), bytes ?? '', JSON.stringify(good[1])];
      const body = Buffer.concat(lines.map((line) => Buffer.concat([Buffer.from(line), Buffer.of(0x0a)])));
      const isOneLine = paths !== 'http' && bytes !== null && !bytes.includes(0x0a) && bytes.toString().trim() !== '';
      if (!isOneLine || body.length > MIB) continue;
      lineCount += 1;
      const { status, results } = await post(body, 'application/x-ndjson');
      const expected = /^\d/.test(answer) ? `rejected ${answer.replace(/^\d+ /, '')}` : 'stored';
      assert.deepEqual(
        [status, ...results.map(({ outcome, reason }) => (reason === undefined ? outcome : `${outcome} ${reason}`))],
        [200, 'stored', expected, 'stored'],
        `case ${number}: ${name}`,
      );
    }
    assert.ok(lineCount > 180);
  });

  test('cases 4, 67: what is mended, and what is stated but not read, is counted once with its row', async () => {
    const changed = (change: string) => readMetric(service.url, 'surgewatch_envelopes_sanitized_total', { change });
    const [boms, dropped] = [(await changed('bom')) ?? 0, (await changed('dropped')) ?? 0];
    const bodies = [`\ufeff${JSON.stringify(envelope())}`, JSON.stringify({ ...envelope(), id: 7 })];
    for (const body of [...bodies, ...bodies]) await post(body);
    assert.deepEqual([await changed('bom'), await changed('dropped')], [boms + 1, dropped + 1]);
  });

  test('case 71: a requestId that is refused is never echoed', async () => {
    const { results } = await post(ndjson([envelope({ requestId: '<svg>' })]), 'application/x-ndjson');
    assert.deepEqual(results, [{ requestId: null, outcome: 'rejected', reason: 'request_id' }]);
  });

  test('the corner cases of JSON itself end nothing and store nothing', async () => {
    const stored = await readMetric(service.url, 'surgewatch_envelopes_stored_total');
    for (const [name, bytes] of jsonTestSuite) {
      const { status, results } = await post(bytes);
      const isRefused = status === 400 || status === 422 || (status === 200 && results.length > 0);
      assert.ok(isRefused && results.every(({ outcome }) => outcome === 'rejected'), name);
    }
    assert.equal(await readMetric(service.url, 'surgewatch_envelopes_stored_total'), stored);
  });
});

describe('bad requests', () => {
  const clean = () => JSON.stringify(envelope());
  const refused = async (body: string | Uint8Array, type: string, headers: Record<string, string> = {}) => {
    const { status, reason } = await post(body, type, headers);
    return `${status} ${String(reason)}`;
  };

  test('case 11: a charset that is not UTF-8 is refused', async () => {
    assert.equal(await refused(clean(), 'application/json; charset=iso-8859-1'), '415 charset');
    assert.equal((await post(clean(), 'application/json; charset=utf-8')).status, 200);
  });

  test('case 13: a body that is compressed is refused', async () => {
    for (const [encoding, compress] of [
      ['gzip', gzipSync],
      ['br', brotliCompressSync],
      ['zstd', zstdCompressSync],
    ] as const) {
      assert.equal(await refused(compress(clean()), JSON_TYPE, { 'content-encoding': encoding }), '415 encoding');
    }
  });

  test('case 84: no other media type is taken, however close', async () => {
    for (const type of ['text/plain', 'application/problem+json', 'application/json;', 'application/jsonx', 'a']) {
      assert.equal(await refused(clean(), type), '415 media_type', type);
    }
    // A tab at the very end is white space that belongs to HTTP and not to the value: the parser takes it off unseen.
    for (const line of ['', 'Content-Type: application/json\t;charset=utf-8\r\n', 'Content-Type: application/json\ta\r\n']) {
      const text = `POST /v1/envelopes HTTP/1.1\r\nHost: localhost\r\n${line}Content-Length: 2\r\nConnection: close\r\n\r\n{}`;
      assert.match(await raw(text), /^HTTP\/1.1 415 .*"media_type"/s, JSON.stringify(line));
    }
  });

  test('case 85: lengths that are wrong or contradict each other are 400, and the socket is closed', async () => {
    const head = `POST /v1/envelopes HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${JSON_TYPE}\r\n`;
    const body = clean();
    for (const lengths of [
      'Content-Length: abc\r\n',
      `Content-Length: ${body.length}\r\nContent-Length: ${body.length + 1}\r\n`,
      `Content-Length: ${body.length}\r\nTransfer-Encoding: chunked\r\n`,
      'Content-Length: -1\r\n',
      'Transfer-Encoding: chunked\r\n', // What follows is no chunk.
      `Content-Length: ${body.length - 9}\r\n`, // The rest is no request.
    ]) {
      assert.match(await raw(`${head}${lengths}\r\n${body}`), /^HTTP\/1.1 400 /, lengths);
    }
    // Longer than what comes: the sender has hung up half.
    assert.match(
      await raw(`${head}Content-Length: ${body.length + 9}\r\n\r\n${body}`, { isHalfClosed: true }),
      /^(HTTP\/1.1 400 |$)/,
    );
  });

  test('case 86: a body of a byte a second is cut with 408', { timeout: 2 * SLOW_DEADLINE_MS }, async () => {
    const startedMs = performance.now();
    const text = await raw(
      `POST /v1/envelopes HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${JSON_TYPE}\r\nContent-Length: 500\r\n\r\n`,
      {
        trickle: 'x',
      },
    );
    assert.match(text, /^HTTP\/1.1 408 .*REQUEST_TIMEOUT/s);
    assert.ok(performance.now() - startedMs < SLOW_DEADLINE_MS);
  });

  test('case 87: one bad of 500 costs itself alone; of 1 001 nothing is taken', async () => {
    for (const [join, type] of [
      [(items: readonly string[]) => `[${items.join()}]`, JSON_TYPE],
      [(items: readonly string[]) => items.join('\n'), 'application/x-ndjson'],
    ] as const) {
      const items = envelopes(499).map((each) => JSON.stringify(each));
      const { status, results } = await post(join([...items.slice(0, 250), '{"status":"error"}', ...items.slice(250)]), type);
      assert.equal(status, 200);
      assert.deepEqual(
        results.map(({ outcome, reason }) => reason ?? outcome),
        Array.from({ length: 500 }, (_, index) => (index === 250 ? 'schema' : 'stored')),
      );
      assert.equal(await refused(join(envelopes(1001).map((each) => JSON.stringify(each))), type), '413 too_large');
    }
  });

  test('case 89: 10 GB announced with Expect: 100-continue are refused unread', async () => {
    const head = `POST /v1/envelopes HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${JSON_TYPE}\r\n`;
    const text = await raw(`${head}Content-Length: 10000000000\r\nExpect: 100-continue\r\n\r\n`);
    assert.match(text, /^HTTP\/1.1 413 .*"too_large"/s);
  });

  test('after all of it the service is ready, and its log holds no control character', async () => {
    assert.equal((await fetch(`${service.url}/health/ready`)).status, 200);
    assert.doesNotMatch(service.output().replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|hunter2-canary/u);
  });
});

/** Sends bytes as they are; answers all that comes until the socket ends. */
function raw(bytes: string, { isHalfClosed = false, trickle = '' } = {}): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port: service.port, host: '127.0.0.1', allowHalfOpen: true });
    let text = '';
    const timer = trickle === '' ? undefined : setInterval(() => socket.write(trickle), 1000);
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('end', () => socket.end());
    socket.on('error', () => {}); // A reset after the answer: what came is what counts.
    socket.on('close', () => {
      clearInterval(timer);
      resolve(text);
    });
    if (isHalfClosed) socket.end(bytes);
    else socket.write(bytes);
  });
}
