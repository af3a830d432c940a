/**
 * What the Kafka source is given and what it needs from others; the parts of the source share these shapes, nobody else
 * declares them. A Kafka library stands behind `KafkaClient`, an adapter each: ten methods at most, so that another can
 * take its place.
 */
import type { Outcome } from '../ingest/outcome.ts';
import type { Delivery } from '../ingest/ports.ts';
import type { RejectedRun } from './kafka-rejected-run.ts';

export interface KafkaConfig {
  /** `host:port`, at least one. */
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly groupId: string;
  /** Topic that also gets rejected records as they were; null: none. */
  readonly dlqTopic: string | null;
  readonly client: 'kafkajs' | 'platformatic';
  readonly ssl: boolean;
  /** PEM text of the authority to trust; null: the system's. */
  readonly sslCa: string | null;
  readonly sasl: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: string;
  } | null;
}

/** Where the source stands in one Kafka partition. */
export interface KafkaProgress {
  readonly topic: string;
  readonly partition: number;
  /** Next offset to read, decimal. */
  readonly committedOffset: string;
  /** Kafka timestamps, epoch milliseconds, of the first and last records committed since the last report; null: none, or none with a timestamp. */
  readonly firstRecordAtMs: number | null;
  readonly lastRecordAtMs: number | null;
  /** True only while the committed offset is the end of the Kafka partition as known within the last 15 s. */
  readonly isCaughtUp: boolean;
  /** It waits for an operator: nobody should wait for it. */
  readonly isPaused: boolean;
}

/** A Kafka partition that waits for an operator. */
export interface KafkaPause {
  readonly partition: number;
  readonly cause: 'rejected_in_a_row' | 'batch_unreadable';
  /** What was met, in words that hold nothing of a record. */
  readonly detail: string;
  /** Next offset to read. */
  readonly offset: bigint;
  /** What lies before it is known to be rejected or unreadable. */
  readonly knownBadUntil: bigint;
  /** Where an operator wants to go on; null: nobody said so yet. */
  readonly skipTo: bigint | null;
}

/** Where pauses outlive the process. Every method @throws Fault: it may be called again. */
export interface KafkaPauses {
  readPauses(topic: string): Promise<readonly KafkaPause[]>;
  readRuns(topic: string): Promise<readonly (RejectedRun & { readonly partition: number })[]>;
  recordRun(topic: string, partition: number, run: RejectedRun): Promise<void>;
  /** Together with the row of rejected records, which begins anew at the pause. */
  pause(topic: string, pause: KafkaPause): Promise<void>;
  /** The offset that was asked for is committed. */
  endSkip(topic: string, partition: number, skipTo: bigint): Promise<void>;
}

export interface KafkaSourceMetrics {
  setLag(topic: string, partition: number, lag: number): void;
  setUp(isUp: boolean): void;
  setPaused(topic: string, partition: number, isPaused: boolean): void;
  recordsSkipped(topic: string, partition: number, count: number): void;
  /** The Kafka partition is another replica's now: its lag and pause are no longer ours to show. */
  forget(topic: string, partition: number): void;
}

/** The shape of pino's methods. */
export interface KafkaLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface KafkaSourceDeps {
  /**
   * Resolves after COMMIT of every row or dead letter.
   * @throws Fault: nothing may be acknowledged; the same deliveries are handed over again later.
   */
  readonly ingest: (deliveries: readonly Delivery[]) => Promise<readonly Outcome[]>;
  /** Resolves when the database serves again. */
  readonly untilStoreServes: (signal: AbortSignal) => Promise<void>;
  /** Called after commits, one call at a time, and every few seconds for idle Kafka partitions. */
  readonly recordProgress: (progress: readonly KafkaProgress[]) => Promise<void>;
  readonly pauses: KafkaPauses;
  readonly metrics: KafkaSourceMetrics;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly log: KafkaLog;
}

export interface KafkaClientDeps {
  /** Called for each warning or error that the library tells: they are counted, and told by the source in its own words. */
  readonly onTrouble: () => void;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly log: KafkaLog;
}

