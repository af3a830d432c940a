/** The Kafka source in front of the pipeline, and what its metrics show of each Kafka partition. */
import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { Ingest } from '../ingest/pipeline.ts';
import type { Metrics } from '../metrics.ts';
import { createKafkaSource } from '../sources/kafka-source.ts';
import type { Database } from '../store/database.ts';
import { createKafkaPauseStore } from '../store/kafka-pause-store.ts';
import type { createProgressRecorder } from '../store/progress-store.ts';
import type { Stops } from './stops.ts';

interface OpenKafka {
  readonly database: Database;
  readonly ingest: Ingest;
  readonly progress: Pick<ReturnType<typeof createProgressRecorder>, 'recordKafkaProgress'>;
  readonly metrics: Metrics;
  readonly stops: Pick<Stops, 'add'>;
  readonly log: Logger;
}

/** Reads from then on. A broker that is away is waited for in the background. */
export async function openKafka(kafka: NonNullable<Config['kafka']>, deps: OpenKafka): Promise<void> {
  const { database, ingest, progress, metrics, stops, log } = deps;
  const source = createKafkaSource(
    { ...kafka, sslCa: kafka.sslCaFile === null ? null : readFileSync(kafka.sslCaFile, 'utf8') },
    {
      ingest,
      untilStoreServes: (signal) => database.untilServes(signal),
      recordProgress: (reports) => progress.recordKafkaProgress(reports),
      pauses: createKafkaPauseStore(database),
      metrics: {
        setLag: (topic, partition, lag) => {
          metrics.kafkaConsumerLag.set({ topic, partition }, lag);
          metrics.kafkaRecordsSkippedTotal.inc({ topic, partition }, 0); // Born at 0, or increase() misses the first loss.
        },
        setUp: (isUp) => metrics.kafkaConsumerUp.set(isUp ? 1 : 0),
        setPaused: (topic, partition, isPaused) => metrics.kafkaPartitionPaused.set({ topic, partition }, isPaused ? 1 : 0),
        recordsSkipped: (topic, partition, count) => metrics.kafkaRecordsSkippedTotal.inc({ topic, partition }, count),
        forget: (topic, partition) => {
          metrics.kafkaConsumerLag.remove({ topic, partition });
          metrics.kafkaPartitionPaused.remove({ topic, partition });
        },
      },
      now: Date.now,
      log,
    },
  );
  stops.add('kafka', () => source.stop());
  await source.start();
}
