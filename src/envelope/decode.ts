/**
 * Bytes to envelope, or the reason why not: the one door for webhook, Kafka and file. It costs a clean envelope a scan, a
 * `JSON.parse` and a handful of comparisons; whatever is unusual is noted by the scan and looked at only then.
 *
 * The shape is checked by hand, not by a schema: each fault has its own reason, and most can be mended instead.
 */
import { readContext } from './context.ts';
import { readRecorded } from './export-line.ts';
import { isCodeShaped } from './label.ts';
import {
  CLOCK_AHEAD_MS,
  DAY_MS,
  LATE_MS,
  MAX_CODE_LENGTH,
  MAX_DETAIL_ERROR_COUNT,
  MAX_ENVELOPE_BYTES,
  MAX_MESSAGE_BYTES,
} from './limits.ts';
import { hasProtoKey } from './proto-keys.ts';
import { countKeys, hasContradiction } from './repeated-keys.ts';
import { parseRequestId } from './request-id.ts';
import { createSanitized } from './sanitized.ts';
import { LONG_NUMBER, NON_ASCII, type Scan, SUSPECT_KEY, scan, UNICODE_ESCAPE } from './scan.ts';
import type { Decoded, EnvelopeContext, JsonObject, JsonValue, RejectReason, RequestId, Sanitization } from './schema.ts';
import { clip, clipBytes, hasBom, readText } from './text.ts';
import { parseTimestamp } from './timestamp.ts';
import { memberOf, parseExactly, tidy, tidyText } from './well-formed.ts';

export interface DecodeOptions {
  /** Our clock when the bytes came, epoch milliseconds. */
  readonly receivedAtMs: number;
  /** Whole UTC days that are kept behind the day of `receivedAtMs`. */
  readonly retentionDays: number;
  /** Kafka or HTTP headers; only those with the names of context fields are read. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether the catalogue lists the code, which makes it valid however it is spelled. */
  readonly isCatalogued?: (code: string) => boolean;
  /** The bytes are an operator's: what they say an export recorded is believed. */
  readonly isRecordBelieved?: boolean;
}

/** Never throws, whatever the bytes. */
export function decode(bytes: Uint8Array | null, options: DecodeOptions): Decoded {
  if (bytes === null) return rejected('tombstone');
  if (bytes.length === 0) return rejected('empty');
  if (bytes.length > MAX_ENVELOPE_BYTES) return rejected('too_large');
  const start = hasBom(bytes) ? 3 : 0;
  const scanned = scan(bytes, start);
  const text = readText(bytes, start, scanned.failure === null && (scanned.marks & NON_ASCII) === 0);
  if (text === null) return rejected('utf8');
  if (scanned.failure !== null) return rejected(scanned.failure);
  const parsed = parse(text);
  if (parsed === undefined) return rejected('syntax');
  if ((scanned.marks & SUSPECT_KEY) !== 0 && hasProtoKey(parsed)) return rejected('proto_key', requestIdOf(parsed));
  if (!isObject(parsed)) return rejected('schema');

  const sanitized = createSanitized();
  if (start > 0) sanitized.note('bom');
  if (countKeys(parsed) !== scanned.keyCount) {
    if (hasContradiction(text)) return rejected('duplicate_key');
    sanitized.note('last_wins');
  }
  return read(parsed, text, scanned, options, sanitized);
}

