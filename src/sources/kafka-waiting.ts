/**
 * The Kafka partitions that wait for an operator, as this replica knows them. The truth is with the store, so that a
 * restart and whoever reads the partition next find it; here it is read at each join and every few seconds, and written
 * before the consumer acts on it.
 */
import type { Outcome } from '../ingest/outcome.ts';
import type { Delivery } from '../ingest/ports.ts';
import type { KafkaLog, KafkaPause, KafkaPauses } from './kafka-ports.ts';
import { type RejectedRun, stepRun } from './kafka-rejected-run.ts';

export interface WaitingDeps {
  readonly topic: string;
  readonly pauses: KafkaPauses;
  readonly log: KafkaLog;
}

export interface TakenBatch {
  readonly partition: number;
  readonly deliveries: readonly Delivery[];
  /** In the order of the deliveries. */
  readonly outcomes: readonly (Outcome | undefined)[];
  /** The end of the Kafka partition when it was fetched. */
  readonly end: bigint;
}

export interface Skip {
  readonly partition: number;
  readonly to: bigint;
}

export interface KafkaWaiting {
  isPaused(partition: number): boolean;
  /** Reads what the store knows. @throws Fault: to be called again. */
  learn(): Promise<void>;
  /** Answers where to stop when the batch brought too many rejected records in a row, durably. @throws Fault: nothing may be committed. */
  noteTaken(batch: TakenBatch): Promise<bigint | null>;
  /** A batch that begins at `offset` or before cannot be opened. Never rejects: what could not be written is written by `poll`. */
  noteUnreadable(partition: number, offset: bigint, lastOffset: bigint, reason: string): Promise<void>;
  /** Answers the Kafka partitions that go on since an operator said so, and those that are to go on elsewhere. Never rejects. */
  poll(): Promise<{ readonly resumed: readonly number[]; readonly skips: readonly Skip[] }>;
  /** The skip's offset is committed. @throws Fault. */
  endSkip(skip: Skip): Promise<void>;
}

const NO_RUN: RejectedRun = { rejectedCount: 0, nextOffset: 0n };

export function createWaiting({ topic, pauses, log }: WaitingDeps): KafkaWaiting {
  const waiting = new Map<number, KafkaPause>();
  /** Paused here, not in the store yet. */
  const unsaved = new Set<number>();
  const runs = new Map<number, RejectedRun>();

  function say({ partition, offset, cause, detail }: KafkaPause): void {
    const fields = { topic, partition, offset: `${offset}`, cause, detail };
    log.error(fields, 'a Kafka partition is paused until an operator says `surgewatch kafka resume` or `skip`');
  }

  async function save(pause: KafkaPause): Promise<void> {
    try {
      await pauses.pause(topic, pause);
      unsaved.delete(pause.partition);
    } catch (error) {
      log.debug({ err: error }, 'the pause of a Kafka partition could not be written yet');
    }
  }

  return {
    isPaused: (partition) => waiting.has(partition),
    async learn() {
      const [known, counted] = [await pauses.readPauses(topic), await pauses.readRuns(topic)];
      for (const partition of waiting.keys()) if (!unsaved.has(partition)) waiting.delete(partition);
      for (const pause of known) waiting.set(pause.partition, pause);
      runs.clear();
      for (const { partition, ...run } of counted) runs.set(partition, run);
    },
    async noteTaken({ partition, deliveries, outcomes, end }) {
      const known = runs.get(partition) ?? NO_RUN;
      const last = deliveries.at(-1)?.coordinates;
      if (known.rejectedCount === 0 && last && !outcomes.some((outcome) => outcome?.kind === 'rejected')) {
        runs.set(partition, { rejectedCount: 0, nextOffset: BigInt(last.offset) + 1n });
        return null;
      }
      // A topic that was made anew begins again at offset 0.
      const before = known.nextOffset > end ? NO_RUN : known;
      const judged = deliveries.map(({ coordinates }, place) => ({
        offset: BigInt(coordinates?.offset ?? 0),
        outcome: outcomes[place] ?? null,
      }));
      const { run, tooMany } = stepRun(before, judged);
      if (tooMany !== null) {
        const pause: KafkaPause = { partition, cause: 'rejected_in_a_row', skipTo: null, ...tooMany };
        await pauses.pause(topic, pause);
        waiting.set(partition, pause);
        say(pause);
      } else if (run.rejectedCount !== known.rejectedCount) {
        await pauses.recordRun(topic, partition, run);
      }
      runs.set(partition, run);
      return tooMany?.offset ?? null;
    },
    async noteUnreadable(partition, offset, lastOffset, detail) {
      const pause: KafkaPause = {
        partition,
        cause: 'batch_unreadable',
        detail,
        offset,
        knownBadUntil: lastOffset + 1n,
        skipTo: null,
      };
      waiting.set(partition, pause);
      unsaved.add(partition);
      say(pause);
      await save(pause);
    },
    async poll() {
      for (const partition of unsaved) {
        const pause = waiting.get(partition);
        if (pause !== undefined) await save(pause);
      }
      // What is paused while the answer is on its way is not in it, and has not been ended by anybody.
      const asked = [...waiting.keys()].filter((partition) => !unsaved.has(partition));
      try {
        const known = await pauses.readPauses(topic);
        for (const pause of known) waiting.set(pause.partition, pause);
        const resumed = asked.filter((partition) => !known.some((pause) => pause.partition === partition));
        for (const partition of resumed) {
          waiting.delete(partition);
          log.info({ topic, partition }, 'a paused Kafka partition goes on');
        }
        return {
          resumed,
          skips: known.flatMap(({ partition, skipTo }) => (skipTo === null ? [] : [{ partition, to: skipTo }])),
        };
      } catch (error) {
        log.debug({ err: error }, 'the paused Kafka partitions could not be read');
        return { resumed: [], skips: [] };
      }
    },
    async endSkip(skip) {
      await pauses.endSkip(topic, skip.partition, skip.to);
      waiting.delete(skip.partition);
      log.info(
        { topic, partition: skip.partition, toOffset: `${skip.to}` },
        'a paused Kafka partition goes on where an operator said',
      );
    },
  };
}
