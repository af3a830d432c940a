/** The client on a real Alertmanager, and on servers that misbehave as no Alertmanager can be made to. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { after, describe, test } from 'node:test';
import { createAlertmanagerClients } from '../../src/alert/alertmanager-client.ts';
import type { Alert } from '../../src/alert/payload.ts';
import type { AlertmanagerClient } from '../../src/alert/ports.ts';
import { startAlertmanager } from '../support/alertmanager.ts';
import { listenOnLoopback } from '../support/listen.ts';
import { alertmanagerMissing, skipReason } from '../support/requirements.ts';

const lines: string[] = [];
const write = (fields: object, sentence: string) => void lines.push(`${sentence} ${JSON.stringify(fields)}`);
const log = { debug: write, info: write, warn: write, error: write };
const options = { mayPush: () => true, signal: new AbortController().signal };
const TEST_TIMEOUT_MS = 30_000;

const stops: (() => Promise<unknown>)[] = [];
after(async () => {
  for (const stop of stops.reverse()) await stop();
});

function alert(code: string, parts: Partial<Alert> = {}): Alert {
  const startsAt = new Date(Date.now() - 60_000).toISOString();
  const endsAt = new Date(Date.now() + 900_000).toISOString();
  return {
    labels: { alertname: 'ApiErrorSpike', code },
    annotations: { summary: code },
    startsAt,
    endsAt,
    generatorURL: 'http://x/',
    ...parts,
  };
}
/** Alertmanager refuses an alert that ends before it starts. */
const refused = (code: string) => alert(code, { startsAt: '2026-11-24T12:00:00Z', endsAt: '2026-11-24T11:00:00Z' });

function only(urls: readonly string[], authorization: string | null = null): AlertmanagerClient {
  const [client] = createAlertmanagerClients({ urls, authorization }, log);
  return client ?? assert.fail('a client for each URL');
}

async function startStub(answer: (request: IncomingMessage, response: ServerResponse, body: string) => void) {
  const server = createServer(async (request, response) => answer(request, response, await text(request)));
  const host = `127.0.0.1:${await listenOnLoopback(server)}`;
  stops.push(async () => {
    server.closeAllConnections();
    await server[Symbol.asyncDispose]();
  });
  return host;
}

describe('a real Alertmanager', { skip: skipReason(alertmanagerMissing) }, () => {
  test('under a path prefix takes more alerts than fit a request', async () => {
    const alertmanager = await startAlertmanager({ routePrefix: '/prefix' });
    stops.push(alertmanager.stop);
    const alerts = Array.from({ length: 150 }, (_, n) => alert(`CODE_${n}`));
    const results = await only([`${alertmanager.url}/`]).push(alerts, options);
    assert.deepEqual(new Set(results), new Set(['accepted']));
    assert.equal((await alertmanager.listAlerts()).length, 150);
  });
  test('refuses the bad ones alone: every good neighbour is taken', async () => {
    const alertmanager = await startAlertmanager();
    stops.push(alertmanager.stop);
    const alerts = [alert('A'), refused('B'), alert('C'), alert('D'), refused('E')];
    const results = await only([alertmanager.url]).push(alerts, options);
    assert.deepEqual(results, ['accepted', 'rejected', 'accepted', 'accepted', 'rejected']);
    const listed = (await alertmanager.listAlerts()).map(({ labels }) => labels['code']);
    assert.deepEqual(listed.toSorted(), ['A', 'C', 'D']);
  });
  test('of several each gets every alert, also when another is away', async () => {
    const [one, two] = [await startAlertmanager(), await startAlertmanager()];
    stops.push(one.stop, two.stop);
    await one.kill();
    const clients = createAlertmanagerClients({ urls: [one.url, two.url], authorization: null }, log);
    const results = await Promise.all(clients.map((client) => client.push([alert('A')], options)));
    assert.deepEqual(results, [['failed'], ['accepted']]);
    assert.equal((await two.listAlerts()).length, 1);
  });
});

