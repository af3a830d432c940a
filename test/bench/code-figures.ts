/**
 * What a million codes cost that somebody invents, half of them by Kafka and half by webhook, after as long envelopes of a
 * known code: both are rounds of the same work, so that what is left between them is what the codes themselves cost.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type Alertmanager, startAlertmanager } from '../support/alertmanager.ts';
import { type Flood, floodEnvelope, knownEnvelope, postFlood, produceFlood } from '../support/code-flood.ts';
import type { KafkaBroker } from '../support/kafka.ts';
import { readMetric, readSeriesCounts } from '../support/metrics-text.ts';
import { alertmanagerMissing } from '../support/requirements.ts';
import type { SurgewatchProcess } from '../support/surgewatch-process.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { waitFor } from '../support/wait-for.ts';
import { type Figure, percentileOf } from './figures.ts';
import { connectionStringOf, timedStart } from './ingest-rounds.ts';
import type { BenchOptions } from './options.ts';
import { cpuSecondsOf, rssBytes } from './process-usage.ts';

const TOPIC = 'bench-codes';
const PARTITION_COUNT = 4;
const DEADLINE_MS = 1_800_000;
const DIGEST_DEADLINE_MS = 180_000;
/** Time in which what was read and written is let go of, and the detector takes the codes in. */
const SETTLE_MS = 45_000;
const SCRAPES = 100;
const MEGABYTE = 1_000_000;
const MICROSECONDS = 1_000_000;

interface Sending {
  readonly service: SurgewatchProcess;
  readonly broker: KafkaBroker | null;
  readonly count: number;
  readonly countedBefore: number;
  readonly make: Flood['make'];
}

/** All of them, until they are counted. */
async function send({ service, broker, count, countedBefore, make }: Sending) {
  const half = broker === null ? 0 : Math.floor(count / 2);
  const cpuBefore = cpuSecondsOf(service.pid);
  const startedMs = performance.now();
  const produced = broker === null ? Promise.resolve() : produceFlood(broker, TOPIC, { from: 0, to: half, make });
  await Promise.all([produced, postFlood(service.url, { from: half, to: count, make })]);
  const isCounted = async () => ((await readMetric(service.url, 'surgewatch_errors_total')) ?? 0) >= countedBefore + count;
  await waitFor(isCounted, { deadlineMs: DEADLINE_MS, what: `${count} envelopes to be counted`, pollMs: 250 });
  const perSecond = count / ((performance.now() - startedMs) / 1000);
  await delay(SETTLE_MS);
  const cpuMicros = ((cpuSecondsOf(service.pid) - cpuBefore) * MICROSECONDS) / count;
  return { perSecond, cpuMicros, rss: rssBytes(service.pid) / MEGABYTE };
}

