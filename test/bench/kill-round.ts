/**
 * Exactness under kills: a topic of a million records, of which the service is killed with SIGKILL three times while it
 * reads them, at a quarter, half and three quarters, and started again on the same directory. What must hold afterwards is
 * no matter of speed: rows are the distinct valid envelopes, counters and bucket counts are the rows, dead letters are the
 * malformed records, and `reconcile` finds nothing.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { KafkaBroker } from '../support/kafka.ts';
import { hasDrained, keptOf, readCounters, readKept } from '../support/kept.ts';
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
  const truth = truthOf(recordCount);
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
    for (const share of KILL_AT) {
      const isReached = async () => (await readCounters(service.url)) >= share * truth.valid;
      await waitFor(isReached, { deadlineMs: DRAIN_DEADLINE_MS, what: `${share} of the envelopes to be counted`, pollMs: 20 });
      await service.kill9();
      service = await startSurgewatch({ dataDir, env });
    }
    const isDrained = () => hasDrained(service, truth);
    await waitFor(isDrained, { deadlineMs: DRAIN_DEADLINE_MS, what: 'the topic to be drained', pollMs: 250 });
    const seconds = (performance.now() - startedMs) / 1000;
    const found = await readKept(service);
    const exact = keptOf(truth);
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
      off('rows', found.rows, exact.rows),
      off('counters', found.counters, exact.counters),
      off('bucket counts', found.buckets, exact.buckets),
      off('dead letters', found.deadLetters, exact.deadLetters),
      off('exit code of reconcile', reconcile.code, 0),
      { what: `${recordCount} records read, starts included`, unit: 's', values: [seconds] },
    ];
  } finally {
    dir.remove();
  }
}
