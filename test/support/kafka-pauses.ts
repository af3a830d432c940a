/** Pauses of Kafka partitions in memory, for tests of the source that need no database. */
import type { KafkaPause, KafkaPauses } from '../../src/sources/kafka-ports.ts';
import type { RejectedRun } from '../../src/sources/kafka-rejected-run.ts';

export interface MemoryPauses extends KafkaPauses {
  readonly paused: Map<number, KafkaPause>;
  readonly runs: Map<number, RejectedRun>;
}

/** For one topic; two sources may share it, as they share a database. */
export function createMemoryPauses(): MemoryPauses {
  const paused = new Map<number, KafkaPause>();
  const runs = new Map<number, RejectedRun>();
  return {
    paused,
    runs,
    readPauses: async () => [...paused.values()],
    readRuns: async () => [...runs].map(([partition, run]) => ({ partition, ...run })),
    recordRun: async (_topic, partition, run) => void runs.set(partition, run),
    pause: async (_topic, pause) => {
      paused.set(pause.partition, pause);
      runs.set(pause.partition, { rejectedCount: 0, nextOffset: pause.offset });
    },
    endSkip: async (_topic, partition) => void paused.delete(partition),
  };
}
