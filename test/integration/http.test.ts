/** What stands around the routes, over real sockets: refusals, probes, headers, slow clients, and a clean stop. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { NO_EVIDENCE } from '../../src/alert/spike.ts';
import { StoreUnavailable } from '../../src/errors.ts';
import type { Readiness } from '../../src/http/ports.ts';
import type { HttpServer } from '../../src/http/server.ts';
import { isPortOpen } from '../support/free-port.ts';
import { spikeRecord } from '../support/spike-record.ts';
import { waitFor } from '../support/wait-for.ts';
import { createBareServer, emptyLookup, noSpikes } from '../unit/http/bare-server.ts';

const NOW_MS = Date.UTC(2026, 0, 5, 10);
/** Past the server's own limits: a head may take 5 s, a whole request 10 s. */
const SLOW_DEADLINE_MS = 15_000;

let server: HttpServer;
let url = '';
let readiness: Readiness = { kind: 'ready' };
let isAway = false;

before(async () => {
  server = createBareServer(
    { publicUrl: 'https://watch.example/errors' },
    {
      now: () => NOW_MS,
      readiness: () => readiness,
      lookup: {
        ...emptyLookup,
        findRequest: async (requestId) => {
          if (isAway) throw new StoreUnavailable('The database is away.');
          const reason = { req_rejected: 'depth', req_old: 'too_old', req_erased: 'erased' }[requestId];
          const rejections = reason === undefined ? [] : [{ reason, receivedAtMs: NOW_MS - 1_000, source: 'kafka' }];
          return { envelopes: [], rejections, conflicts: [], otherCases: requestId === 'REQ_1' ? ['req_1'] : [] };
        },
        readIngestBehindSeconds: async () => (readiness.kind === 'ready' ? 0 : 90),
        listEnvelopes: async ({ cursor }) => (cursor === undefined ? { items: [], nextCursor: null } : null),
      },
    },
  );
  ({ url } = await server.start());
});
after(() => server.stop());

async function ask(path: string, init: RequestInit = {}) {
  const answer = await fetch(`${url}${path}`, init);
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, text, json: () => Object(JSON.parse(text)) };
}

/** One answer to raw bytes, whole. */
function raw(bytes: string, port = Number(new URL(url).port)): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const [, length] = /content-length: (\d+)/i.exec(text) ?? [];
      if (length !== undefined && text.length - text.indexOf('\r\n\r\n') - 4 >= Number(length)) socket.destroy();
    });
    socket.on('close', () => resolve(text)).on('error', reject);
  });
}

describe('refusals', () => {
  for (const [name, path, init, status, code] of [
    ['an unknown path', '/v1/nothing', {}, 404, 'NOT_FOUND'],
    ['an unknown method', '/v1/codes', { method: 'DELETE' }, 404, 'NOT_FOUND'],
    [
      'a body where none is read',
      '/v1/nothing',
      { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } },
      404,
      'NOT_FOUND',
    ],
    ['a path that cannot be decoded', '/v1/requests/secret%', {}, 400, 'BAD_REQUEST'],
    ['a requestId of another alphabet', '/v1/requests/a%20b', {}, 400, 'BAD_REQUEST'],
    ['a limit out of bounds', '/v1/envelopes?limit=0', {}, 400, 'BAD_REQUEST'],
    ['a moment that is none', '/v1/envelopes?from=now', {}, 400, 'BAD_REQUEST'],
    ['a cursor of somebody else', '/v1/envelopes?cursor=xx', {}, 400, 'BAD_REQUEST'],
    ['an unknown spike', '/v1/spikes/1', {}, 404, 'SPIKE_NOT_FOUND'],
    ['an unknown code', '/v1/codes/NOPE', {}, 404, 'CODE_NOT_FOUND'],
  ] as const) {
    test(`${name} is refused as an envelope with a requestId of its own`, async () => {
      const answer = await ask(path, init);
      assert.equal(answer.status, status);
      const { status: word, error, timestamp, requestId } = answer.json();
      assert.equal(word, 'error');
      assert.equal(error.code, code);
      assert.equal(timestamp, new Date(NOW_MS).toISOString());
      assert.match(requestId, /^req_[0-9a-f]{32}$/);
      assert.equal(answer.headers.get('x-request-id'), requestId);
    });
  }

  test('never echo what was sent', async () => {
    for (const path of [
      '/v1/requests/secret%20value',
      '/v1/secret-value',
      '/v1/envelopes?from=secret-value',
      '/v1/requests/secret%',
    ]) {
      assert.doesNotMatch((await ask(path)).text, /secret/);
    }
  });

  test('a person gets them as a page', async () => {
    const answer = await ask('/nothing', { headers: { accept: 'text/html' } });
    assert.equal(answer.status, 404);
    assert.match(answer.text, /There is no such page/);
    assert.match(answer.text, /href="\/errors\/assets\/style\.css"/);
  });

  test('a foreign Host is refused, loopback and PUBLIC_URL are not', async () => {
    for (const [host, status] of [
      ['evil.example', 421],
      ['127.0.0.1.evil.example', 421],
      ['localhost:1', 200],
      ['127.8.8.8', 200],
      ['[::1]:8080', 200],
      ['WATCH.example', 200],
    ] as const) {
      assert.match(await raw(`GET /health/live HTTP/1.1\r\nHost: ${host}\r\n\r\n`), new RegExp(`^HTTP/1.1 ${status} `), host);
    }
  });

  test('what is no HTTP is told so and cut', async () => {
    for (const bytes of [
      'nonsense\r\n\r\n',
      'POST /v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: abc\r\n\r\n',
      'POST /v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      'POST /v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    ]) {
      assert.match(await raw(bytes), /^HTTP\/1.1 400 .*X-Request-Id: req_.*"status":"error"/s, bytes);
    }
  });
});

