/**
 * How long a single envelope takes on an otherwise quiet topic until it is counted: from just before it is sent to a real
 * broker until a scrape of /metrics that shows it has been read. So the sending itself, the scrape and half of what lies
 * between two scrapes are part of the figure; what the broker took to acknowledge stands beside it, as does the mean of what
 * the service itself measures, from receiving to COMMIT. One after another, each after a pause of its own drawn from a seed,
 * so that they fall anywhere into the client's waits.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createDice } from '../fixtures/worlds/dice.ts';
import { envelope } from '../support/envelopes.ts';
import type { KafkaBroker } from '../support/kafka.ts';
import { readMetric } from '../support/metrics-text.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { waitFor } from '../support/wait-for.ts';
import { type Figure, percentileOf } from './figures.ts';
import { timedStart } from './ingest-rounds.ts';
import type { BenchOptions } from './options.ts';

const TOPIC = 'bench-quiet';
const PARTITION_COUNT = 12;
const SHORTEST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 400;
const POLL_MS = 5;
const WARM_UP_ENVELOPES = 30;
/** Of the first envelope too, which waits until the service has joined its group. */
const DEADLINE_MS = 60_000;

export async function measureQuiet({ sizes, seed }: BenchOptions, broker: KafkaBroker | null): Promise<readonly Figure[]> {
  if (broker === null) return [];
  const { between } = createDice(seed);
  const dir = makeTempDir('bench-quiet');
  await broker.createTopic(TOPIC, PARTITION_COUNT);
  const client = process.env['KAFKA_CLIENT'] ?? 'kafkajs';
  const kafkaEnv = { KAFKA_BROKERS: broker.brokers.join(), KAFKA_TOPIC: TOPIC, KAFKA_CLIENT: client };
  const producer = broker.kafka.producer();
  await producer.connect();
  try {
    const { service } = await timedStart({ dataDir: join(dir.path, 'data'), env: kafkaEnv });
    const read = async (name: string) => (await readMetric(service.url, `surgewatch_${name}`)) ?? 0;
    const readCommits = async () => ({
      sum: await read('ingest_latency_seconds_sum'),
      n: await read('ingest_latency_seconds_count'),
    });
    let counted = 0;
    async function sendOne() {
      await delay(between(SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS));
      const one = envelope();
      const messages = [{ key: one.requestId, value: JSON.stringify(one) }];
      counted += 1;
      const isCounted = async () => (await read('errors_total')) >= counted;
      const startedMs = performance.now();
      const elapsedMs = () => performance.now() - startedMs;
      const [acknowledgedMs, countedMs] = await Promise.all([
        producer.send({ topic: TOPIC, messages }).then(elapsedMs),
        waitFor(isCounted, { deadlineMs: DEADLINE_MS, what: 'an envelope to be counted', pollMs: POLL_MS }).then(elapsedMs),
      ]);
      return { acknowledgedMs, countedMs };
    }
    try {
      for (let n = 0; n < WARM_UP_ENVELOPES; n += 1) await sendOne();
      const before = await readCommits();
      const sent: Awaited<ReturnType<typeof sendOne>>[] = [];
      for (let n = 0; n < sizes.quietEnvelopes; n += 1) sent.push(await sendOne());
      const after = await readCommits();
      const commitMs = ((after.sum - before.sum) / (after.n - before.n)) * 1000;
      return quietFigures(client, sent, commitMs);
    } finally {
      await service.stop();
    }
  } finally {
    await producer.disconnect();
    dir.remove();
  }
}

function quietFigures(
  client: string,
  sent: readonly { readonly countedMs: number; readonly acknowledgedMs: number }[],
  commitMs: number,
): readonly Figure[] {
  const counted = sent.map(({ countedMs }) => countedMs);
  const acknowledged = sent.map(({ acknowledgedMs }) => acknowledgedMs);
  return [
    { what: `one envelope to counted in /metrics, ${client}, p50`, unit: 'ms', values: [percentileOf(counted, 0.5)] },
    {
      what: '  p99',
      unit: 'ms',
      values: [percentileOf(counted, 0.99)],
      aim: { of: 'figure', is: 'at_most', bound: 300 },
    },
    { what: '  until the broker acknowledged it, p50', unit: 'ms', values: [percentileOf(acknowledged, 0.5)] },
    { what: '  from received to COMMIT, mean', unit: 'ms', values: [commitMs] },
  ];
}
