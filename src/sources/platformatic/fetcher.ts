/**
 * Reads through @platformatic/kafka by single fetches, one loop a broker: the library's stream hides where batches end,
 * which of them hold control records only, and whose batch it was that could not be opened. A loop fetches, hands over
 * all that came, and fetches again, so that at most one answer a broker is held in memory.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type ConnectionPool, type Consumer, FetchIsolationLevels } from '@platformatic/kafka';
import { MAX_BYTES_PER_FETCH, MAX_BYTES_PER_PARTITION, MAX_FETCH_WAIT_MS } from '../kafka-client.ts';
import type { KafkaClient, KafkaClientDeps, KafkaConsumerListeners } from '../kafka-ports.ts';
import { fetchFaultOf } from './faults.ts';
import type { HandOver } from './hand-over.ts';
import type { Membership } from './membership.ts';
import { type Fetched, readFetched } from './records.ts';

/** Between two looks whether there is something to fetch, and whether a broker leads that has no loop yet. */
const IDLE_MS = 100;
const WATCH_MS = 1_000;
/** Waits after a broker did not answer: doubling up to the second. */
const REACH_WAIT = { firstMs: 250, mostMs: 2_000 };
/** Between two attempts at a Kafka partition that fails alone. */
const ALONE_WAIT_MS = 1_000;
/** The broker answers with one batch at least, whatever its size: this many bytes ask for no more than that. */
const ONE_BATCH_BYTES = 1;

export interface FetcherDeps extends KafkaClientDeps {
  readonly topic: string;
  readonly consumer: Consumer;
  /** Connections of its own: a broker answers in order, and a fetch that waits would hold heartbeats and commits back. */
  readonly connectionPool: ConnectionPool;
  readonly offsets: Pick<KafkaClient, 'readEnds' | 'readCommitted'>;
  readonly membership: Membership;
  readonly handOver: HandOver;
  readonly listeners: Pick<KafkaConsumerListeners, 'onRefused' | 'onAnswer'>;
  readonly isPaused: (partition: number) => boolean;
  readonly signal: AbortSignal;
}

interface Target {
  readonly partition: number;
  readonly from: bigint;
}