describe('a requestId that is not found', () => {
  for (const [id, reason] of [
    ['req_x', 'never_seen'],
    ['req_rejected', 'rejected'],
    ['req_old', 'expired'],
    ['req_erased', 'erased'],
  ] as const) {
    test(`is told ${reason}`, async () => {
      const answer = await ask(`/v1/requests/${id}`);
      assert.equal(answer.status, 404);
      assert.equal(answer.headers.get('cache-control'), 'no-store');
      assert.equal(answer.headers.get('referrer-policy'), 'no-referrer');
      assert.equal(answer.json().error.details.reason, reason);
    });
  }

  test('is told how far behind we are, and the id in other letter case', async () => {
    readiness = { kind: 'not_ready', reason: 'migrating' };
    const { details } = (await ask('/v1/requests/REQ_1')).json().error;
    readiness = { kind: 'ready' };
    assert.deepEqual(details, { reason: 'ingest_behind', behindSeconds: 90, otherCases: ['req_1'], retentionDays: 30 });
  });

  test('has up to 128 characters, escaped or not', async () => {
    assert.equal((await ask(`/v1/requests/${'a'.repeat(128)}`)).status, 404);
    assert.equal((await ask(`/v1/requests/${'%3A'.repeat(128)}`)).status, 404);
    assert.equal((await ask(`/v1/requests/${'a'.repeat(129)}`)).status, 400);
  });

  test('is 503 with Retry-After while the database is away', async () => {
    isAway = true;
    const answer = await ask('/v1/requests/req_x');
    isAway = false;
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get('retry-after'), '5');
    assert.equal(answer.json().error.details.reason, 'database_unavailable');
  });
});

