/** What the client of Prometheus makes of every kind of answer, from a real HTTP server. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { afterEach, describe, test } from 'node:test';
import { createPrometheusClient, PrometheusFault } from '../../src/alert/prometheus-client.ts';
import { listenOnLoopback } from '../support/listen.ts';

const QUERY = { fromSeconds: 1000, untilSeconds: 1060, stepSeconds: 10, signal: new AbortController().signal };
const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** Answers everything with `answer`; gives its address. */
async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  const port = await listenOnLoopback(server);
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${port}`;
}

const matrix = (...series: readonly (readonly (readonly [number, string])[])[]) =>
  JSON.stringify({ status: 'success', data: { resultType: 'matrix', result: series.map((values) => ({ metric: {}, values })) } });

const readFrom = async (body: string, status = 200) => {
  const address = await serve((_request, response) => response.writeHead(status).end(body));
  return createPrometheusClient({ url: `http://${address}`, promql: 'up' }).readTraffic(QUERY);
};

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

describe('an answer', () => {
  test('of one series is its readings; values that are no rate are left out', async () => {
    const body = matrix([
      [1000, '1.5'],
      [1010, 'NaN'],
      [1020, '+Inf'],
      [1030, '-1'],
      [1040, '2'],
    ]);
    assert.deepEqual(await readFrom(body), [
      { atSeconds: 1000, requestsPerSecond: 1.5 },
      { atSeconds: 1040, requestsPerSecond: 2 },
    ]);
  });

  test('of no series is no reading', async () => {
    assert.deepEqual(await readFrom(matrix()), []);
  });

  for (const [what, body, status, reason] of [
    ['of several series', matrix([[1000, '1']], [[1000, '2']]), 200, /several series/],
    ['that is no JSON', '<html>', 200, /no JSON/],
    ['of another shape', '{"data":{"result":"up"}}', 200, /something else/],
    ['that refuses the expression', '{"status":"error","error":"secret_metric{"}', 400, /^answered 400$/],
    ['larger than one series could be', 'x'.repeat(1_100_000), 200, /more than one series/],
  ] as const) {
    test(`${what} is a fault with a reason that quotes nothing`, async () => {
      await assert.rejects(readFrom(body, status), (error) => {
        assert.ok(error instanceof PrometheusFault);
        assert.match(error.message, reason);
        assert.doesNotMatch(error.message, /secret|html|up\b/);
        return true;
      });
    });
  }
});

test('asks below a path prefix, with user and password as a header and never in the address', async () => {
  const seen: { url: string | undefined; authorization: string | undefined; body: string }[] = [];
  const address = await serve((request, response) => {
    void textOf(request).then((body) => {
      seen.push({ url: request.url, authorization: request.headers.authorization, body });
      response.end(matrix([[1000, '1']]));
    });
  });
  await createPrometheusClient({ url: `http://me:p%40ss@${address}/prom/`, promql: 'sum(up)' }).readTraffic(QUERY);
  const authorization = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;
  assert.deepEqual(seen, [
    { url: '/prom/api/v1/query_range', authorization, body: 'query=sum%28up%29&start=1000&end=1060&step=10&timeout=2000ms' },
  ]);
});

test('does not follow a redirect, which could carry the password anywhere', async () => {
  let visitCount = 0;
  const elsewhere = await serve((_request, response) => {
    visitCount += 1;
    response.end(matrix([[1000, '1']]));
  });
  const address = await serve((_request, response) => response.writeHead(307, { location: `http://${elsewhere}/` }).end());
  await assert.rejects(
    createPrometheusClient({ url: `http://a:b@${address}`, promql: 'up' }).readTraffic(QUERY),
    PrometheusFault,
  );
  assert.equal(visitCount, 0);
});

test('a Prometheus that hangs is given up after two seconds', async () => {
  const address = await serve(() => {});
  const startMs = performance.now();
  await assert.rejects(
    createPrometheusClient({ url: `http://${address}`, promql: 'up' }).readTraffic(QUERY),
    /did not answer in time/,
  );
  assert.ok(performance.now() - startMs < 6_000);
});