export type HeaderPair = readonly [name: Buffer | string | null, value: Buffer | null];

/** A record to be sent. */
export interface SentRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly HeaderPair[];
}

export interface KafkaSender {
  /** Resolves once all replicas in sync have them. @throws when any was not taken. */
  send(records: readonly SentRecord[]): Promise<void>;
  close(): Promise<void>;
}

/** A record as fetched. */
export interface KafkaRecord {
  /** Decimal. */
  readonly offset: string;
  /** Epoch milliseconds, decimal; '-1' or empty: none. */
  readonly timestamp: string;
  readonly key: Buffer | null;
  /** null: a tombstone. */
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, Buffer | string | (Buffer | string)[] | undefined>>;
  /** Every header in its order, while there is a `dlqTopic`; left out: none, or not asked for. */
  readonly allHeaders?: readonly HeaderPair[];
}

export interface PartitionEnds {
  readonly partition: number;
  /** Oldest record that still exists. */
  readonly low: bigint;
  /** Offset that the next record will get. */
  readonly high: bigint;
}

/** A Kafka client for the configured topic and group. */
export interface KafkaClient {
  /**
   * Joins the group in the background and reads from its committed offsets; without one, or with one that lies outside of
   * what the topic holds, from the oldest record that exists. Loses nothing between the two silently: `onJoin` comes first.
   */
  openConsumer(listeners: KafkaConsumerListeners): KafkaConsumer;
  /** @throws when the broker does not answer, soon: whoever asks has a rhythm of its own. */
  readEnds(): Promise<readonly PartitionEnds[]>;
  /** The group's offsets by Kafka partition; without those that it never committed. @throws as `readEnds`. */
  readCommitted(): Promise<ReadonlyMap<number, bigint>>;
  close(): Promise<void>;
}

export interface KafkaConsumer {
  /** From now on nothing is fetched of these Kafka partitions and all else is; the place in the group is kept. */
  pause(partitions: 'all' | readonly number[]): void;
  /** Commits, and goes on reading there. `offset`: the next one to read. */
  commit(partition: number, offset: bigint): Promise<void>;
  /** Leaves the group. All work must be over: a commit that is made meanwhile may be stored nowhere, and say nothing. */
  close(): Promise<void>;
}

/** What one fetch brought of one Kafka partition. */
export interface KafkaBatch {
  readonly partition: number;
  /** In offset order, without aborted ones; empty when the transaction's control records are all there was. */
  readonly records: readonly KafkaRecord[];
  readonly firstOffset: bigint;
  /** Control records count: it may lie past the last of `records`. */
  readonly lastOffset: bigint;
  /** The end of the Kafka partition when this was fetched. */
  readonly highWatermark: bigint;
  /** Keeps the place in the group; to be called every second or so. @throws when the group took it away. */
  heartbeat(): Promise<void>;
  /**
   * Commits the offset behind the whole batch and goes on reading there; false: the batch is not ours any more, nothing
   * was committed. A batch that is left without this is fetched again, here or by its next owner.
   */
  commit(): Promise<boolean>;
}

/** A batch that was not opened: the offsets that it covers, and why. */
export interface RefusedBatch {
  /** null: the library does not tell whose batch it is. */
  readonly partition: number | null;
  readonly firstOffset: bigint;
  /** At least; not every library tells where such a batch ends. */
  readonly lastOffset: bigint;
  readonly reason: string;
}

export interface KafkaConsumerListeners {
  /** Before anything is fetched under this assignment. */
  onJoin(assigned: readonly number[]): void;
  /** One at a time for a Kafka partition. A rejection of `heartbeat` or `commit` is passed on, so that the consumer rejoins. */
  onBatch(batch: KafkaBatch): Promise<void>;
  onRefused(batch: RefusedBatch): void;
  /** The broker answered a fetch or a heartbeat. */
  onAnswer(kind: 'fetch' | 'heartbeat'): void;
  /** The consumer ended by itself; another must be opened. */
  onEnd(cause: unknown): void;
}