function read(
  parsed: JsonObject,
  text: string,
  scanned: Scan,
  options: DecodeOptions,
  { note, list }: ReturnType<typeof createSanitized>,
): Decoded {
  const requestId = parseRequestId(parsed['requestId']);
  if (parsed['status'] !== 'error') return rejected('status', requestId);
  const error = parsed['error'];
  if (!isObject(error)) return rejected('schema', requestId);
  const stated = error['code'];
  if (typeof stated !== 'string' || stated === '') return rejected('code', requestId);
  const said = error['message'] ?? null;
  if (said !== null && typeof said !== 'string') return rejected('schema', requestId);
  if (requestId === null) return rejected('request_id');
  const timestamp = typeof parsed['timestamp'] === 'string' ? parseTimestamp(parsed['timestamp']) : null;
  if (timestamp === null) return rejected('timestamp', requestId);
  const recorded = options.isRecordBelieved === true ? readRecorded(parsed, options.receivedAtMs) : null;
  const aheadMs = timestamp.epochMs - (recorded?.receivedAtMs ?? options.receivedAtMs);
  const daysBehind = Math.floor(options.receivedAtMs / DAY_MS) - Math.floor(timestamp.epochMs / DAY_MS);
  if (daysBehind > options.retentionDays) return rejected('too_old', requestId);

  const isEscaped = (scanned.marks & UNICODE_ESCAPE) !== 0;
  for (const change of recorded?.sanitized ?? NO_CHANGES) note(change);
  const isCodeValid =
    // A code that was clipped may look whole now; it is counted as it was.
    recorded?.sanitized.includes('code_invalid') !== true &&
    (isCodeShaped(stated) || (stated.length <= MAX_CODE_LENGTH && options.isCatalogued?.(stated) === true));
  const code = isCodeValid ? stated : tidyText(clip(stated, MAX_CODE_LENGTH), note);
  if (!isCodeValid) note('code_invalid');
  if (said === null) note('empty');
  const message = clipMessage(isEscaped ? tidyText(said ?? '', note) : (said ?? ''), note);
  if (timestamp.fix !== null) note(timestamp.fix);
  if (aheadMs > CLOCK_AHEAD_MS) note('clock_ahead');
  if (aheadMs < -LATE_MS) note('late');
  const isExact = (scanned.marks & LONG_NUMBER) === 0;
  const raw = error['details'] ?? null;
  const details = isExact && !isEscaped ? raw : tidy(isExact ? raw : detailsIn(text), note);
  const stating = parsed['context'] ?? null;
  const context = readContext(isObject(stating) ? stating : null, options.headers);
  const decoded: Decoded = {
    kind: 'envelope',
    envelope: {
      requestId,
      code,
      isCodeValid,
      message,
      details: shapeDetails(details, note),
      occurredAt: timestamp.text,
      occurredAtMs: timestamp.epochMs,
      day: timestamp.day,
      context,
      // What an export recorded is read, and an export states nothing else.
      hasDropped: recorded === null && hasMoreThanRead(parsed, error, context),
      sanitized: list(),
    },
  };
  return recorded === null ? decoded : { ...decoded, recorded };
}

/** status, error, timestamp, requestId. */
const REQUIRED_FIELD_COUNT = 4;

/** Whether the object has members besides those that it must have and those that it may have. */
function hasMore(object: JsonObject, requiredCount: number, optional: readonly string[]): boolean {
  let more = -requiredCount;
  for (const _ in object) more += 1; // An array of its keys would be one more object for each envelope.
  for (const name of optional) if (Object.hasOwn(object, name)) more -= 1;
  return more > 0;
}

function hasMoreThanRead(parsed: JsonObject, error: JsonObject, context: EnvelopeContext): boolean {
  if (hasMore(parsed, REQUIRED_FIELD_COUNT, ['context']) || hasMore(error, 1, ['message', 'details'])) return true;
  const stating = parsed['context'] ?? null;
  if (stating === null) return false;
  return !isObject(stating) || Object.keys(stating).some((name) => !Object.hasOwn(context, name));
}

function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text);
  } catch {
    // Only its syntax can fail: depth and size were checked, and the parser's words would echo what was sent.
    return undefined;
  }
}

function detailsIn(text: string) {
  return memberOf(memberOf(parseExactly(text), 'error'), 'details') ?? null;
}

const NO_CHANGES: readonly Sanitization[] = [];
const NO_DETAILS: JsonObject = Object.freeze({});

function shapeDetails(details: JsonValue, note: (change: Sanitization) => void): JsonObject {
  if (details === null) return NO_DETAILS;
  if (!isObject(details)) {
    note('wrapped');
    return { value: details };
  }
  const errors = details['errors'];
  if (!Array.isArray(errors) || errors.length <= MAX_DETAIL_ERROR_COUNT) return details;
  note('truncate');
  return { ...details, errors: errors.slice(0, MAX_DETAIL_ERROR_COUNT), errorsCount: errors.length };
}

function clipMessage(message: string, note: (change: Sanitization) => void): string {
  const clipped = clipBytes(message, MAX_MESSAGE_BYTES);
  if (clipped.length < message.length) note('truncate');
  return clipped;
}

function rejected(reason: RejectReason, requestId: RequestId | null = null): Decoded {
  return { kind: 'rejected', reason, requestId };
}

function requestIdOf(parsed: JsonValue): RequestId | null {
  return isObject(parsed) ? parseRequestId(parsed['requestId']) : null;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
