/**
 * `GET /v1/requests/{id}` for random existing ids, one after another and at eight at once, as its caller sees it: over
 * HTTP on a kept connection until the last byte. Beside it, on the same server in the same round, what a COMMIT takes: an
 * empty one, which is a round trip, and one of a single row, which waits for the disk.
 */
import { Agent, get } from 'node:http';
import type pg from 'pg';
import type { SurgewatchProcess } from '../support/surgewatch-process.ts';
import { percentileOf } from './figures.ts';
import { cpuSecondsOf, postgresCpuSeconds } from './process-usage.ts';

const CONCURRENCY = 8;

export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface LookupRound {
  readonly alone: Latency;
  readonly concurrent: Latency;
  readonly lookupsPerSecond: number;
  /** CPU milliseconds a lookup, eight at once. */
  readonly serviceCpuMs: number;
  readonly postgresCpuMs: number;
  readonly emptyCommit: Latency;
  readonly rowCommit: Latency;
}

export interface LookupInput {
  readonly service: Pick<SurgewatchProcess, 'url' | 'pid' | 'dataDir'>;
  readonly client: pg.Client;
  readonly ids: readonly string[];
  readonly commitCount: number;
}

export async function runLookups({ service, client, ids, commitCount }: LookupInput): Promise<LookupRound> {
  const { url, pid, dataDir } = service;
  const alone = await lookUpAll(url, ids, 1);
  const emptyCommit = await timeEach(commitCount, () => client.query('begin; commit'));
  const [serviceBefore, postgresBefore] = [cpuSecondsOf(pid), postgresCpuSeconds(dataDir)];
  const concurrent = await lookUpAll(url, ids, CONCURRENCY);
  const [serviceAfter, postgresAfter] = [cpuSecondsOf(pid), postgresCpuSeconds(dataDir)];
  await client.query('create table if not exists bench_commit (n int)');
  const rowCommit = await timeEach(commitCount, () => client.query('insert into bench_commit values (1)'));
  return {
    alone: alone.latency,
    concurrent: concurrent.latency,
    lookupsPerSecond: ids.length / concurrent.seconds,
    serviceCpuMs: ((serviceAfter - serviceBefore) * 1000) / ids.length,
    postgresCpuMs: ((postgresAfter - postgresBefore) * 1000) / ids.length,
    emptyCommit,
    rowCommit,
  };
}

async function lookUpAll(url: string, ids: readonly string[], concurrency: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  const durationsMs: number[] = [];
  const left = [...ids];
  async function askInTurn(): Promise<void> {
    for (let id = left.pop(); id !== undefined; id = left.pop()) {
      const startedMs = performance.now();
      const status = await statusOf(`${url}/v1/requests/${id}`, agent);
      durationsMs.push(performance.now() - startedMs);
      if (status !== 200) throw new Error(`an existing id was answered by ${status}`);
    }
  }
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: concurrency }, askInTurn));
  const seconds = (performance.now() - startedMs) / 1000;
  agent.destroy();
  return { latency: latencyOf(durationsMs), seconds };
}

function statusOf(url: string, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = get(url, { agent }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
      response.on('error', reject);
    });
    sent.on('error', reject);
  });
}

async function timeEach(count: number, work: () => Promise<unknown>): Promise<Latency> {
  const durationsMs: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const startedMs = performance.now();
    await work();
    durationsMs.push(performance.now() - startedMs);
  }
  return latencyOf(durationsMs);
}

function latencyOf(durationsMs: readonly number[]): Latency {
  return { p50Ms: percentileOf(durationsMs, 0.5), p99Ms: percentileOf(durationsMs, 0.99) };
}
