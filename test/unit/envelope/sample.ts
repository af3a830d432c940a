/** Envelopes for the tests of this folder: a clean one, varied by what a case is about. */
import { type DecodeOptions, decode } from '../../../src/envelope/decode.ts';
import type { ErrorEnvelope, JsonValue } from '../../../src/envelope/schema.ts';

export const RECEIVED_AT = '2025-10-12T10:30:05.000Z';
export const RECEIVED_AT_MS = 1_760_265_005_000;
export const OCCURRED_AT = '2025-10-12T10:30:00.000Z';

const OPTIONS: DecodeOptions = { receivedAtMs: RECEIVED_AT_MS, retentionDays: 30 };

interface Variation {
  readonly top?: Readonly<Record<string, JsonValue | undefined>>;
  readonly error?: Readonly<Record<string, JsonValue | undefined>>;
}

/** JSON text of an envelope; an undefined member is left out. */
export function envelopeText({ top = {}, error = {} }: Variation = {}): string {
  return JSON.stringify({
    status: 'error',
    error: { code: 'TRUNK_NOT_FOUND', message: 'SIP trunk not found', ...error },
    timestamp: OCCURRED_AT,
    requestId: 'req_7a8b9c0d1e23',
    ...top,
  });
}

/** JSON text of an envelope whose details are exactly this text. */
export function withDetails(details: string): string {
  return envelopeText({ error: { details: null } }).replace('"details":null', () => `"details":${details}`);
}

export function decodeText(text: string, options: Partial<DecodeOptions> = {}) {
  return decode(Buffer.from(text), { ...OPTIONS, ...options });
}

export function decodeBytes(bytes: Uint8Array | null, options: Partial<DecodeOptions> = {}) {
  return decode(bytes, { ...OPTIONS, ...options });
}

/** The envelope of bytes that must be valid. */
export function decodedEnvelope(input: string | Uint8Array, options: Partial<DecodeOptions> = {}): ErrorEnvelope {
  const decoded = typeof input === 'string' ? decodeText(input, options) : decodeBytes(input, options);
  if (decoded.kind === 'rejected') throw new Error(`rejected as ${decoded.reason}`);
  return decoded.envelope;
}

/** What became of the bytes, in one line: `ok`, `fix:a,b` or the reason. */
export function verdictOf(input: string | Uint8Array | null, options: Partial<DecodeOptions> = {}): string {
  const decoded = typeof input === 'string' ? decodeText(input, options) : decodeBytes(input, options);
  if (decoded.kind === 'rejected') return decoded.reason;
  return decoded.envelope.sanitized.length === 0 ? 'ok' : `fix:${decoded.envelope.sanitized.join()}`;
}