export async function measureCodes(
  { sizes }: BenchOptions,
  broker: KafkaBroker | null,
  say: (text: string) => void,
): Promise<{ readonly figures: readonly Figure[]; readonly notes: readonly string[] }> {
  await broker?.createTopic(TOPIC, PARTITION_COUNT);
  const alertmanager = alertmanagerMissing === null ? await startAlertmanager() : null;
  const dir = makeTempDir('bench-codes');
  const dataDir = join(dir.path, 'data');
  const { service } = await timedStart({
    dataDir,
    env: {
      ...(broker === null ? {} : { KAFKA_BROKERS: broker.brokers.join(), KAFKA_TOPIC: TOPIC }),
      ...(alertmanager === null ? {} : { ALERTMANAGER_URLS: alertmanager.url }),
    },
  });
  const client = new pg.Client({ connectionString: await connectionStringOf(dataDir) });
  await client.connect();
  const ask = async (text: string) => Number((await client.query<{ n: string }>(text)).rows[0]?.n);
  try {
    // Codes are news only after a first day that was listened to.
    await client.query("insert into collected_span values ('before', now() - interval '2 days', now())");
    const timestamp = new Date().toISOString();
    say(`${sizes.floodWarmUpErrors} errors of a known code`);
    const warmUp = { service, broker, count: sizes.floodWarmUpErrors, countedBefore: 0 };
    const known = await send({ ...warmUp, make: (n) => knownEnvelope(n, timestamp) });
    say(`${sizes.floodCodes} codes that nobody knows`);
    const make = (n: number) => floodEnvelope(n, timestamp);
    const flood = await send({ service, broker, count: sizes.floodCodes, countedBefore: sizes.floodWarmUpErrors, make });
    const digests = alertmanager === null ? null : await untilTold(alertmanager);
    const scrapes: Awaited<ReturnType<typeof readSeriesCounts>>[] = [];
    for (let nth = 0; nth < SCRAPES; nth += 1) scrapes.push(await readSeriesCounts(service.url));
    const sent = sizes.floodWarmUpErrors + sizes.floodCodes;
    const named = await ask("select sum(total) as n from error_total where code <> '_other'");
    const other = (await readMetric(service.url, 'surgewatch_errors_total', { code: '_other' })) ?? Number.NaN;
    const missing = [
      sent - (await ask('select count(*) as n from envelope')),
      sent - (await ask('select sum(error_count) as n from bucket_count')),
      sent - ((await readMetric(service.url, 'surgewatch_errors_total')) ?? Number.NaN),
      sent - named - other,
    ];
    const keptNames = await ask('select (select count(*) from error_series) + (select count(*) from counted_code) as n');
    const figures = figuresOf({ known, flood, scrapes, missing, keptNames, digests });
    return { figures, notes: alertmanager === null ? [`New codes are told to nobody: ${alertmanagerMissing}.`] : [] };
  } finally {
    await client.end();
    await service.stop();
    await alertmanager?.stop();
    dir.remove();
  }
}

/** How many alerts the new codes are. */
async function untilTold(alertmanager: Alertmanager): Promise<number> {
  const told = async () => (await alertmanager.listAlerts()).filter(({ labels }) => labels['alertname'] !== 'SurgewatchWatchdog');
  const isThere = async () => (await told()).some(({ labels }) => labels['alertname'] === 'ApiErrorNewCode');
  await waitFor(isThere, { deadlineMs: DIGEST_DEADLINE_MS, what: 'the digest of the new codes' });
  return (await told()).length;
}

interface Found {
  readonly known: Awaited<ReturnType<typeof send>>;
  readonly flood: Awaited<ReturnType<typeof send>>;
  readonly scrapes: readonly Awaited<ReturnType<typeof readSeriesCounts>>[];
  readonly missing: readonly number[];
  readonly keptNames: number;
  readonly digests: number | null;
}

function figuresOf({ known, flood, scrapes, missing, keptNames, digests }: Found): readonly Figure[] {
  const atMost = (bound: number) => ({ of: 'figure', is: 'at_most', bound }) as const;
  const durations = scrapes.map(({ durationMs }) => durationMs);
  const mostSeries = Math.max(...scrapes.flatMap(({ counts }) => [...counts.values()]));
  const toKnown = { what: 'as many errors of a known code', values: [known.perSecond] };
  return [
    { what: 'invented codes: most series of a metric', unit: 'series', values: [mostSeries], aim: atMost(1_001) },
    { what: '  a scrape, p50', unit: 'ms', values: [percentileOf(durations, 0.5)], aim: atMost(100) },
    { what: '  p99', unit: 'ms', values: [percentileOf(durations, 0.99)], aim: atMost(100) },
    { what: '  memory of the service before', unit: 'MB', values: [known.rss] },
    { what: '  and what they added', unit: 'MB', values: [flood.rss - known.rss], aim: atMost(20) },
    {
      what: '  rows, counts and counters that differ',
      unit: 'rows',
      values: [Math.max(...missing.map(Math.abs))],
      aim: atMost(0),
    },
    { what: '  names kept in PostgreSQL', unit: 'rows', values: [keptNames], aim: atMost(11_000) },
    ...(digests === null ? [] : [{ what: '  alerts', unit: 'alerts', values: [digests], aim: atMost(1) }]),
    { what: '  stored', unit: '1/s', values: [flood.perSecond], reference: toKnown },
    { what: '  CPU of the service', unit: 'us/envelope', values: [flood.cpuMicros] },
    { what: '  CPU of the service, known code', unit: 'us/envelope', values: [known.cpuMicros] },
  ];
}
