/**
 * One consumer's life: it joins the group, learns where it stands, takes batches in, commits each after the store has
 * all of it, and ends by a crash or by `close`. The source's loop builds the next one.
 */
import { setTimeout as delay } from 'node:timers/promises';
import kafkajs, { type Batch, type Consumer, type EachBatchPayload } from 'kafkajs';
import { recordTimes, toDeliveries } from './kafka-batch.ts';
import type { RefusedBatch } from './kafka-codecs.ts';
import type { KafkaContact } from './kafka-contact.ts';
import type { StoreHold } from './kafka-hold.ts';
import { takeIn } from './kafka-intake.ts';
import type { OffsetReader } from './kafka-offsets.ts';
import type { KafkaProgress, KafkaSourceDeps } from './kafka-ports.ts';
import { createPositions } from './kafka-positions.ts';
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
  const { topic, consumer, offsets, hold, contact, reporter, ingest, metrics, now, log } = deps;
  const { promise: crashed, resolve: crash } = Promise.withResolvers<unknown>();
  const over = new AbortController();
  const positions = createPositions();
  const refusals = createRefusals(positions);
  /** Work whose end `close` awaits. */
  const inFlight = new Set<Promise<void>>();
  const busyPartitions = new Set<number>();
  /** Counts the joins; a batch that began under an earlier one is not ours any more. */
  let generation = 0;
  let isLearning = true;
  let isRejoinDue = false;
  let isClosing = false;
  let isConsumerStopped = false;

  function track(work: Promise<void>): Promise<void> {
    const tracked = work.finally(() => inFlight.delete(tracked));
    inFlight.add(tracked);
    return tracked;
  }

  function applyPauses(): void {
    if (generation === 0 || isConsumerStopped) return;
    const refused = refusals.paused();
    if (isLearning || isClosing || hold.isHeld()) {
      consumer.pause([{ topic }]);
    } else {
      consumer.resume([{ topic }]);
      if (refused.length > 0) consumer.pause([{ topic, partitions: [...refused] }]);
    }
    for (const partition of positions.partitions()) {
      metrics.setPaused(topic, partition, hold.isHeld() || refused.includes(partition));
    }
  }

  function progressOf(partition: number, times: Pick<KafkaProgress, 'firstRecordAtMs' | 'lastRecordAtMs'>): KafkaProgress[] {
    const standing = positions.standing(partition, now());
    if (standing === null) return [];
    metrics.setLag(topic, partition, standing.lag);
    return [{ topic, partition, committedOffset: standing.committed.toString(), ...times, isCaughtUp: standing.isCaughtUp }];
  }

  function reportAll(): void {
    reporter.report(positions.partitions().flatMap((partition) => progressOf(partition, recordTimes([]))));
  }

  function noteSkipped(partition: number, from: bigint, to: bigint): void {
    metrics.recordsSkipped(topic, partition, Number(to - from));
    log.warn(
      { topic, partition, fromOffset: `${from}`, toOffset: `${to}` },
      'records were deleted from Kafka before they could be read',
    );
  }

  async function learnPositions(assigned: readonly number[]): Promise<void> {
    const askedAtMs = now();
    const joined = generation;
    const group = await offsets.readGroup();
    if (joined !== generation) return;
    for (const { partition, committed, low, high } of group) {
      if (!assigned.includes(partition)) continue;
      if (committed !== null && committed < low) noteSkipped(partition, committed, low);
      const isPastEnd = committed !== null && committed > high;
      if (isPastEnd)
        log.warn(
          { topic, partition },
          'the committed offset lies past the end of the Kafka partition: it is read from its beginning',
        );
      positions.learn(partition, committed === null || committed < low || isPastEnd ? low : committed);
      positions.noteEnd(partition, high, askedAtMs);
    }
    isLearning = false;
    applyPauses();
    reportAll();
  }

  /** Paused until the positions are learnt: the first fetch could reset an offset that retention has passed, and hide the gap. */
  async function onJoin(assigned: readonly number[]): Promise<void> {
    generation += 1;
    const joined = generation;
    isLearning = true;
    isRejoinDue = false;
    for (const partition of positions.partitions()) if (!assigned.includes(partition)) metrics.forget(topic, partition);
    positions.clear();
    refusals.clear();
    reporter.clear();
    applyPauses();
    while (joined === generation && isLearning && !over.signal.aborted) {
      try {
        await learnPositions(assigned);
      } catch (error) {
        log.debug({ err: error }, 'the positions of the Kafka group could not be read');
        await delay(LEARN_RETRY_MS, undefined, { signal: over.signal }).catch(() => {});
      }
    }
  }

  /** Between the committed offset and the first record of a batch nothing is missing, save what retention deleted. */
  async function noteGap(partition: number, first: bigint): Promise<void> {
    const standing = positions.standing(partition, now());
    if (standing === null || first <= standing.committed) return;
    const ends = await offsets.readEnds().catch(() => []);
    const low = ends.find((end) => end.partition === partition)?.low ?? first;
    if (low > standing.committed) noteSkipped(partition, standing.committed, low < first ? low : first);
  }

  function noteCommit(batch: Pick<Batch, 'partition' | 'highWatermark'>, committed: bigint, fetchedAtMs: number): void {
    positions.noteCommit({ partition: batch.partition, committed, end: BigInt(batch.highWatermark), atMs: fetchedAtMs });
  }

  async function takeBatch({ batch, heartbeat, commitOffsetsIfNecessary, resolveOffset, isRunning, isStale }: EachBatchPayload) {
    const joined = generation;
    const fetchedAtMs = now();
    const { partition } = batch;
    refusals.noteOpened(partition);
    await noteGap(partition, BigInt(batch.firstOffset() ?? 0));
    const intake = await takeIn(toDeliveries(batch, fetchedAtMs), { ingest, heartbeat });
    if (intake.kind === 'store_failed') return hold.storeFailed(intake.fault);
    if (intake.kind === 'heartbeat_failed') throw intake.error;
    hold.storeServed();
    // Control records of transactions take offsets too: the end of the batch, not of its last record.
    const committed = BigInt(batch.lastOffset()) + 1n;
    if (joined !== generation || !isRunning() || isStale()) return;
    await commitOffsetsIfNecessary({ topics: [{ topic, partitions: [{ partition, offset: `${committed}` }] }] });
    resolveOffset(batch.lastOffset());
    noteCommit(batch, committed, fetchedAtMs);
    reporter.report(progressOf(partition, recordTimes(batch.messages)));
  }

  async function eachBatch(payload: EachBatchPayload): Promise<void> {
    // Returning leaves the batch unresolved: it is fetched again, here or by its next owner. Several batches wait in the
    // client's queue; after one of them learnt that the group rejoins, the others must not delay it.
    if (isClosing || isRejoinDue || isLearning || hold.isHeld()) return;
    busyPartitions.add(payload.batch.partition);
    try {
      await track(takeBatch(payload));
    } catch (error) {
      isRejoinDue = error instanceof kafkajs.KafkaJSProtocolError && REJOIN_TYPES.includes(error.type);
      throw error;
    } finally {
      busyPartitions.delete(payload.batch.partition);
    }
  }

  /** Batches of nothing but control or aborted records never reach `eachBatch`; uncommitted, they would show as lag for ever. */
  async function commitFiltered(partition: number, lastOffset: bigint, highWatermark: string): Promise<void> {
    const committed = lastOffset + 1n;
    const joined = generation;
    await consumer.commitOffsets([{ topic, partition, offset: `${committed}` }]);
    if (joined !== generation) return;
    noteCommit({ partition, highWatermark }, committed, now());
    reporter.report(progressOf(partition, recordTimes([])));
  }

  async function pollEnds(): Promise<void> {
    while (!over.signal.aborted) {
      await delay(POLL_INTERVAL_MS, undefined, { signal: over.signal }).catch(() => {});
      if (over.signal.aborted || isLearning) continue;
      const askedAtMs = now();
      try {
        for (const { partition, high } of await offsets.readEnds()) positions.noteEnd(partition, high, askedAtMs);
      } catch (error) {
        log.debug({ err: error }, 'the ends of the Kafka partitions could not be read');
      }
      if (!over.signal.aborted) reportAll();
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

  const { GROUP_JOIN, CRASH, STOP, REQUEST, END_BATCH_PROCESS } = consumer.events;
  consumer.on(GROUP_JOIN, ({ payload }) => void track(onJoin(payload.memberAssignment[topic] ?? [])));
  consumer.on(CRASH, ({ payload }) => crash(payload.error));
  consumer.on(STOP, () => {
    isConsumerStopped = true;
  });
  consumer.on(REQUEST, ({ payload: { apiName } }) => {
    if (apiName === 'Fetch') contact.noteAnswer(true);
    else if (apiName === 'Heartbeat') contact.noteAnswer(hold.isHeld());
  });
  consumer.on(END_BATCH_PROCESS, ({ payload: { batchSize, partition, lastOffset, highWatermark } }) => {
    if (batchSize === 0) void track(commitFiltered(partition, BigInt(lastOffset), highWatermark).catch(() => {}));
  });
  const started = run().catch(crash);
  const polled = pollEnds();

  return {
    crashed,
    applyPauses,
    noteRefused(batch) {
      for (const partition of refusals.noteRefused(batch, busyPartitions, now())) {
        log.error(
          { topic, partition, ...batch, firstOffset: `${batch.firstOffset}`, lastOffset: `${batch.lastOffset}` },
          'a Kafka partition is paused: a batch cannot be opened',
        );
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
      for (const partition of positions.partitions()) metrics.forget(topic, partition);
    },
  };
}
