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
import { INSPECTED, readLiveMemory } from './live-memory.ts';
import type { BenchOptions } from './options.ts';
import { cpuSecondsOf } from './process-usage.ts';

const TOPIC = 'bench-codes';
const PARTITION_COUNT = 4;
const DEADLINE_MS = 1_800_000;
const DIGEST_DEADLINE_MS = 180_000;
/** Time in which the detector takes the codes in. */
const SETTLE_MS = 45_000;
const SCRAPES = 100;
/** Three in four are valid: enough for the 10 000 codes that have counts and a detector of their own. */
const FILLING_CODES = 20_000;
const MEGABYTE = 1_000_000;
const MICROSECONDS = 1_000_000;

interface Sending extends Flood {
  readonly service: SurgewatchProcess;
  readonly broker: KafkaBroker | null;
  readonly countedBefore: number;
}

/** All of them, until they are counted. */
async function send({ service, broker, from, to, countedBefore, make }: Sending) {
  const count = to - from;
  const middle = broker === null ? from : from + Math.floor(count / 2);
  const cpuBefore = cpuSecondsOf(service.pid);
  const startedMs = performance.now();
  const produced = broker === null ? Promise.resolve() : produceFlood(broker, TOPIC, { from, to: middle, make });
  await Promise.all([produced, postFlood(service.url, { from: middle, to, make })]);
  const isCounted = async () => ((await readMetric(service.url, 'surgewatch_errors_total')) ?? 0) >= countedBefore + count;
  await waitFor(isCounted, { deadlineMs: DEADLINE_MS, what: `${count} envelopes to be counted`, pollMs: 250 });
  const perSecond = count / ((performance.now() - startedMs) / 1000);
  await delay(SETTLE_MS);
  const cpuMicros = ((cpuSecondsOf(service.pid) - cpuBefore) * MICROSECONDS) / count;
  const { heapBytes, rssBytes } = await readLiveMemory(service);
  return { perSecond, cpuMicros, heap: heapBytes / MEGABYTE, rss: rssBytes / MEGABYTE };
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
      ...INSPECTED,
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
    const { floodWarmUpErrors: before, floodCodes } = sizes;
    const makeKnown = (n: number) => knownEnvelope(n, timestamp);
    const known = await send({ service, broker, from: 0, to: before, countedBefore: 0, make: makeKnown });
    const make = (n: number) => floodEnvelope(n, timestamp);
    say(`${FILLING_CODES} codes that nobody knows: more than are watched by name`);
    const filled = await send({ service, broker, from: 0, to: FILLING_CODES, countedBefore: before, make });
    if (alertmanager !== null) await untilTold(alertmanager);
    say(`${floodCodes - FILLING_CODES} more`);
    const rest = { from: FILLING_CODES, to: floodCodes, countedBefore: before + FILLING_CODES };
    const flood = await send({ service, broker, ...rest, make });
    const alertCount = alertmanager === null ? null : await untilTold(alertmanager);
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
    const figures = figuresOf({ known, filled, flood, scrapes, missing, keptNames, alertCount });
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
  /** After the codes that are watched by name. */
  readonly filled: Awaited<ReturnType<typeof send>>;
  readonly flood: Awaited<ReturnType<typeof send>>;
  readonly scrapes: readonly Awaited<ReturnType<typeof readSeriesCounts>>[];
  readonly missing: readonly number[];
  readonly keptNames: number;
  readonly alertCount: number | null;
}

function figuresOf({ known, filled, flood, scrapes, missing, keptNames, alertCount }: Found): readonly Figure[] {
  const atMost = (bound: number) => ({ of: 'figure', is: 'at_most', bound }) as const;
  const durations = scrapes.map(({ durationMs }) => durationMs);
  const mostSeries = Math.max(...scrapes.flatMap(({ counts }) => [...counts.values()]));
  const toKnown = { what: 'as many errors of a known code', values: [known.perSecond] };
  return [
    { what: 'invented codes: most series of a metric', unit: 'series', values: [mostSeries], aim: atMost(1_001) },
    { what: '  a scrape, p50', unit: 'ms', values: [percentileOf(durations, 0.5)], aim: atMost(100) },
    { what: '  p99', unit: 'ms', values: [percentileOf(durations, 0.99)], aim: atMost(100) },
    { what: '  live heap of the service before', unit: 'MB', values: [known.heap] },
    { what: '  added by those that are watched by name', unit: 'MB', values: [filled.heap - known.heap] },
    { what: '  added by all others', unit: 'MB', values: [flood.heap - filled.heap], aim: atMost(20) },
    { what: '  resident memory that all added', unit: 'MB', values: [flood.rss - known.rss], aim: atMost(20) },
    {
      what: '  rows, counts and counters that differ',
      unit: 'rows',
      values: [Math.max(...missing.map(Math.abs))],
      aim: atMost(0),
    },
    { what: '  names kept in PostgreSQL', unit: 'rows', values: [keptNames], aim: atMost(11_000) },
    ...(alertCount === null ? [] : [{ what: '  alerts', unit: 'alerts', values: [alertCount], aim: atMost(1) }]),
    { what: '  stored', unit: '1/s', values: [flood.perSecond], reference: toKnown },
    { what: '  CPU of the service', unit: 'us/envelope', values: [flood.cpuMicros] },
    { what: '  CPU of the service, known code', unit: 'us/envelope', values: [known.cpuMicros] },
  ];
}
