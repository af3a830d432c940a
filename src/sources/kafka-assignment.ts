/**
 * What this replica knows of the Kafka partitions the group gave it, from one join to the next: learnt from the broker
 * before the first fetch, moved by commits, asked for again while idle. Lag, progress and skipped records come from here.
 */
import { recordTimes } from './kafka-batch.ts';
import { readGroup } from './kafka-offsets.ts';
import type { KafkaClient, KafkaProgress, KafkaSourceDeps } from './kafka-ports.ts';
import { createPositions, type KafkaPositions } from './kafka-positions.ts';
import type { ProgressReporter } from './kafka-progress.ts';

export interface AssignmentDeps extends Pick<KafkaSourceDeps, 'metrics' | 'now' | 'log'> {
  readonly topic: string;
  readonly client: Pick<KafkaClient, 'readEnds' | 'readCommitted'>;
  readonly reporter: ProgressReporter;
  readonly isPaused: (partition: number) => boolean;
  /** Commits offsets for the group. */
  readonly commit: (partition: number, offset: bigint) => Promise<void>;
}

type RecordTimes = Pick<KafkaProgress, 'firstRecordAtMs' | 'lastRecordAtMs'>;

export interface CommittedBatch {
  readonly partition: number;
  /** Next offset to read. */
  readonly committed: bigint;
  /** The end of the Kafka partition as the fetch brought it, and our clock then. */
  readonly end: bigint;
  readonly atMs: number;
  readonly times: RecordTimes;
}

export interface KafkaAssignment {
  readonly positions: KafkaPositions;
  /** Counts the joins; what began under an earlier one is not ours any more. */
  generation(): number;
  /** True from a join until its positions are learnt. */
  isLearning(): boolean;
  /** The group gave us these Kafka partitions; nothing is known of them yet. */
  begin(assigned: readonly number[]): void;
  /** @throws when the broker does not answer; to be called again. */
  learn(): Promise<void>;
  /** Between the committed offset and the first record of a batch nothing is missing, save what retention deleted. */
  noteFirst(partition: number, firstOffset: bigint): Promise<void>;
  noteCommit(batch: CommittedBatch): void;
  /** Asks for the ends and reports every Kafka partition. Never rejects. */
  poll(): Promise<void>;
  /** The consumer is gone, and with it the claim to any Kafka partition. */
  end(): void;
}

export function createAssignment({
  topic,
  client,
  reporter,
  commit,
  isPaused,
  metrics,
  now,
  log,
}: AssignmentDeps): KafkaAssignment {
  const positions = createPositions();
  let assigned: readonly number[] = [];
  let generation = 0;
  let isLearning = true;

  function progressOf(partition: number, times: RecordTimes): KafkaProgress[] {
    const standing = positions.standing(partition, now());
    if (standing === null) return [];
    metrics.setLag(topic, partition, standing.lag);
    const { committed, isCaughtUp } = standing;
    return [{ topic, partition, committedOffset: `${committed}`, ...times, isCaughtUp, isPaused: isPaused(partition) }];
  }

  function reportAll(): void {
    reporter.report(positions.partitions().flatMap((partition) => progressOf(partition, recordTimes([]))));
  }

  function noteSkipped(partition: number, from: bigint, to: bigint): void {
    metrics.recordsSkipped(topic, partition, Number(to - from));
    const fields = { topic, partition, fromOffset: `${from}`, toOffset: `${to}` };
    log.warn(fields, 'records were deleted from Kafka before they could be read');
  }

  /** Where reading begins. A gap is committed before it is counted, so that the next join does not count it again. */
  async function placeOf(partition: number, committed: bigint | null, low: bigint, high: bigint): Promise<bigint> {
    if (committed === null) return low;
    if (committed > high) {
      log.warn(
        { topic, partition },
        'the committed offset lies past the end of the Kafka partition: it is read from its beginning',
      );
      return low;
    }
    if (committed >= low) return committed;
    await commit(partition, low);
    noteSkipped(partition, committed, low);
    return low;
  }

  return {
    positions,
    generation: () => generation,
    isLearning: () => isLearning,
    begin(partitions) {
      for (const partition of assigned) if (!partitions.includes(partition)) metrics.forget(topic, partition);
      assigned = partitions;
      generation += 1;
      isLearning = true;
      positions.clear();
      reporter.clear();
    },
    async learn() {
      const joined = generation;
      const askedAtMs = now();
      const group = await readGroup(client);
      for (const { partition, committed, low, high } of group) {
        if (joined !== generation) return;
        if (!assigned.includes(partition)) continue;
        positions.learn(partition, await placeOf(partition, committed, low, high));
        positions.noteEnd(partition, high, askedAtMs);
      }
      if (joined !== generation) return;
      isLearning = false;
      reportAll();
    },
    async noteFirst(partition, firstOffset) {
      const standing = positions.standing(partition, now());
      if (standing === null || firstOffset <= standing.committed) return;
      const ends = await client.readEnds().catch(() => []);
      const low = ends.find((end) => end.partition === partition)?.low ?? firstOffset;
      const lostUpTo = low < firstOffset ? low : firstOffset;
      if (lostUpTo <= standing.committed) return;
      noteSkipped(partition, standing.committed, lostUpTo);
      positions.learn(partition, lostUpTo);
    },
    noteCommit({ times, ...batch }) {
      positions.noteCommit(batch);
      reporter.report(progressOf(batch.partition, times));
    },
    async poll() {
      const askedAtMs = now();
      try {
        for (const { partition, high } of await client.readEnds()) positions.noteEnd(partition, high, askedAtMs);
      } catch (error) {
        log.debug({ err: error }, 'the ends of the Kafka partitions could not be read');
      }
      reportAll();
    },
    end() {
      for (const partition of assigned) metrics.forget(topic, partition);
      assigned = [];
      positions.clear();
      reporter.clear();
    },
  };
}
