/** What the Kafka source is given and what it needs from others; the parts of the source share these shapes, nobody else declares them. */
import type { Outcome } from '../ingest/outcome.ts';
import type { Delivery } from '../ingest/ports.ts';

export interface KafkaConfig {
  /** `host:port`, at least one. */
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly groupId: string;
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
  readonly metrics: KafkaSourceMetrics;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly log: KafkaLog;
}
