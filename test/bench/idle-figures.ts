/**
 * What a service costs that nobody uses: its share of one core once it has settled, without Kafka and with an empty topic.
 * Both run side by side, each on a directory of its own, so that they see the same machine. Measured once: the span is
 * long, and it is the mean of it that counts.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { KafkaBroker } from '../support/kafka.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import type { Figure } from './figures.ts';
import { timedStart } from './ingest-rounds.ts';
import type { BenchOptions } from './options.ts';
import { cpuSecondsOf, postgresCpuSeconds } from './process-usage.ts';

const TOPIC = 'bench-idle';
const PARTITION_COUNT = 12;

export async function measureIdle({ sizes }: BenchOptions, broker: KafkaBroker | null): Promise<readonly Figure[]> {
  const dir = makeTempDir('bench-idle');
  await broker?.createTopic(TOPIC, PARTITION_COUNT);
  const kafkaEnv = broker === null ? null : { KAFKA_BROKERS: broker.brokers.join(), KAFKA_TOPIC: TOPIC };
  const envs = [{ what: 'without Kafka', env: {} }, ...(kafkaEnv === null ? [] : [{ what: 'with Kafka', env: kafkaEnv }])];
  const running: { readonly what: string; readonly service: Awaited<ReturnType<typeof timedStart>>['service'] }[] = [];
  try {
    for (const { what, env } of envs) {
      const { service } = await timedStart({ dataDir: join(dir.path, `data-${running.length}`), env });
      running.push({ what, service });
    }
    await delay(sizes.idleSettleSeconds * 1000);
    const read = () =>
      running.map(({ service }) => ({ ours: cpuSecondsOf(service.pid), postgres: postgresCpuSeconds(service.dataDir) }));
    const [startedMs, before] = [performance.now(), read()];
    await delay(sizes.idleSeconds * 1000);
    const [endedMs, after] = [performance.now(), read()];
    const percent = (from = Number.NaN, to = Number.NaN) => ((to - from) / ((endedMs - startedMs) / 1000)) * 100;
    return running.flatMap(({ what }, n): readonly Figure[] => [
      {
        what: `idle CPU of the service, ${what}`,
        unit: '% of a core',
        values: [percent(before[n]?.ours, after[n]?.ours)],
        aim: { of: 'figure', is: 'at_most', bound: 2 },
      },
      { what: '  of its PostgreSQL', unit: '% of a core', values: [percent(before[n]?.postgres, after[n]?.postgres)] },
    ]);
  } finally {
    for (const { service } of running) await service.stop();
    dir.remove();
  }
}
