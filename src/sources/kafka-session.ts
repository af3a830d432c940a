/**
 * One consumer's life: it joins the group, learns where it stands, takes batches in, commits each after the store has
 * all of it, and ends by a crash or by `close`. The source's loop builds the next one.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { createAssignment } from './kafka-assignment.ts';
import { recordTimes, toDeliveries } from './kafka-batch.ts';
import type { KafkaContact } from './kafka-contact.ts';
import type { DeadLetterTopic } from './kafka-dead-letter-topic.ts';
import type { StoreHold } from './kafka-hold.ts';
import { takeIn } from './kafka-intake.ts';
import type { KafkaBatch, KafkaClient, KafkaSourceDeps, RefusedBatch } from './kafka-ports.ts';
import type { ProgressReporter } from './kafka-progress.ts';
import { createRefusals } from './kafka-refusals.ts';
import { createWaiting, type Skip } from './kafka-waiting.ts';

/** Between two questions for the ends of the Kafka partitions: idle ones tell their lag and progress this often. */
const POLL_INTERVAL_MS = 4_000;
/** Between two attempts to learn the positions after a join. */
const LEARN_RETRY_MS = 1_000;

export interface SessionDeps extends Pick<KafkaSourceDeps, 'ingest' | 'pauses' | 'metrics' | 'now' | 'log'> {
  readonly topic: string;
  readonly client: KafkaClient;
  /** null: rejected records go nowhere else. */
  readonly deadLetterTopic: DeadLetterTopic | null;
  readonly hold: StoreHold;
  readonly contact: KafkaContact;
  readonly reporter: ProgressReporter;
}

/** An operator moved the group's offset: the next consumer begins there. */
export const MOVED = Symbol('moved');

export interface KafkaSession {
  /** Resolves with the cause when the consumer has ended by itself, or with `MOVED`. */
  readonly ended: Promise<unknown>;
  /** Pauses and resumes as the store and refused batches demand. */
  applyPauses(): void;
  /** Takes no more batches, awaits those that run and their commits, then leaves the group. */
  close(): Promise<void>;
}

/** True when the broker refused: what is not committed is read again. */
const isRefused = (work: Promise<void>) => work.then(() => false).catch(() => true);

