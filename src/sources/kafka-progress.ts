/**
 * Tells where the source stands, one call at a time: while a call runs, newer progress of the same Kafka partition is
 * merged, so that a fast reader writes as often as the database answers and no more. A call that fails keeps its record
 * times for the next one; progress is only ever late, never ahead of a commit.
 */
import type { KafkaLog, KafkaProgress } from './kafka-ports.ts';

export interface ProgressReporterDeps {
  readonly record: (progress: readonly KafkaProgress[]) => Promise<void>;
  readonly log: KafkaLog;
}

export interface ProgressReporter {
  report(progress: readonly KafkaProgress[]): void;
  /** Drops what waits: the Kafka partitions may be another replica's now. */
  clear(): void;
  /** Resolves when nothing waits and no call runs. Never rejects. */
  settled(): Promise<void>;
}

function merge(older: KafkaProgress | undefined, newer: KafkaProgress): KafkaProgress {
  if (older === undefined) return newer;
  return {
    ...newer,
    firstRecordAtMs: older.firstRecordAtMs ?? newer.firstRecordAtMs,
    lastRecordAtMs: newer.lastRecordAtMs ?? older.lastRecordAtMs,
  };
}

export function createProgressReporter({ record, log }: ProgressReporterDeps): ProgressReporter {
  const waiting = new Map<number, KafkaProgress>();
  const failed = new Map<number, KafkaProgress>();
  let running: Promise<void> | null = null;

  async function send(): Promise<void> {
    while (waiting.size > 0) {
      const batch = [...waiting.values()].map((progress) => merge(failed.get(progress.partition), progress));
      waiting.clear();
      for (const { partition } of batch) failed.delete(partition);
      try {
        await record(batch);
      } catch (error) {
        // Not an outage of ours to tell: the store's own metric and log line do. The next report carries it again.
        log.debug({ err: error }, 'Kafka progress could not be recorded');
        for (const progress of batch) failed.set(progress.partition, progress);
      }
    }
  }

  return {
    report(progress) {
      for (const item of progress) waiting.set(item.partition, merge(waiting.get(item.partition), item));
      running ??= send().finally(() => {
        running = null;
      });
    },
    clear() {
      waiting.clear();
      failed.clear();
    },
    async settled() {
      await running;
    },
  };
}
