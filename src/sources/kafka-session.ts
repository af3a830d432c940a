/**
 * One consumer's life: it joins the group, learns where it stands, takes batches in, commits each after the store has
 * all of it, and ends by a crash or by `close`. The source's loop builds the next one.
 */
import { setTimeout as delay } from 'node:timers/promises';
import kafkajs, { type Consumer, type EachBatchPayload } from 'kafkajs';
import { createAssignment } from './kafka-assignment.ts';
import { recordTimes, toDeliveries } from './kafka-batch.ts';
import type { RefusedBatch } from './kafka-codecs.ts';
import type { KafkaContact } from './kafka-contact.ts';
import type { StoreHold } from './kafka-hold.ts';
import { takeIn } from './kafka-intake.ts';
import type { OffsetReader } from './kafka-offsets.ts';
import type { KafkaSourceDeps } from './kafka-ports.ts';
import type { ProgressReporter } from './kafka-progress.ts';
import { createRefusals } from './kafka-refusals.ts';

/** Batches of different Kafka partitions that are with the store at the same time. */
const PARTITIONS_AT_ONCE = 3;
/** Between two questions for the ends of the Kafka partitions: idle ones tell their lag and progress this often. */
const POLL_INTERVAL_MS = 4_000;
/** Between two attempts to learn the positions after a join. */
const LEARN_RETRY_MS = 1_000;

/** What the group says when the assignment is over; the consumer rejoins by itself. */
const REJOIN_TYPES: readonly string[] = ['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'];

export interface SessionDeps extends Pick<KafkaSourceDeps, 'ingest' | 'metrics' | 'now' | 'log'> {
  readonly topic: string;
  readonly consumer: Consumer;
  readonly offsets: OffsetReader;
  readonly hold: StoreHold;
  readonly contact: KafkaContact;
  readonly reporter: ProgressReporter;
}

export interface KafkaSession {
  /** Resolves with the cause when the consumer has ended by itself. */
  readonly crashed: Promise<unknown>;
  /** Pauses and resumes as the store and refused batches demand. */
  applyPauses(): void;
  noteRefused(batch: RefusedBatch): void;
  /** Takes no more batches, awaits those that run and their commits, then leaves the group. */
  close(): Promise<void>;
}

