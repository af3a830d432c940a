/**
 * How a delivery can end and what each end means to the outside: one closed union, one table. A new reason that lacks a
 * row here does not compile.
 */
import type { RejectReason, RequestId } from '../envelope/schema.ts';

export type Outcome =
  | { readonly kind: 'stored'; readonly requestId: RequestId }
  | { readonly kind: 'duplicate'; readonly requestId: RequestId }
  | { readonly kind: 'rejected'; readonly requestId: RequestId | null; readonly reason: RejectReason };

export interface RejectMeaning {
  /** HTTP status that answers a single webhook body rejected for this reason. */
  readonly httpStatus: 400 | 413 | 415 | 422;
  /** What the sender is told: where the fault is and what is allowed, never what was sent. */
  readonly text: string;
}

export const REJECT_MEANINGS: Readonly<Record<RejectReason, RejectMeaning>> = {
  empty: { httpStatus: 400, text: 'The body is empty; one envelope, an array of envelopes or NDJSON is expected.' },
  tombstone: { httpStatus: 400, text: 'A null value holds no envelope.' },
  syntax: { httpStatus: 400, text: 'The body is not one well-formed JSON value.' },
  utf8: { httpStatus: 400, text: 'The body is not valid UTF-8.' },
  charset: { httpStatus: 415, text: 'Only charset=utf-8 is accepted.' },
  encoding: { httpStatus: 415, text: 'Content-Encoding is not accepted; send the body uncompressed.' },
  media_type: { httpStatus: 415, text: 'Content-Type must be application/json or application/x-ndjson.' },
  too_large: { httpStatus: 413, text: 'At most 1 MiB a body and an envelope, and 1000 envelopes a request.' },
  schema: {
    httpStatus: 422,
    text: 'An envelope is an object with status, error {code, message, details}, timestamp and requestId.',
  },
  depth: { httpStatus: 422, text: 'JSON may be nested at most 64 deep.' },
  keys: { httpStatus: 422, text: 'At most 1000 keys in one object and 10000 in all.' },
  key_length: { httpStatus: 422, text: 'A key may have at most 256 characters.' },
  number_length: { httpStatus: 422, text: 'A number may have at most 1000 characters.' },
  duplicate_key: {
    httpStatus: 422,
    text: 'status, error, code, message, details, timestamp and requestId may be stated only once.',
  },
  proto_key: { httpStatus: 400, text: 'The keys __proto__ and constructor.prototype are not accepted.' },
  request_id: { httpStatus: 422, text: 'requestId must be 1 to 128 characters of A-Z a-z 0-9 . _ : -' },
  status: { httpStatus: 422, text: 'status must be the string "error".' },
  code: { httpStatus: 422, text: 'error.code must be a string that is not empty.' },
  timestamp: { httpStatus: 422, text: 'timestamp must be an existing moment in RFC 3339 with a zone.' },
  too_old: { httpStatus: 422, text: 'The envelope occurred before the retention period began.' },
  sibling_cap: { httpStatus: 422, text: 'One requestId keeps at most 100 codes a day.' },
  erased: { httpStatus: 422, text: 'This requestId was erased.' },
  store_refused: { httpStatus: 422, text: 'The database refused this envelope.' },
};
