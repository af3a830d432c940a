/**
 * What the flow takes in and what it needs from others. Interfaces live here, with their consumer, and hold only what
 * the pipeline calls; the store and the sources know this file, the pipeline knows neither of them.
 */
import type { RedactedEnvelope, RejectReason, RequestId } from '../envelope/schema.ts';

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
  | { readonly kind: 'envelope'; readonly source: Source; readonly receivedAtMs: number; readonly envelope: RedactedEnvelope }
  | {
      readonly kind: 'rejected';
      readonly source: Source;
      readonly receivedAtMs: number;
      readonly reason: RejectReason;
      readonly requestId: RequestId | null;
      readonly coordinates: Coordinates | null;
      /** Size of the delivery, never its content. */
      readonly sizeBytes: number;
      /** Keyed digest of the bytes. */
      readonly digest: Uint8Array;
      /** False: the rejection is answered and counted only, as bounded recording of webhook bodies demands. */
      readonly isRecorded: boolean;
    };

/** What became of one `Storable`, known after COMMIT. */
export type Written =
  | { readonly kind: 'stored'; readonly label: SeriesLabel }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'rejected'; readonly reason: RejectReason; readonly isNewDeadLetter: boolean };

/** The label values a stored envelope is counted under, after the caps. */
export interface SeriesLabel {
  readonly code: string;
  /** The HTTP status in decimal, `unknown`, or `_other`. */
  readonly status: string;
}

export interface EnvelopeStore {
  /**
   * Writes rows, event-time counts, totals and dead letters in one transaction and answers, after COMMIT, one `Written`
   * for each input in the same order. Safe to repeat.
   * @throws StoreUnavailable: nothing is acknowledged; the same call may be made again.
   * @throws StoreRefused: a person must act; nothing is acknowledged.
   */
  write(storables: readonly Storable[]): Promise<readonly Written[]>;
}
