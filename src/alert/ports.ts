/**
 * What the detection loop needs from the database and from Alertmanager. Interfaces live here, with their consumer, and
 * hold only what the loop calls. Everything written as leader carries the epoch of the lease and is written only while
 * that epoch is the lease's: `stale` says that another replica leads now and nothing was written.
 */
import type { Span } from '../detect/collected.ts';
import type { TrafficPoint } from '../detect/traffic.ts';
import type { WatchedSeries } from '../envelope/series-key.ts';
import type { Snapshot } from './code-states.ts';
import type { SampledValues } from './dominant-detail.ts';
import type { Alert } from './payload.ts';
import type { AffectedClients, Escalation, NewSpike, PushResult, SpikeKind, SpikeRecord } from './spike.ts';
import type { StateChange } from './spike-life.ts';
import type { ThresholdHour } from './threshold.ts';
import type { PartitionPlace } from './watermark.ts';

export type Written = 'written' | 'stale';

/** What the lease row says after asking for it. */
export interface LeaseAnswer {
  /** null: another process holds it. */
  readonly epoch: number | null;
  /** The database's clock. */
  readonly nowMs: number;
}

export interface Progress {
  /** null: nothing was evaluated yet. */
  readonly evaluatedUntilMs: number | null;
  readonly blindSinceMs: number | null;
}

/** Errors of one code, or of one pair inside a code, in one bucket, all writers together. */
export interface BucketCount {
  /** A series' key, as everywhere where the detector's states are moved on. */
  readonly code: string;
  readonly bucketStartSeconds: number;
  readonly count: number;
}

/** The spike of a series and kind that is not resolved; there is at most one. */
export interface LiveSpike {
  readonly of: SpikeKind;
  readonly code: string;
  /** Of a surge inside the code. */
  readonly pair?: WatchedSeries['pair'];
}

/** What a stretch of event time changes about spikes; applied in this order. */
export type SpikeChange =
  /** `isCovered`: by the all-codes spike that is not resolved, which began before it. */
  | { readonly kind: 'begin'; readonly spike: NewSpike; readonly isCovered: boolean }
  | ({ readonly kind: 'continue' } & LiveSpike)
  | ({ readonly kind: 'close'; readonly closedAtMs: number; readonly reason: string } & LiveSpike)
  /** Open, and much worse than it was told. */
  | ({ readonly kind: 'escalate'; readonly escalation: Escalation } & LiveSpike)
  /** Over for so long that nobody is told any more. */
  | ({ readonly kind: 'end_untold' } & LiveSpike)
  /** No longer covered: as if it had opened by itself just then. */
  | ({ readonly kind: 'uncover'; readonly openedAtMs: number } & LiveSpike);

export interface Evaluated {
  /** Where the detector stood before; anything else in the database means that this was written already, or is stale. */
  readonly fromMs: number | null;
  readonly untilMs: number;
  readonly changes: readonly SpikeChange[];
}

/** Every method @throws StoreUnavailable while the database is away. */
export interface DetectionStore {
  /** Takes the lease when it is free or renews it when `epoch` is its own. */
  keepLease(holder: string, epoch: number | null, leaseMs: number): Promise<LeaseAnswer>;
  releaseLease(holder: string, epoch: number): Promise<void>;
  /** Event time in which this process listened: no error there means zero. */
  extendSpan(key: string, fromMs: number, toMs: number): Promise<void>;
  readProgress(): Promise<Progress>;
  readPartitions(topic: string): Promise<readonly PartitionPlace[]>;
  /** How many codes are counted by name. */
  readCodeCount(): Promise<number>;
  /** Start of the earliest bucket from then on, or null. */
  readEarliestBucket(fromMs: number): Promise<number | null>;
  /** Without the counts of envelopes whose producer's clock was ahead. Of one code, when it is given. */
  readCounts(range: Span, code?: string): Promise<readonly BucketCount[]>;
  /** Whether any other code came. */
  hasOtherCodes(code: string, range: Span): Promise<boolean>;
  readSpans(range: Span): Promise<readonly Span[]>;
  /** By code the start, in seconds, of the last bucket before then in which it came; also of codes whose counts are gone. */
  readLastSeen(beforeMs: number): Promise<ReadonlyMap<string, number>>;
  /** Takes up to `limit` codes out of the late ones; their snapshots are outdated from then on. */
  takeLateCodes(epoch: number, limit: number): Promise<readonly string[] | 'stale'>;
  /** Writes progress and changes in one transaction; the same call may be made again after a fault. */
  writeEvaluated(epoch: number, evaluated: Evaluated): Promise<Written>;
  writeBlindSince(epoch: number, blindSinceMs: number | null): Promise<Written>;
}

