/**
 * The shapes an envelope passes through. Brands mark how far it has come: only `decode` makes an `ErrorEnvelope`, only
 * `redact` makes a `RedactedEnvelope`, and the store takes nothing else, so the compiler holds that no secret is written.
 */
import type { Recorded } from './export-line.ts';
import type { ValidationField } from './validation-fields.ts';

declare const requestIdBrand: unique symbol;
declare const redactedBrand: unique symbol;

/** 1 to 128 characters of `[A-Za-z0-9._:-]`. */
export type RequestId = string & { readonly [requestIdBrand]: true };

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** Why a delivery was rejected: the closed set, as seen in answers, dead letters and metrics. */
export const REJECT_REASONS = [
  'empty',
  'tombstone',
  'syntax',
  'utf8',
  'charset',
  'encoding',
  'media_type',
  'too_large',
  'schema',
  'depth',
  'keys',
  'key_length',
  'number_length',
  'duplicate_key',
  'proto_key',
  'request_id',
  'status',
  'code',
  'timestamp',
  'too_old',
  'sibling_cap',
  'erased',
  'store_refused',
] as const;
export type RejectReason = (typeof REJECT_REASONS)[number];

/** What was changed in an envelope so that it could be stored; named in the row's `sanitized` list. */
export const SANITIZATIONS = [
  'bom',
  'nul',
  'surrogate',
  'truncate',
  'last_wins',
  'number_text',
  'code_invalid',
  'empty',
  'wrapped',
  'redacted',
  'leap_second',
  'micros',
  'clock_ahead',
  'late',
] as const;
export type Sanitization = (typeof SANITIZATIONS)[number];

/** What the producer states beside the error itself. Every field is optional, bounded and attacker-chosen. */
export interface EnvelopeContext {
  readonly httpStatus?: number;
  readonly service?: string;
  readonly route?: string;
  readonly method?: string;
  readonly client?: string;
  readonly release?: string;
  readonly traceparent?: string;
}

/** A valid envelope whose details may still hold secrets: never to be stored, logged or counted as it is. */
export interface ErrorEnvelope {
  readonly requestId: RequestId;
  /** As sent, clipped to 128 characters. */
  readonly code: string;
  /** False: the code may not be a label and is counted as `_other` (`sanitized` holds `code_invalid`). */
  readonly isCodeValid: boolean;
  readonly message: string;
  readonly details: JsonObject;
  /** RFC 3339, UTC, at most six fractional digits. */
  readonly occurredAt: string;
  /** The same moment in epoch milliseconds, rounded down. */
  readonly occurredAtMs: number;
  /** UTC day of `occurredAt`, `YYYY-MM-DD`: part of the identity. */
  readonly day: string;
  readonly context: EnvelopeContext;
  /** Something was stated that is not read: a field that no envelope has, or context out of bounds. */
  readonly hasDropped: boolean;
  readonly sanitized: readonly Sanitization[];
}

/** An envelope as it may be stored. Made by `redact` alone. */
export interface RedactedEnvelope {
  readonly [redactedBrand]: true;
  readonly requestId: RequestId;
  readonly code: string;
  readonly isCodeValid: boolean;
  /** HTTP status: the producer's, else the catalogue's for the code, else null (label `unknown`). */
  readonly status: number | null;
  readonly message: string;
  /** Canonical JSON text of the redacted details; PostgreSQL's jsonb takes it as it is. */
  readonly detailsJson: string;
  /** What a VALIDATION_ERROR is about, each pair once; empty for every other code. */
  readonly validationFields: readonly ValidationField[];
  readonly occurredAt: string;
  readonly occurredAtMs: number;
  readonly day: string;
  /** More than five minutes ahead of our clock: counted in totals, kept from the detector. */
  readonly isClockAhead: boolean;
  readonly service: string | null;
  readonly route: string | null;
  readonly method: string | null;
  readonly client: string | null;
  readonly release: string | null;
  readonly traceparent: string | null;
  readonly hasDropped: boolean;
  readonly sanitized: readonly Sanitization[];
}

/** What `decode` says of a delivery's bytes. */
export type Decoded =
  | {
      readonly kind: 'envelope';
      readonly envelope: ErrorEnvelope;
      /** What an export knew of the row; only where `decode` was told to believe it. */
      readonly recorded?: Recorded;
    }
  | {
      readonly kind: 'rejected';
      readonly reason: RejectReason;
      /** A valid requestId that could be read although the rest was not. */
      readonly requestId: RequestId | null;
    };

/** The parsed fields of `RedactedEnvelope` without its brand: what `redact` fills in. */
export type RedactedFields = Omit<RedactedEnvelope, typeof redactedBrand>;