describe('probes, scrape, docs', () => {
  test('ready tells why it is not; live is live all the same', async () => {
    assert.deepEqual((await ask('/health/ready')).json(), { status: 'ready' });
    readiness = { kind: 'not_ready', reason: 'database_away' };
    const answer = await ask('/health/ready');
    assert.equal((await ask('/health/live')).status, 200);
    readiness = { kind: 'ready' };
    assert.equal(answer.status, 503);
    assert.equal(answer.json().reason, 'database_away');
  });

  test('the scrape is OpenMetrics, and classic for who takes nothing else', async () => {
    assert.equal(
      (await ask('/metrics')).headers.get('content-type'),
      'application/openmetrics-text; version=1.0.0; charset=utf-8',
    );
    const classic = await ask('/metrics', { headers: { accept: 'text/plain' } });
    assert.equal(classic.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    assert.doesNotMatch(classic.text, /EOF/);
  });

  test('the API describes every route of its own, with a schema for each answer', async () => {
    const { paths } = (await ask('/openapi.json')).json();
    assert.deepEqual(Object.keys(paths).sort(), [
      '/health/live',
      '/health/ready',
      '/v1/codes',
      '/v1/codes/{code}',
      '/v1/dead-letters',
      '/v1/envelopes',
      '/v1/requests/{requestId}',
      '/v1/spikes',
      '/v1/spikes/{id}',
    ]);
    const docs = await ask('/docs/');
    assert.equal(docs.status, 200);
    assert.match(docs.headers.get('content-security-policy') ?? '', /script-src 'self'/);
    assert.doesNotMatch(docs.headers.get('content-security-policy') ?? '', /unsafe|upgrade-insecure|validator/);
  });

  test('a spike is answered with its evidence, in numbers and in words', async () => {
    const evidence = {
      ...NO_EVIDENCE,
      requestIds: ['req_1'],
      dominantDetail: { key: 'release', value: '2.3.1', shareRatio: 0.94, beforeRatio: 0.03 },
      winner: { windowSeconds: 480, observed: 60, expected: 21 },
      falseAlarmsPerYear: 1.1,
      clients: { count: 1, isLeast: false, only: 'acme', hourBeforeCount: 9 },
      otherCodes: { observed: 310, expected: 100 },
      missing: ['detail'],
    } as const;
    const own = createBareServer({}, { spikes: { ...noSpikes, getSpike: async () => spikeRecord({ evidence }) } });
    const { url: ownUrl } = await own.start();
    try {
      const answer = Object(await (await fetch(`${ownUrl}/v1/spikes/1`)).json());
      assert.deepEqual(answer.evidence, {
        words: [
          'release=2.3.1: 94 % of the errors since the onset, 3 % before.',
          'From 1 client (acme); 9 in the hour before.',
          'Other codes are up too (3.1 times expected): more traffic, or a cause that they share.',
          'It stood out most over 8 minutes: 60 errors, 21 expected.',
          'By chance a surprise of this size comes about once a year in this installation.',
          'Could not be read in time: what changed.',
        ],
        requestIds: ['req_1'],
        dominantDetail: { key: 'release', value: '2.3.1', shareRatio: 0.94, beforeRatio: 0.03 },
        winner: { windowSeconds: 480, observed: 60, expected: 21 },
        falseAlarms: { perYear: 1.1, words: 'about once a year' },
        clients: { count: 1, isLeast: false, only: 'acme', hourBeforeCount: 9 },
        otherCodes: { observed: 310, expected: 100, factor: 3.1 },
        traffic: null,
        missing: ['detail'],
      });
    } finally {
      await own.stop();
    }
  });

  test('every answer forbids scripts of others, frames and guessing of types', async () => {
    for (const path of ['/', '/health/live', '/v1/nothing', '/assets/style.css']) {
      const { headers } = await ask(path);
      assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'.*frame-ancestors 'none'/, path);
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.match(headers.get('x-request-id') ?? '', /^req_/);
    }
  });

  test('of uplot two files are served and nothing beside them', async () => {
    assert.equal((await ask('/assets/uplot/uPlot.iife.min.js')).status, 200);
    for (const path of ['/assets/uplot/uPlot.esm.js', '/assets/uplot/%2e%2e/package.json', '/assets/%2e%2e/pages.ts']) {
      assert.ok([403, 404].includes((await ask(path)).status), path);
    }
  });

  test('the path prefix of PUBLIC_URL leads to the same routes', async () => {
    assert.equal((await ask('/errors/health/live')).status, 200);
    assert.equal((await ask('/errors')).status, 200);
    assert.equal((await ask('/errorsx')).status, 404);
  });
});

describe('slow clients and stopping', () => {
  test('a head and a body that trickle in are cut with 408', { timeout: 2 * SLOW_DEADLINE_MS }, async () => {
    const trickle = (start: string, bit: string) => {
      const startedMs = performance.now();
      const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(start));
      const timer = setInterval(() => socket.write(bit), 500);
      let text = '';
      socket.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      socket.on('error', () => {});
      return new Promise<string>((resolve) => {
        socket.on('close', () => {
          clearInterval(timer);
          assert.ok(performance.now() - startedMs < SLOW_DEADLINE_MS);
          resolve(text);
        });
      });
    };
    const [head, body] = await Promise.all([
      trickle('GET / HTTP/1.1\r\nHost: localhost\r\n', 'X-A: b\r\n'),
      trickle('POST /v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n', 'x'),
    ]);
    assert.match(head, /^HTTP\/1.1 408 .*REQUEST_TIMEOUT/s);
    assert.match(body, /^HTTP\/1.1 (408|404) /);
  });

  test('a taken port is told by number and host', async () => {
    const port = Number(new URL(url).port);
    await assert.rejects(createBareServer({ port }).start(), (error) => {
      assert.match(String(error), new RegExp(`port ${port} on 127.0.0.1 is taken`));
      return error instanceof Error && 'code' in error && error.code === 'port_in_use';
    });
  });

  test('a stop lets the answer in flight out, ends sockets that are idle or never spoke, and is safe twice', async () => {
    let release: (() => void) | undefined;
    const own = createBareServer(
      {},
      {
        lookup: {
          ...emptyLookup,
          countCodes: () =>
            new Promise((resolve) => {
              release = () => resolve([]);
            }),
        },
      },
    );
    const { url: ownUrl } = await own.start();
    const agent = new Agent({ keepAlive: true });
    const fetchOnce = (path: string) =>
      new Promise<number>((resolve, reject) => {
        get(`${ownUrl}${path}`, { agent }, (answer) => answer.resume().on('end', () => resolve(answer.statusCode ?? 0))).on(
          'error',
          reject,
        );
      });
    assert.equal(await fetchOnce('/health/live'), 200);
    const inFlight = fetchOnce('/v1/codes');
    await waitFor(() => release !== undefined, { deadlineMs: 5_000, what: 'the request to be in flight' });
    const port = Number(new URL(ownUrl).port);
    const silent = connect(port, '127.0.0.1').on('error', () => {});
    await once(silent, 'connect');
    const startedMs = performance.now();
    const stopped = Promise.all([own.stop(), own.stop()]);
    // Only now, when what is not in flight has been ended.
    await waitFor(async () => !(await isPortOpen(port)), { deadlineMs: 5_000, what: 'the server to take no more' });
    release?.();
    assert.equal(await inFlight, 200);
    await stopped;
    assert.ok(performance.now() - startedMs < 4_000);
    agent.destroy();
    await createBareServer().stop();
  });
});