export function openKafkaSession(deps: SessionDeps): KafkaSession {
  const { topic, consumer, hold, contact, reporter, ingest, metrics, now, log } = deps;
  const { promise: crashed, resolve: crash } = Promise.withResolvers<unknown>();
  const over = new AbortController();
  const assignment = createAssignment({
    ...deps,
    commit: (partition, offset) => consumer.commitOffsets([{ topic, partition, offset: `${offset}` }]),
  });
  const { positions } = assignment;
  const refusals = createRefusals(positions);
  /** Work whose end `close` awaits. */
  const inFlight = new Set<Promise<void>>();
  const busyPartitions = new Set<number>();
  let isRejoinDue = false;
  let isClosing = false;
  let isConsumerStopped = false;

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
    if (assignment.generation() === 0 || isConsumerStopped) return;
    const refused = refusals.paused();
    if (assignment.isLearning() || isClosing || hold.isHeld()) {
      consumer.pause([{ topic }]);
    } else {
      consumer.resume([{ topic }]);
      if (refused.length > 0) consumer.pause([{ topic, partitions: [...refused] }]);
    }
    for (const partition of positions.partitions()) {
      metrics.setPaused(topic, partition, hold.isHeld() || refused.includes(partition));
    }
  }

  /** Paused until the positions are learnt: the first fetch could reset an offset that retention has passed, and hide the gap. */
  async function onJoin(assigned: readonly number[]): Promise<void> {
    assignment.begin(assigned);
    refusals.clear();
    isRejoinDue = false;
    applyPauses();
    const joined = assignment.generation();
    while (joined === assignment.generation() && assignment.isLearning() && !over.signal.aborted) {
      try {
        await assignment.learn();
      } catch (error) {
        log.debug({ err: error }, 'the positions of the Kafka group could not be read');
        await pause(LEARN_RETRY_MS);
      }
    }
    applyPauses();
  }

  async function takeBatch({ batch, heartbeat, commitOffsetsIfNecessary, resolveOffset, isRunning, isStale }: EachBatchPayload) {
    const joined = assignment.generation();
    const fetchedAtMs = now();
    const { partition } = batch;
    refusals.noteOpened(partition);
    await assignment.noteFirst(partition, BigInt(batch.firstOffset() ?? 0));
    const intake = await takeIn(toDeliveries(batch, fetchedAtMs), { ingest, heartbeat });
    if (intake.kind === 'store_failed') return hold.storeFailed(intake.fault);
    if (intake.kind === 'heartbeat_failed') throw intake.error;
    hold.storeServed();
    if (joined !== assignment.generation() || !isRunning() || isStale()) return;
    // Control records of transactions take offsets too: the end of the batch, not of its last record.
    const committed = BigInt(batch.lastOffset()) + 1n;
    await commitOffsetsIfNecessary({ topics: [{ topic, partitions: [{ partition, offset: `${committed}` }] }] });
    resolveOffset(batch.lastOffset());
    const end = BigInt(batch.highWatermark);
    assignment.noteCommit({ partition, committed, end, atMs: fetchedAtMs, times: recordTimes(batch.messages) });
  }

  async function eachBatch(payload: EachBatchPayload): Promise<void> {
    // Returning leaves the batch unresolved: it is fetched again, here or by its next owner. Several batches wait in the
    // client's queue; after one of them learnt that the group rejoins, the others must not delay it.
    if (isClosing || isRejoinDue || assignment.isLearning() || hold.isHeld()) return;
    busyPartitions.add(payload.batch.partition);
    try {
      await track(takeBatch(payload));
    } catch (error) {
      if (error instanceof kafkajs.KafkaJSProtocolError && REJOIN_TYPES.includes(error.type)) isRejoinDue = true;
      throw error;
    } finally {
      busyPartitions.delete(payload.batch.partition);
    }
  }

  /** Batches of nothing but control or aborted records never reach `eachBatch`; uncommitted, they would show as lag for ever. */
  async function commitFiltered(partition: number, lastOffset: bigint, end: bigint): Promise<void> {
    const joined = assignment.generation();
    const committed = lastOffset + 1n;
    try {
      await consumer.commitOffsets([{ topic, partition, offset: `${committed}` }]);
    } catch (error) {
      log.debug({ err: error }, 'a batch without records could not be committed');
      return;
    }
    if (joined === assignment.generation())
      assignment.noteCommit({ partition, committed, end, atMs: now(), times: recordTimes([]) });
  }

  async function pollUntilOver(): Promise<void> {
    while (!over.signal.aborted) {
      await pause(POLL_INTERVAL_MS);
      if (!over.signal.aborted && !assignment.isLearning()) await assignment.poll();
    }
  }

  async function run(): Promise<void> {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: PARTITIONS_AT_ONCE,
      eachBatch,
    });
  }

  /** True when a heartbeat is all that the broker is asked for: then it stands for the fetch. */
  function isNothingFetched(): boolean {
    return hold.isHeld() || positions.partitions().length === refusals.paused().length;
  }

  const { GROUP_JOIN, CRASH, STOP, REQUEST, END_BATCH_PROCESS } = consumer.events;
  consumer.on(GROUP_JOIN, ({ payload }) => void track(onJoin(payload.memberAssignment[topic] ?? [])));
  consumer.on(CRASH, ({ payload }) => crash(payload.error));
  consumer.on(STOP, () => {
    isConsumerStopped = true;
  });
  consumer.on(REQUEST, ({ payload: { apiName } }) => {
    if (apiName === 'Fetch') contact.noteAnswer(true);
    else if (apiName === 'Heartbeat') contact.noteAnswer(isNothingFetched());
  });
  consumer.on(END_BATCH_PROCESS, ({ payload: { batchSize, partition, lastOffset, highWatermark } }) => {
    if (batchSize === 0) void track(commitFiltered(partition, BigInt(lastOffset), BigInt(highWatermark)));
  });
  const started = run().catch(crash);
  const polled = pollUntilOver();

  return {
    crashed,
    applyPauses,
    noteRefused(batch) {
      const { reason } = batch;
      for (const partition of refusals.noteRefused(batch, busyPartitions, now())) {
        const fields = { topic, partition, firstOffset: `${batch.firstOffset}`, lastOffset: `${batch.lastOffset}`, reason };
        log.error(fields, 'a Kafka partition is paused: a batch cannot be opened');
        applyPauses();
      }
    },
    async close() {
      isClosing = true;
      over.abort();
      applyPauses();
      // kafkajs stores no commit that is made while it disconnects, and hangs when stopped in the middle of its start.
      await Promise.allSettled([...inFlight, started, polled]);
      await reporter.settled();
      await consumer.disconnect();
      assignment.end();
    },
  };
}