export interface CodeSnapshot {
  readonly code: string;
  /** Late counts came for it that are not in its state. */
  readonly isOutdated: boolean;
  /** null: none was written yet. */
  readonly snapshot: Snapshot | null;
}

/** What all codes share. */
export interface SharedSnapshot {
  readonly historyStartSeconds: number;
  readonly thresholdHours: readonly ThresholdHour[];
  /** The state of a code that was never seen. null: not every code has a snapshot yet. */
  readonly silent: Snapshot | null;
}

export interface SnapshotWrite {
  readonly codes: readonly (CodeSnapshot & { readonly snapshot: Snapshot })[];
  /** null: as it is. Its silent state, when null: as it is. */
  readonly shared: SharedSnapshot | null;
}

/** The detector's states, for whoever leads next. Every method @throws StoreUnavailable while the database is away. */
export interface SnapshotStore {
  /** null: there is none. */
  readShared(): Promise<SharedSnapshot | null>;
  /** The next ones by code, after that code. */
  readCodes(after: string | null, limit: number): Promise<readonly CodeSnapshot[]>;
  /** All or nothing. */
  writeSnapshots(epoch: number, write: SnapshotWrite): Promise<Written>;
}

/** Every method @throws StoreUnavailable while the database is away. */
export interface TrafficStore {
  /** Points of the range and the one before it, ascending. */
  readTraffic(range: Span): Promise<readonly TrafficPoint[]>;
  /** Adds points; one that is there already stays. */
  appendTraffic(epoch: number, points: readonly TrafficPoint[]): Promise<Written>;
}

/** One sampled error, redacted. */
export interface SampledError {
  readonly requestId: string;
  readonly status: number | null;
  readonly values: SampledValues;
}

export interface NewestError {
  readonly requestId: string;
  readonly status: number | null;
}

/** Errors of the series from..to by event time, at most so many and for so long; none whose clock was ahead. */
export interface ErrorSample extends WatchedSeries {
  readonly fromMs: number;
  readonly toMs: number;
  readonly limit: number;
  readonly timeoutMs: number;
}

/** Reads that give up in time: null = there was not enough of it. Every method @throws StoreUnavailable. */
export interface EvidenceReader {
  /** From all over the stretch, newest first. */
  sampleErrors(sample: ErrorSample): Promise<readonly SampledError[] | null>;
  /** Distinct clients of the newest errors; 0: none states its client. */
  countClients(sample: ErrorSample): Promise<Omit<AffectedClients, 'hourBeforeCount'> | null>;
}

export interface SpikeStore extends EvidenceReader {
  activeSpikes(): Promise<readonly SpikeRecord[]>;
  /** Those active, and those resolved since then. */
  spikesToTell(resolvedSinceMs: number): Promise<readonly SpikeRecord[]>;
  /** By code up to three of its errors from..to by event time, newest first. */
  sampleNewest(codes: readonly string[], fromMs: number, toMs: number): Promise<ReadonlyMap<string, readonly NewestError[]>>;
  changeStates(epoch: number, changes: readonly (StateChange & { readonly id: string })[]): Promise<Written>;
  /** pending -> firing, with the moment of the first acceptance by the database's clock. */
  markAccepted(epoch: number, accepted: readonly { readonly id: string; readonly isLate: boolean }[]): Promise<Written>;
}

/** One Alertmanager. */
export interface AlertmanagerClient {
  /** Host and path, no credentials: for logs. */
  readonly name: string;
  /**
   * One answer for each alert, in order. Never throws.
   * `mayPush` is asked before each request: what it no longer allows is `failed` and not sent.
   */
  push(
    alerts: readonly Alert[],
    options: { readonly mayPush: () => boolean; readonly signal: AbortSignal },
  ): Promise<readonly PushResult[]>;
}

export interface AlertLog {
  debug(fields: object, text: string): void;
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}