export function openKafkaSession(deps: SessionDeps): KafkaSession {
  const { topic, client, deadLetterTopic, hold, contact, reporter, ingest, metrics, now, log } = deps;
  const { promise: ended, resolve: end } = Promise.withResolvers<unknown>();
  const over = new AbortController();
  const waiting = createWaiting(deps);
  const { isPaused } = waiting;
  const commit = (partition: number, offset: bigint) => consumer.commit(partition, offset);
  const assignment = createAssignment({ ...deps, commit, isPaused });
  const { positions } = assignment;
  const refusals = createRefusals(positions);
  /** Work whose end `close` awaits. */
  const inFlight = new Set<Promise<void>>();
  const busyPartitions = new Set<number>();
  let isClosing = false;

  function track(work: Promise<void>): Promise<void> {
    const tracked = work.finally(() => inFlight.delete(tracked));
    inFlight.add(tracked);
    return tracked;
  }

  /** Resolves early when the session ends. */
  async function pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: over.signal }).catch(() => {});
  }

  function applyPauses(): void {
    const paused = positions.partitions().filter(isPaused);
    consumer.pause(assignment.isLearning() || isClosing || hold.isHeld() ? 'all' : paused);
    for (const partition of positions.partitions()) {
      metrics.setPaused(topic, partition, hold.isHeld() || isPaused(partition));
    }
  }

  /** Paused until the positions are learnt: the first fetch could reset an offset that retention has passed, and hide the gap. */
  async function join(assigned: readonly number[]): Promise<void> {
    assignment.begin(assigned);
    refusals.clear();
    applyPauses();
    const joined = assignment.generation();
    while (joined === assignment.generation() && assignment.isLearning() && !over.signal.aborted) {
      try {
        await waiting.learn();
        await assignment.learn();
      } catch (error) {
        log.debug({ err: error }, 'the positions of the Kafka group, or its pauses, could not be read');
        await pause(LEARN_RETRY_MS);
      }
    }
    applyPauses();
  }

  async function takeBatch(batch: KafkaBatch): Promise<void> {
    const joined = assignment.generation();
    const fetchedAtMs = now();
    const { partition, records, firstOffset, lastOffset, highWatermark } = batch;
    refusals.noteOpened(partition);
    await assignment.noteFirst(partition, firstOffset);
    const deliveries = toDeliveries({ topic, partition, records }, fetchedAtMs);
    const intake = await takeIn(deliveries, { ingest, heartbeat: batch.heartbeat });
    if (intake.kind === 'store_failed') return hold.storeFailed(intake.fault);
    if (intake.kind === 'heartbeat_failed') throw intake.error;
    const { outcomes } = intake;
    let stop: bigint | null;
    try {
      stop = await waiting.noteTaken({ partition, deliveries, outcomes, end: highWatermark });
      await deadLetterTopic?.send({ partition, records, outcomes, until: stop });
    } catch (fault) {
      return hold.storeFailed(fault);
    }
    if (records.length > 0) hold.storeServed();
    if (stop !== null) applyPauses();
    if (joined !== assignment.generation()) return;
    // Stopped in the middle, the batch stays where it is: it is fetched again once an operator lets the partition go on.
    if (stop === null ? !(await batch.commit()) : await isRefused(commit(partition, stop))) return;
    const committed = stop ?? lastOffset + 1n;
    assignment.noteCommit({ partition, committed, end: highWatermark, atMs: fetchedAtMs, times: recordTimes(records) });
  }

  async function onBatch(batch: KafkaBatch): Promise<void> {
    // Returning leaves the batch where it is: it is fetched again, here or by its next owner.
    if (isClosing || isPaused(batch.partition)) return;
    // What holds no records needs no store; left uncommitted it would show as lag until the next record comes.
    if (batch.records.length > 0 && (assignment.isLearning() || hold.isHeld())) return;
    busyPartitions.add(batch.partition);
    try {
      await track(takeBatch(batch));
    } finally {
      busyPartitions.delete(batch.partition);
    }
  }

  function onRefused(batch: RefusedBatch): void {
    const { firstOffset, lastOffset, reason } = batch;
    for (const partition of refusals.noteRefused(batch, busyPartitions, now())) {
      const offset = positions.standing(partition, now())?.committed ?? firstOffset;
      void track(waiting.noteUnreadable(partition, offset, lastOffset, reason));
      applyPauses();
    }
  }

  async function pollUntilOver(): Promise<void> {
    while (!over.signal.aborted) {
      await pause(POLL_INTERVAL_MS);
      if (over.signal.aborted || assignment.isLearning()) continue;
      await assignment.poll();
      const { resumed, skips } = await waiting.poll();
      for (const partition of resumed) refusals.release(partition);
      applyPauses();
      for (const skip of skips) await skipTo(skip);
    }
  }

  /** An offset past the end means the end: a group that stands behind it would read everything again. */
  async function skipTo({ partition, to }: Skip): Promise<void> {
    const standing = positions.standing(partition, now());
    if (standing === null) return;
    const { committed, lag } = standing;
    const last = committed + BigInt(lag);
    const offset = to < last ? to : last;
    try {
      if (offset > committed) {
        await commit(partition, offset);
        metrics.recordsSkipped(topic, partition, Number(offset - committed));
      }
      await waiting.endSkip({ partition, to });
    } catch (error) {
      log.debug({ err: error }, 'a Kafka partition could not be moved yet');
      return;
    }
    end(MOVED);
  }

  /** True when a heartbeat is all that the broker is asked for: then it stands for the fetch. */
  function isNothingFetched(): boolean {
    return assignment.isLearning() || hold.isHeld() || positions.partitions().every(isPaused);
  }

  const consumer = client.openConsumer({
    onJoin: (assigned) => void track(join(assigned)),
    onBatch,
    onRefused,
    onAnswer: (kind) => contact.noteAnswer(kind === 'fetch' || isNothingFetched()),
    onEnd: end,
  });
  const polled = pollUntilOver();

  return {
    ended,
    applyPauses,
    async close() {
      isClosing = true;
      over.abort();
      applyPauses();
      await Promise.allSettled([...inFlight, polled]);
      await reporter.settled();
      await consumer.close();
      assignment.end();
    },
  };
}
