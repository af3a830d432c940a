/**
 * The webhook under load: batches of NDJSON on a few connections, and single envelopes on many. Every envelope is new,
 * every answer is read and every envelope must be stored, so nothing is counted that was not committed.
 *
 * Batches are sent from this process, whose cost is one write a request. Singles come from autocannon in a process of its
 * own, which replaces a mark in the body by a fresh id; the same autocannon with the same body drives a fastify that does
 * nothing, so that the load's own cost stands on both sides of the ratio. Client, service, PostgreSQL and, for the
 * reference, the empty server share this machine's cores.
 */
import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { envelope, ndjson } from '../support/envelopes.ts';
import { findFreePort } from '../support/free-port.ts';
import { type RealProcess, runProcess, startProcess } from '../support/real-process.ts';
import { waitFor } from '../support/wait-for.ts';
import { percentileOf } from './figures.ts';
import { makeEnvelopes } from './workload.ts';

export const BATCH_SIZE = 500;
const BATCH_CONNECTIONS = 8;
const SINGLE_CONNECTIONS = 64;
const NOOP_DEADLINE_MS = 20_000;
/** What autocannon replaces by an id of its own in every request. */
const ID_MARK = '[<id>]';

const noOpServer = fileURLToPath(new URL('no-op-server.ts', import.meta.url));
const autocannon = fileURLToPath(import.meta.resolve('autocannon'));

export interface BatchRound {
  readonly envelopesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export async function runBatches(url: string, requestCount: number): Promise<BatchRound> {
  const bodies = Array.from({ length: requestCount }, () => Buffer.from(ndjson(makeEnvelopes(BATCH_SIZE))));
  const agent = new Agent({ keepAlive: true, maxSockets: BATCH_CONNECTIONS });
  const durationsMs: number[] = [];
  async function sendInTurn(): Promise<void> {
    for (let body = bodies.pop(); body !== undefined; body = bodies.pop()) {
      const startedMs = performance.now();
      const answer = await post(`${url}/v1/envelopes`, body, agent);
      durationsMs.push(performance.now() - startedMs);
      if (!answer.startsWith(`{"status":"success","stored":${BATCH_SIZE},`))
        throw new Error(`not all stored: ${answer.slice(0, 200)}`);
    }
  }
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: BATCH_CONNECTIONS }, sendInTurn));
  const seconds = (performance.now() - startedMs) / 1000;
  agent.destroy();
  return {
    envelopesPerSecond: (requestCount * BATCH_SIZE) / seconds,
    p50Ms: percentileOf(durationsMs, 0.5),
    p99Ms: percentileOf(durationsMs, 0.99),
  };
}

function post(url: string, body: Buffer, agent: Agent): Promise<string> {
  const headers = { 'content-type': 'application/x-ndjson', 'content-length': body.length };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => resolve(text));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

export interface SingleRound {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly answered: number;
}

/** @throws Error when any request was not answered by 200. */
export async function runSingles(url: string, seconds: number): Promise<SingleRound> {
  const body = JSON.stringify(envelope({ details: { trunkId: 'TRK_invalid123' }, requestId: ID_MARK }));
  const load = ['-c', String(SINGLE_CONNECTIONS), '-d', String(seconds), '-m', 'POST', '-H', 'content-type=application/json'];
  const args = [autocannon, ...load, '--idReplacement', '-b', body, '--json', '--no-progress', `${url}/v1/envelopes`];
  const { code, output } = await runProcess({ command: process.execPath, args });
  const [line] = output.split('\n').filter((each) => each.startsWith('{'));
  if (code !== 0 || line === undefined) throw new Error(`autocannon failed: ${output.slice(-500)}`);
  const report = parseReport(line);
  if (report.refused > 0) throw new Error(`${report.refused} requests were not answered by 200`);
  return report;
}

/** Casts, because autocannon wrote it. */
function parseReport(text: string): SingleRound & { readonly refused: number } {
  const report = JSON.parse(text) as {
    readonly requests: { readonly average: number; readonly total: number };
    readonly latency: { readonly p50: number; readonly p99: number };
    readonly errors: number;
    readonly timeouts: number;
    readonly non2xx: number;
  };
  return {
    requestsPerSecond: report.requests.average,
    p50Ms: report.latency.p50,
    p99Ms: report.latency.p99,
    answered: report.requests.total,
    refused: report.errors + report.timeouts + report.non2xx,
  };
}

export async function startNoOpServer(): Promise<{ readonly url: string; stop(): Promise<unknown> }> {
  const port = await findFreePort();
  const server: RealProcess = await startProcess({ command: process.execPath, args: [noOpServer, String(port)] });
  const url = `http://127.0.0.1:${port}`;
  const isUp = async () => (await fetch(`${url}/v1/envelopes`, { method: 'POST' })).status > 0;
  await waitFor(isUp, { deadlineMs: NOOP_DEADLINE_MS, what: 'the empty server to listen' });
  return { url, stop: () => server.stop() };
}
