/**
 * Exactness under kills: a topic of a million records, of which the service is killed with SIGKILL three times while it
 * reads them, at a quarter, half and three quarters, and started again on the same directory. What must hold afterwards is
 * no matter of speed: rows are the distinct valid envelopes, counters and bucket counts are the rows, dead letters are the
 * malformed records, and `reconcile` finds nothing.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { queryEmbedded } from '../support/embedded-query.ts';
import type { KafkaBroker } from '../support/kafka.ts';
import { readMetric } from '../support/metrics-text.ts';
import { runProcess } from '../support/real-process.ts';
import { startSurgewatch } from '../support/surgewatch-process.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { produceRecords, truthOf } from '../support/topic-records.ts';
import { waitFor } from '../support/wait-for.ts';
import type { Figure } from './figures.ts';

const PARTITION_COUNT = 12;
/** Of the valid envelopes, counted when the service is killed. */
const KILL_AT = [0.25, 0.5, 0.75] as const;
const DRAIN_DEADLINE_MS = 600_000;
const entry = fileURLToPath(new URL('../../src/surgewatch.js', import.meta.url));

export async function measureKills(recordCount: number, broker: KafkaBroker | null): Promise<readonly Figure[]> {
  if (broker === null) return [];
  const topic = `kills-${process.pid}`;
  const { valid, malformed } = truthOf(recordCount);
  await broker.createTopic(topic, PARTITION_COUNT);
  await produceRecords(broker, topic, recordCount);
  const dir = makeTempDir('kills');
  const dataDir = join(dir.path, 'data');
  const client = process.env['KAFKA_CLIENT'];
  const env = {
    KAFKA_BROKERS: broker.brokers.join(),
    KAFKA_TOPIC: topic,
    KAFKA_GROUP_ID: topic,
    ...(client === undefined ? {} : { KAFKA_CLIENT: client }),
  };
  const startedMs = performance.now();
  let service = await startSurgewatch({ dataDir, env });
  try {
    const counted = async () => (await readMetric(service.url, 'surgewatch_errors_total')) ?? 0;
    for (const share of KILL_AT) {
      const isReached = async () => (await counted()) >= share * valid;
      await waitFor(isReached, { deadlineMs: DRAIN_DEADLINE_MS, what: `${share} of the envelopes to be counted`, pollMs: 20 });
      await service.kill9();
      service = await startSurgewatch({ dataDir, env });
    }
    const numberOf = async (text: string) => Number((await queryEmbedded(dataDir, text))[0]?.['n']);
    const hasDrained = async () =>
      (await counted()) >= valid &&
      (await readMetric(service.url, 'surgewatch_kafka_consumer_lag')) === 0 &&
      (await numberOf('select count(*) as n from dead_letter')) >= malformed;
    await waitFor(hasDrained, { deadlineMs: DRAIN_DEADLINE_MS, what: 'the topic to be drained', pollMs: 250 });
    const seconds = (performance.now() - startedMs) / 1000;
    const found = {
      rows: await numberOf('select count(*) as n from envelope'),
      counters: await counted(),
      buckets: await numberOf('select sum(error_count) as n from bucket_count'),
      deadLetters: await numberOf('select count(*) as n from dead_letter'),
    };
    const reconcile = await runProcess({
      command: process.execPath,
      args: [entry, 'reconcile'],
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], DATA_DIR: dataDir },
    });
    await service.stop();
    const off = (what: string, is: number, shouldBe: number): Figure => ({
      what: `${what} beyond ${shouldBe} after ${KILL_AT.length} SIGKILLs`,
      unit: 'off by',
      values: [Math.abs(is - shouldBe)],
      aim: { of: 'figure', is: 'at_most', bound: 0 },
    });
    return [
      off('rows', found.rows, valid),
      off('counters', found.counters, valid),
      off('bucket counts', found.buckets, valid),
      off('dead letters', found.deadLetters, malformed),
      off('exit code of reconcile', reconcile.code, 0),
      { what: `${recordCount} records read, starts included`, unit: 's', values: [seconds] },
    ];
  } finally {
    dir.remove();
  }
}
