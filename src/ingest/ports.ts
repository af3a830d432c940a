/**
 * What the flow takes in and what it needs from others. Interfaces live here, with their consumer, and hold only what
 * the pipeline calls; the store and the sources know this file, the pipeline knows neither of them.
 */
import type { RedactedEnvelope, RejectReason, RequestId } from '../envelope/schema.ts';
import type { ValidationField } from '../envelope/validation-fields.ts';

export const SOURCES = ['webhook', 'kafka', 'file'] as const;
export type Source = (typeof SOURCES)[number];

/** Where a delivery can be read again: the identity of its dead letter. */
export interface Coordinates {
  readonly topic: string;
  readonly partition: number;
  /** Kafka's 64-bit offset in decimal. */
  readonly offset: string;
}

/** One hand-over of one envelope's bytes. The same envelope may be handed over any number of times. */
export interface Delivery {
  readonly source: Source;
  /** null: a Kafka tombstone. */
  readonly bytes: Uint8Array | null;
  /** Our clock when the bytes came, epoch milliseconds. */
  readonly receivedAtMs: number;
  /** Kafka or HTTP headers that may state context; only known names are read. */
  readonly headers?: Readonly<Record<string, string>>;
  /** null for the webhook: its sender is answered instead. */
  readonly coordinates: Coordinates | null;
}

/** What the store is given for each delivery. */
export type Storable =
  | {
      readonly kind: 'envelope';
      readonly source: Source;
      readonly receivedAtMs: number;
      readonly coordinates: Coordinates | null;
      /** Size of the delivery, never its content. */
      readonly sizeBytes: number;
      /** Keyed digest of the bytes, made only when the store turns the envelope down. */
      readonly digest: () => Uint8Array;
      readonly envelope: RedactedEnvelope;
      /** When and by which way it first came, where that was elsewhere: an import of an export. The row says so. */
      readonly recorded?: { readonly receivedAtMs: number; readonly source: Source };
    }
  | {
      readonly kind: 'rejected';
      readonly source: Source;
      readonly receivedAtMs: number;
      readonly coordinates: Coordinates | null;
      readonly reason: RejectReason;
      readonly requestId: RequestId | null;
      readonly sizeBytes: number;
      readonly digest: () => Uint8Array;
      /** False: the rejection is answered and counted only, as bounded recording of webhook bodies demands. */
      readonly isRecorded: boolean;
    };

/** What became of one `Storable`, known after COMMIT. */
export type Written =
  | { readonly kind: 'stored' }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'rejected'; readonly reason: RejectReason; readonly isNewDeadLetter: boolean };

/** The label values a stored envelope is counted under, after the caps. */
export interface SeriesLabel {
  readonly code: string;
  /** The HTTP status in decimal, `unknown`, or `_other`. */
  readonly status: string;
}

/** By how much `errors_total` has to move so that it equals what is committed. */
export interface ErrorIncrement extends SeriesLabel {
  readonly count: number;
  /** One of the requestIds counted here, for the exemplar; null when none is at hand. */
  readonly requestId: RequestId | null;
}

/** By how much `validation_field_errors_total` has to move so that it equals what is committed. */
export interface FieldIncrement extends ValidationField {
  readonly count: number;
}

/** What was counted that no metric shows yet. */
export interface Increments {
  readonly errors: readonly ErrorIncrement[];
  readonly fields: readonly FieldIncrement[];
}

export interface WriteReport {
  /** One for each storable, in the same order. */
  readonly written: readonly Written[];
  readonly increments: Increments;
}

export interface EnvelopeStore {
  /** How many writes may run at once, each on a lane of its own: 0 to laneCount - 1. */
  readonly laneCount: number;
  /**
   * Writes rows, event-time counts, totals and dead letters in one transaction and reports after COMMIT. Safe to repeat.
   * One call at a time on each lane.
   * @throws StoreUnavailable: nothing is acknowledged; the same call may be made again.
   * @throws StoreRefused: a person must act; nothing is acknowledged.
   */
  write(storables: readonly Storable[], lane: number): Promise<WriteReport>;
}

export interface ConflictStore {
  /**
   * Of envelopes that were duplicates: remembers those whose body differs from the stored one of the same identity, and
   * answers the sources of those that were not known. Rows of another redaction version are not compared.
   * @throws StoreUnavailable, StoreRefused: some may be remembered, safe to repeat.
   */
  flag(repeats: readonly Extract<Storable, { kind: 'envelope' }>[]): Promise<readonly Source[]>;
}
