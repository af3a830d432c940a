/** What a running service kept of a topic, in the four places that must agree. */
import { queryNumber } from './embedded-query.ts';
import { readMetric } from './metrics-text.ts';
import type { SurgewatchProcess } from './surgewatch-process.ts';
import type { TopicTruth } from './topic-records.ts';

type Running = Pick<SurgewatchProcess, 'url' | 'dataDir'>;

export interface Kept {
  readonly rows: number;
  readonly counters: number;
  readonly buckets: number;
  readonly deadLetters: number;
}

export async function readKept({ url, dataDir }: Running): Promise<Kept> {
  return {
    rows: await queryNumber(dataDir, 'select count(*) from envelope'),
    counters: await readCounters(url),
    buckets: await queryNumber(dataDir, 'select sum(error_count) from bucket_count'),
    deadLetters: await countDeadLetters(dataDir),
  };
}

/** What is kept exactly: each distinct valid envelope once, and each malformed record. */
export function keptOf({ valid, malformed }: TopicTruth): Kept {
  return { rows: valid, counters: valid, buckets: valid, deadLetters: malformed };
}

/** Whether the whole topic was read. Asks for what is cheap first: it is asked again and again beside the reading. */
export async function hasDrained({ url, dataDir }: Running, { valid, malformed }: TopicTruth): Promise<boolean> {
  return (
    (await readCounters(url)) >= valid &&
    (await readMetric(url, 'surgewatch_kafka_consumer_lag')) === 0 &&
    (await countDeadLetters(dataDir)) >= malformed
  );
}

/** Errors counted, by the metric. */
export async function readCounters(url: string): Promise<number> {
  return (await readMetric(url, 'surgewatch_errors_total')) ?? 0;
}

function countDeadLetters(dataDir: string): Promise<number> {
  return queryNumber(dataDir, 'select count(*) from dead_letter');
}
