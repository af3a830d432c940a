/**
 * What the answers over HTTP need from the rest of the process: the lookup reader, as this room calls it, and whether we
 * are ready. The shapes are ours and hold no row; who implements them translates.
 */
import type { WatchedSeries } from '../envelope/series-key.ts';

export type FieldValues = Readonly<Record<string, unknown>>;

/** An envelope as it was stored: redacted, canonical. Times are epoch milliseconds. */
export interface StoredEnvelope {
  readonly requestId: string;
  readonly code: string;
  /** null: neither stated by the producer nor known to the catalogue. */
  readonly status: number | null;
  readonly source: string;
  readonly message: string;
  readonly details: FieldValues;
  readonly occurredAtMs: number;
  readonly receivedAtMs: number;
  readonly service: string | null;
  readonly route: string | null;
  readonly method: string | null;
  readonly client: string | null;
  readonly release: string | null;
  readonly traceparent: string | null;
  readonly sanitized: readonly string[];
}

/** A delivery with another body under an identity that was stored before. */
export interface Conflict {
  readonly code: string;
  readonly source: string;
  readonly receivedAtMs: number;
  /** Keyed digest of its bytes, in hex: equal for equal bytes, and says nothing else. */
  readonly digest: string;
}

/** Everything that is kept under one requestId. */
export interface RequestRecord {
  /** Oldest first; more than one when siblings came under the same id. */
  readonly envelopes: readonly StoredEnvelope[];
  /** Deliveries that carried this id and were rejected. */
  readonly rejections: readonly { readonly reason: string; readonly receivedAtMs: number; readonly source: string }[];
  /** Oldest first. */
  readonly conflicts: readonly Conflict[];
  /** The same id in lower or upper case, where that is stored: ids are case-sensitive, people are not. */
  readonly otherCases: readonly string[];
}

/** How often a code came in one hour, and in the same hour of the days before. */
export interface HourCounts {
  readonly lastHourCount: number;
  /** The hour that ends at this time of day, yesterday first, up to seven days back; only days of which we know. */
  readonly earlierHourCounts: readonly number[];
}

/** How common a code is, so that one error can be told from everybody's. */
export interface Commonness extends HourCounts {
  readonly last15MinutesCount: number;
  /** Distinct others among the newest envelopes of the last 15 minutes; a lower bound when `isSampled`. */
  readonly otherRequestCount: number;
  /** Distinct clients among them; null: no envelope states its client. */
  readonly otherClientCount: number | null;
  readonly isSampled: boolean;
}

export interface EnvelopeFilter {
  readonly code?: string;
  readonly status?: number;
  readonly service?: string;
  readonly client?: string;
  /** Inclusive. */
  readonly fromMs?: number;
  /** Exclusive. */
  readonly toMs?: number;
  readonly limit: number;
  readonly cursor?: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

export interface CodeCount extends HourCounts {
  readonly code: string;
  /** Its commonest status; null: unknown. */
  readonly status: number | null;
  readonly lastDayCount: number;
  /** Start of the newest ten seconds with this code; null: none within a day. */
  readonly lastSeenAtMs: number | null;
}

/** How often a field failed by a sub-code inside validation errors. */
export interface FieldCount extends HourCounts {
  readonly field: string;
  /** The sub-code. */
  readonly code: string;
}

export interface Bucket {
  readonly startMs: number;
  readonly count: number;
}

export interface SeriesQuery {
  readonly code: string;
  /** One field and sub-code inside the code; null: the whole code. */
  readonly pair: WatchedSeries['pair'];
  /** In the order of time; they do not overlap. */
  readonly spans: readonly { readonly fromMs: number; readonly toMs: number }[];
  readonly stepSeconds: number;
}

/** Reads what is stored. Every method @throws a retryable Fault when the database is away. */
export interface LookupReader {
  findRequest(requestId: string): Promise<RequestRecord>;
  /** `exceptRequestId` is left out of the others. */
  readCommonness(code: string, exceptRequestId: string, nowMs: number): Promise<Commonness>;
  /** Newest first; a page may hold fewer than `limit` and still name a next one. null: the cursor is none of ours. */
  listEnvelopes(filter: EnvelopeFilter, nowMs: number): Promise<Page<StoredEnvelope> | null>;
  /** Codes that came within a day, or at this hour in the week before. */
  countCodes(nowMs: number): Promise<readonly CodeCount[]>;
  /** The same for one code, also when it never came. */
  countCode(code: string, nowMs: number): Promise<CodeCount>;
  /** Oldest first; spans without an error are left out. */
  readBuckets(query: SeriesQuery): Promise<readonly Bucket[]>;
  /** The fields that failed most in the last hour, at most so many; none for a code that has no fields. */
  countFields(code: string, nowMs: number, limit: number): Promise<readonly FieldCount[]>;
  /** Start of the oldest count that is kept, of codes or of fields; null: there is none yet. */
  readKnownSinceMs(of?: 'codes' | 'fields'): Promise<number | null>;
  /** Seconds of traffic that Kafka holds and we have not stored yet; 0 when nothing waits. */
  readIngestBehindSeconds(nowMs: number): Promise<number>;
  /** True until the first envelope is stored. */
  isEmpty(): Promise<boolean>;
}

/** How far the detector sees; event time, epoch milliseconds. */
export interface WatchStanding {
  /** What came before this is judged; null: nothing is yet. */
  readonly evaluatedUntilMs: number | null;
  /** The newest traffic that Prometheus told; null: none ever. */
  readonly trafficKnownUntilMs: number | null;
}

export interface WatchReader {
  readStanding(): Promise<WatchStanding>;
}

/** A rejected delivery's record: where it can be read again and why it was refused, never what it held. */
export interface DeadLetter {
  readonly id: string;
  readonly source: string;
  readonly reason: string;
  /** Kafka's coordinates; null: a webhook body, which cannot be read again. */
  readonly coordinates: { readonly topic: string; readonly partition: number; readonly offset: string } | null;
  readonly sizeBytes: number;
  /** Keyed digest of the bytes, hexadecimal. */
  readonly digest: string;
  /** null: no valid one was read. */
  readonly requestId: string | null;
  readonly receivedAtMs: number;
}

export interface DeadLetterFilter {
  readonly reason?: string;
  readonly limit: number;
  readonly cursor?: string;
}

export interface ReasonCount {
  readonly reason: string;
  readonly lastDayCount: number;
  readonly newestAtMs: number;
}

/** A Kafka partition that waits for an operator. */
export interface PausedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly cause: 'rejected_in_a_row' | 'batch_unreadable';
  /** What was met, in words that hold nothing of a record. */
  readonly detail: string;
  /** Next offset to read. */
  readonly offset: string;
  readonly pausedAtMs: number;
  /** Where an operator asked to go on; null: nobody did yet. */
  readonly skipTo: string | null;
}

/** Dead letters that were read again and accepted are left out everywhere. Every method @throws a retryable Fault when the database is away. */
export interface DeadLetterReader {
  /** Newest first. null: the cursor is none of ours. */
  listDeadLetters(filter: DeadLetterFilter): Promise<Page<DeadLetter> | null>;
  /** Reasons that came within a day, the commonest first. */
  countReasons(nowMs: number): Promise<readonly ReasonCount[]>;
  /** Longest paused first. */
  listPausedPartitions(): Promise<readonly PausedPartition[]>;
}

export type Readiness =
  | { readonly kind: 'ready' }
  | { readonly kind: 'not_ready'; readonly reason: 'database_away' | 'migrating' | 'stopping' };
