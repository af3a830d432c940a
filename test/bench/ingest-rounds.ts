/**
 * One round of all that takes envelopes in, from an empty directory: the topic is filled and read by a client that only
 * consumes; the service starts and drains it; COPY loads the same envelopes into the same server; the service starts again
 * and takes webhooks. So everything that is compared was measured within a minute, on one server, and the webhook, not
 * COPY or Kafka, finds rows there already.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import pg from 'pg';
import { readConnectionFile } from '../../src/store/embedded-connection-file.ts';
import type { KafkaBroker } from '../support/kafka.ts';
import { readMetric } from '../support/metrics-text.ts';
import { type SurgewatchProcess, startSurgewatch } from '../support/surgewatch-process.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { type CopyRound, runCopyRound } from './copy-reference.ts';
import { consumeOnly, type Drain, measureDrain, produce } from './kafka-round.ts';
import type { BenchOptions } from './options.ts';
import { type BatchRound, runBatches, runSingles, type SingleRound } from './webhook-round.ts';
import { DUPLICATE_EVERY, makeRecords, meanBytes } from './workload.ts';

export interface IngestRound {
  readonly meanBytes: number;
  /** Spawn to the first 200 of readiness, on an empty directory and on the one it left. */
  readonly firstStartSeconds: number;
  readonly laterStartSeconds: number;
  readonly copy: CopyRound | null;
  /** null: no broker, or not asked for. */
  readonly kafka: { readonly consumeOnly: number; readonly drain: Drain } | null;
  readonly webhook: { readonly batch: BatchRound; readonly single: SingleRound; readonly noOp: SingleRound } | null;
}

export interface IngestDeps {
  readonly options: BenchOptions;
  readonly broker: KafkaBroker | null;
  readonly noOpUrl: string | null;
}

export async function runIngestRound({ options, broker, noOpUrl }: IngestDeps): Promise<IngestRound> {
  const { sizes, profileDir } = options;
  const recordCount = sizes.kafkaRecords + sizes.kafkaWarmUpRecords;
  const { records, distinct } = makeRecords(recordCount);
  const dir = makeTempDir('bench');
  const dataDir = join(dir.path, 'data');
  const topic = `bench-${randomBytes(4).toString('hex')}`;
  try {
    if (broker !== null) await produce(broker, topic, records);
    const consumed = broker === null ? 0 : await consumeOnly(broker, topic, recordCount);

    const client = process.env['KAFKA_CLIENT'] ?? 'kafkajs';
    const kafkaEnv =
      broker === null
        ? {}
        : { KAFKA_BROKERS: broker.brokers.join(), KAFKA_TOPIC: topic, KAFKA_GROUP_ID: topic, KAFKA_CLIENT: client };
    const profileEnv = profileDir === null ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profileDir}` };
    const first = await timedStart({ dataDir, env: { ...kafkaEnv, ...profileEnv } });
    let drain: Drain | null = null;
    let copy: CopyRound | null = null;
    try {
      const connectionString = await connectionStringOf(dataDir);
      if (broker !== null) {
        const warmUpRows = Math.floor(sizes.kafkaWarmUpRecords * (1 - 1 / DUPLICATE_EVERY));
        const counts = { recordCount, distinctCount: distinct.length, warmUpRows };
        drain = await measureDrain({ service: first.service, connectionString, ...counts });
      }
      if (broker !== null || noOpUrl !== null) copy = await runCopyRound({ connectionString, dataDir, envelopes: distinct });
    } finally {
      await first.service.stop();
    }

    const later = await timedStart({ dataDir });
    try {
      return {
        meanBytes: meanBytes(records),
        firstStartSeconds: first.seconds,
        laterStartSeconds: later.seconds,
        copy,
        kafka: drain === null ? null : { consumeOnly: consumed, drain },
        webhook: noOpUrl === null ? null : await runWebhooks(later.service, noOpUrl, options),
      };
    } finally {
      await later.service.stop();
    }
  } finally {
    dir.remove();
  }
}

async function runWebhooks({ url, dataDir }: SurgewatchProcess, noOpUrl: string, { sizes }: BenchOptions) {
  await runBatches(url, sizes.batchWarmUpRequests);
  await checkpoint(dataDir);
  const batch = await runBatches(url, sizes.batchRequests);
  await runSingles(url, sizes.singleWarmUpSeconds);
  await checkpoint(dataDir);
  const readStored = async () => (await readMetric(url, 'surgewatch_envelopes_stored_total', { source: 'webhook' })) ?? 0;
  const before = await readStored();
  const single = await runSingles(url, sizes.singleSeconds);
  const stored = (await readStored()) - before;
  if (stored < single.answered) throw new Error(`${single.answered} envelopes were answered but ${stored} stored`);
  await runSingles(noOpUrl, sizes.singleWarmUpSeconds);
  const noOp = await runSingles(noOpUrl, sizes.singleSeconds);
  return { batch, single, noOp };
}

export async function timedStart(start: { readonly dataDir: string; readonly env?: Readonly<Record<string, string>> }) {
  const startedMs = performance.now();
  const service = await startSurgewatch(start);
  return { service, seconds: (performance.now() - startedMs) / 1000 };
}

export async function connectionStringOf(dataDir: string): Promise<string> {
  const connection = await readConnectionFile(dataDir);
  if (connection === null) throw new Error('the service runs no database in its directory');
  return connection.connectionString;
}

/** So that no measurement pays for what was written before it. */
async function checkpoint(dataDir: string): Promise<void> {
  const client = new pg.Client({ connectionString: await connectionStringOf(dataDir) });
  await client.connect();
  try {
    await client.query('checkpoint');
  } finally {
    await client.end();
  }
}