describe('a server that misbehaves', () => {
  test('with 500 is asked twice, then the alerts have failed', async () => {
    let requests = 0;
    const host = await startStub((_request, response) => {
      requests += 1;
      response.writeHead(500).end('broken');
    });
    assert.deepEqual(await only([`http://${host}`]).push([alert('A'), alert('B')], options), ['failed', 'failed']);
    assert.equal(requests, 2);
  });
  test('that refuses our credentials is not asked twice', async () => {
    let requests = 0;
    const host = await startStub((_request, response) => {
      requests += 1;
      response.writeHead(401).end();
    });
    assert.deepEqual(await only([`http://${host}`]).push([alert('A')], options), ['failed']);
    assert.equal(requests, 1);
  });
  test('that redirects is not followed', async () => {
    let isReached = false;
    const elsewhere = await startStub((_request, response) => {
      isReached = true;
      response.end();
    });
    const host = await startStub((_request, response) => response.writeHead(307, { location: `http://${elsewhere}/` }).end());
    assert.deepEqual(await only([`http://${host}`]).push([alert('A')], options), ['failed']);
    assert.equal(isReached, false);
  });
  test('that never answers fails after a few seconds and is not asked twice, or fails at once when we stop', {
    timeout: TEST_TIMEOUT_MS,
  }, async () => {
    const asked = Promise.withResolvers<void>();
    let requests = 0;
    const host = await startStub(() => {
      requests += 1;
      asked.resolve();
    });
    const stopping = new AbortController();
    const pushing = only([`http://${host}`]).push([alert('A')], { ...options, signal: stopping.signal });
    await asked.promise;
    stopping.abort();
    assert.deepEqual(await pushing, ['failed']);
    assert.deepEqual(await only([`http://${host}`]).push([alert('A')], options), ['failed']);
    assert.equal(requests, 2);
  });
  test('that fails again and again is left alone for a while', { timeout: TEST_TIMEOUT_MS }, async () => {
    let requests = 0;
    const host = await startStub((_request, response) => {
      requests += 1;
      response.writeHead(503).end();
    });
    const client = only([`http://${host}`]);
    for (let n = 0; n < 6; n += 1) await client.push([alert('A')], options);
    assert.equal(requests, 5);
  });
});

test('the Authorization header is sent: the configured one, or that of the URL', async () => {
  const seen: (string | undefined)[] = [];
  const host = await startStub((request, response) => {
    seen.push(request.headers.authorization);
    response.end();
  });
  await only([`http://${host}`], 'Bearer abc').push([alert('A')], options);
  await only([`http://us%2Fer:pass@${host}`]).push([alert('A')], options);
  assert.deepEqual(seen, ['Bearer abc', `Basic ${Buffer.from('us/er:pass').toString('base64')}`]);
});

test('nothing is sent once this process no longer leads', async () => {
  let requests = 0;
  const host = await startStub((_request, response) => {
    requests += 1;
    response.end();
  });
  assert.deepEqual(await only([`http://${host}`]).push([alert('A')], { ...options, mayPush: () => false }), ['failed']);
  assert.equal(requests, 0);
});

test('no log line and no name holds a credential, and a refusal is clipped', async () => {
  lines.length = 0;
  const host = await startStub((request, response) => {
    const status = request.url?.startsWith('/bad') === true ? 400 : 500;
    response.writeHead(status).end(`echo ${'x'.repeat(5000)}`);
  });
  for (const path of ['bad', 'down']) {
    const client = only([`http://canary:s3cret@${host}/${path}`], 'Bearer t0ken');
    await client.push([alert('A')], options);
    assert.equal(client.name, `http://${host}/${path}`);
  }
  assert.equal(lines.length, 2);
  for (const line of lines) {
    assert.doesNotMatch(line, /canary|s3cret|t0ken/);
    assert.ok(line.length < 600);
  }
});
