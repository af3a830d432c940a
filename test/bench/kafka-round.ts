/**
 * Kafka end to end, and a client that only consumes, from the same topic on a real broker.
 *
 * The records lie in the topic before the clock runs. The service starts on an empty directory, and the clock starts when
 * it has committed as many rows as the warm-up has: joining the group and compiling hot code are not measured. It ends
 * when every distinct envelope is committed, read from the totals that share the rows' transaction; the rows themselves
 * are then counted once. A record is counted whether it is new or a repeat: each has to be read and decided.
 */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { KafkaBroker } from '../support/kafka.ts';
import type { SurgewatchProcess } from '../support/surgewatch-process.ts';
import { cpuSecondsOf, peakRssBytes, postgresCpuSeconds } from './process-usage.ts';
import type { TopicRecord } from './workload.ts';

const PARTITION_COUNT = 12;
const SEND_SIZE = 5_000;
/** The totals table has a row a series and lane: asking it this often costs PostgreSQL next to nothing. */
const POLL_MS = 20;
const DRAIN_DEADLINE_MS = 240_000;
const MICROSECONDS = 1_000_000;

export async function produce(broker: KafkaBroker, topic: string, records: readonly TopicRecord[]): Promise<void> {
  await broker.createTopic(topic, PARTITION_COUNT);
  const producer = broker.kafka.producer();
  await producer.connect();
  for (let at = 0; at < records.length; at += SEND_SIZE) {
    await producer.send({ topic, messages: records.slice(at, at + SEND_SIZE) });
  }
  await producer.disconnect();
}

/** Records a second of kafkajs that reads every record, looks at none and commits each batch. Counted from the first batch on. */
export async function consumeOnly(broker: KafkaBroker, topic: string, recordCount: number): Promise<number> {
  const consumer = broker.kafka.consumer({ groupId: `${topic}-consume-only` });
  const { promise: ended, resolve: end, reject } = Promise.withResolvers<number>();
  let startedMs = 0;
  let first = 0;
  let count = 0;
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  // A fresh broker still loads its group coordinator; kafkajs then begins again by itself.
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) reject(payload.error);
  });
  await consumer.run({
    eachBatch: async ({ batch }) => {
      count += batch.messages.length;
      // What the first batch took to come is joining, not reading.
      if (startedMs === 0) {
        startedMs = performance.now();
        first = count;
      }
      if (count >= recordCount) end((count - first) / ((performance.now() - startedMs) / 1000));
    },
  });
  try {
    return await ended;
  } finally {
    await consumer.disconnect();
  }
}

export interface Drain {
  readonly recordsPerSecond: number;
  /** CPU microseconds a record. */
  readonly serviceCpu: number;
  readonly postgresCpu: number;
  readonly peakRssBytes: number;
}

export interface DrainInput {
  readonly service: Pick<SurgewatchProcess, 'pid' | 'dataDir' | 'output'>;
  readonly connectionString: string;
  readonly recordCount: number;
  readonly distinctCount: number;
  readonly warmUpRows: number;
}

/** @throws Error when it does not end, or ends with other rows than the topic holds. */
export async function measureDrain(input: DrainInput): Promise<Drain> {
  const { service, connectionString, recordCount, distinctCount, warmUpRows } = input;
  const client = new pg.Client({ connectionString });
  await client.connect();
  const ask = async (text: string) => Number((await client.query<{ n: string }>(text)).rows[0]?.n);
  const readCommitted = () => ask('select coalesce(sum(total), 0) as n from error_total');
  const deadlineMs = performance.now() + DRAIN_DEADLINE_MS;
  async function untilCommitted(rows: number) {
    for (;;) {
      const committed = await readCommitted();
      const nowMs = performance.now();
      if (committed >= rows) {
        return { committed, nowMs, service: cpuSecondsOf(service.pid), postgres: postgresCpuSeconds(service.dataDir) };
      }
      if (nowMs > deadlineMs) throw new Error(`only ${committed} of ${rows} rows were committed:\n${service.output()}`);
      await delay(POLL_MS);
    }
  }
  try {
    const from = await untilCommitted(warmUpRows);
    const to = await untilCommitted(distinctCount);
    const rows = await ask('select count(*) as n from envelope');
    if (rows !== distinctCount) throw new Error(`the table holds ${rows} rows, the topic ${distinctCount} distinct envelopes`);
    const records = ((to.committed - from.committed) * recordCount) / distinctCount;
    return {
      recordsPerSecond: records / ((to.nowMs - from.nowMs) / 1000),
      serviceCpu: ((to.service - from.service) * MICROSECONDS) / records,
      postgresCpu: ((to.postgres - from.postgres) * MICROSECONDS) / records,
      peakRssBytes: peakRssBytes(service.pid),
    };
  } finally {
    await client.end();
  }
}