/** Runs until the signal; never rejects. */
export async function runFetcher(deps: FetcherDeps): Promise<void> {
  const { topic, consumer, connectionPool, offsets, membership, handOver, listeners, isPaused, onTrouble, now, log, signal } =
    deps;
  const { positions } = handOver;
  /** Kafka partitions that are fetched alone because a fetch with them failed, and the moment of the next attempt. */
  const alone = new Map<number, number>();
  const loops = new Map<number, Promise<void>>();
  let topicId: string | null = null;
  let leaders: ReadonlySet<number> = new Set();

  async function pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal }).catch(() => {});
  }

  async function readTopic() {
    const found = (await consumer.metadata({ topics: [topic] })).topics.get(topic);
    if (found === undefined) throw new Error('the broker knows no such topic');
    return found;
  }

  /** From the offset that the group committed; from the oldest record when there is none, or none that the topic holds. */
  async function place(partitions: readonly number[]): Promise<void> {
    const epoch = membership.epoch();
    const committed = await offsets.readCommitted();
    const ends = await offsets.readEnds();
    if (epoch !== membership.epoch()) return;
    for (const { partition, low, high } of ends) {
      if (!partitions.includes(partition)) continue;
      const from = positions.get(partition) ?? committed.get(partition) ?? low;
      positions.set(partition, from < low || from > high ? low : from);
    }
  }

  async function fetchOf(
    node: number,
    topicId: string,
    targets: readonly Target[],
    isAlone: boolean,
  ): Promise<readonly Fetched[]> {
    const request = ({ partition, from }: Target) => ({
      partition,
      fetchOffset: from,
      currentLeaderEpoch: -1,
      lastFetchedEpoch: -1,
      partitionMaxBytes: isAlone ? ONE_BATCH_BYTES : MAX_BYTES_PER_PARTITION,
    });
    const { responses } = await consumer.fetch({
      node,
      connectionPool,
      minBytes: 1,
      maxBytes: MAX_BYTES_PER_FETCH,
      maxWaitTime: isAlone ? IDLE_MS : MAX_FETCH_WAIT_MS,
      isolationLevel: FetchIsolationLevels.READ_COMMITTED,
      topics: [{ topicId, partitions: targets.map(request) }],
    });
    listeners.onAnswer('fetch');
    const fetched = responses.flatMap((response) => response.partitions);
    return targets.flatMap(({ partition, from }) => {
      const found = fetched.find(({ partitionIndex }) => partitionIndex === partition);
      return (found === undefined ? null : readFetched(found, from)) ?? [];
    });
  }

  /** What failed together is tried one by one; what cannot be read alone is refused. @throws when the broker does not answer. */
  async function noteFault(error: unknown, targets: readonly Target[], isAlone: boolean): Promise<void> {
    const fault = fetchFaultOf(error);
    if (fault === 'unreachable') throw error;
    if (fault === 'session') return;
    log.debug({ err: error, fault }, '@platformatic/kafka: a fetch failed');
    if (fault === 'out_of_range') return place(targets.map(({ partition }) => partition));
    onTrouble();
    if (fault === 'partition') consumer.clearMetadata();
    for (const { partition, from } of targets) {
      alone.set(partition, isAlone ? now() + ALONE_WAIT_MS : now());
      if (!isAlone || fault !== 'unreadable') continue;
      const reason = error instanceof Error ? error.message : 'unreadable';
      listeners.onRefused({ partition, firstOffset: from, lastOffset: from, reason });
    }
  }

  /** One fetch, if there is something to ask this broker for. */
  async function step(node: number): Promise<void> {
    const epoch = membership.epoch();
    const { id, partitions } = await readTopic();
    // Made anew: no offset of the old topic means anything in it.
    if (topicId !== null && topicId !== id) positions.clear();
    topicId = id;
    const readable = membership.assigned().filter((partition) => partitions[partition]?.leader === node && !isPaused(partition));
    if (membership.isRejoining() || readable.length === 0) return pause(IDLE_MS);
    const unplaced = readable.filter((partition) => !positions.has(partition));
    if (unplaced.length > 0) await place(unplaced);
    const due = readable.find((partition) => (alone.get(partition) ?? Number.POSITIVE_INFINITY) <= now());
    const chosen = due === undefined ? readable.filter((partition) => !alone.has(partition)) : [due];
    const targets = chosen.flatMap((partition) => {
      const from = positions.get(partition);
      return from === undefined ? [] : [{ partition, from }];
    });
    if (targets.length === 0 || epoch !== membership.epoch()) return pause(IDLE_MS);
    let fetched: readonly Fetched[];
    try {
      fetched = await fetchOf(node, id, targets, due !== undefined);
    } catch (error) {
      return noteFault(error, targets, due !== undefined);
    }
    if (due !== undefined) alone.delete(due);
    if (epoch !== membership.epoch()) return;
    for (const { kind, batch } of fetched) if (kind === 'refused') listeners.onRefused(batch);
    const batches = fetched.flatMap(({ kind, batch }) => (kind === 'batch' ? [batch] : []));
    await handOver.hand(batches, epoch);
  }

  async function loop(node: number): Promise<void> {
    for (let failures = 0; !signal.aborted && leaders.has(node); ) {
      try {
        await step(node);
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        onTrouble();
        log.debug({ err: error }, '@platformatic/kafka: a broker does not answer');
        await pause(Math.min(REACH_WAIT.mostMs, REACH_WAIT.firstMs * 2 ** Math.min(failures, 16)));
        failures += 1;
      }
    }
  }

  /** A loop for each broker that leads a Kafka partition. A topic that has grown needs an assignment that knows it. */
  async function watch(): Promise<void> {
    const { partitions, partitionsCount } = await readTopic();
    leaders = new Set(partitions.map(({ leader }) => leader).filter((node) => node >= 0));
    for (const node of leaders)
      if (!loops.has(node))
        loops.set(
          node,
          loop(node).finally(() => loops.delete(node)),
        );
    const known = membership.partitionCount();
    if (known !== null && known < partitionsCount && !membership.isRejoining()) await membership.join();
  }

  while (!signal.aborted) {
    await watch().catch((error) => log.debug({ err: error }, '@platformatic/kafka: the topic could not be looked at'));
    await handOver.watch();
    await pause(WATCH_MS);
  }
  await Promise.all(loops.values());
}
