/**
 * Cuts the body of a webhook request into the bytes of its envelopes without parsing a value, so that `decode` stays the
 * only reader and a bad item rejects itself alone for as long as its neighbours' borders can still be found.
 */
import { MAX_BATCH_COUNT, MAX_ENVELOPE_BYTES } from './limits.ts';
import { hasBom } from './text.ts';

export type Split =
  | { readonly kind: 'single' }
  | { readonly kind: 'items'; readonly items: readonly Uint8Array[] }
  | { readonly kind: 'rejected'; readonly reason: 'empty' | 'syntax' | 'too_large' };

const SPACE = 0x20;
const LINE_FEED = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

/** The items of a top-level array; `single` when the body is none, which is then for `decode` to judge. */
export function splitJsonArray(bytes: Uint8Array): Split {
  if (bytes.length === 0) return { kind: 'rejected', reason: 'empty' };
  if (bytes.length > MAX_ENVELOPE_BYTES) return { kind: 'rejected', reason: 'too_large' };
  const open = skipSpace(bytes, hasBom(bytes) ? 3 : 0);
  if (bytes[open] !== 0x5b) return { kind: 'single' };

  const items: Uint8Array[] = [];
  let itemStart = open + 1;
  let depth = 1;
  let at = itemStart;
  while (at < bytes.length && depth > 0) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) at = endOfString(bytes, at) - 1;
    else if (byte === 0x5b || byte === 0x7b) depth++;
    else if (byte === 0x5d || byte === 0x7d) depth--;
    if ((byte === COMMA && depth === 1) || depth === 0) {
      const item = trimmed(bytes, itemStart, at);
      if (item.length === 0) {
        const isEmptyArray = depth === 0 && items.length === 0 && skipSpace(bytes, at + 1) === bytes.length;
        return { kind: 'rejected', reason: isEmptyArray && byte === 0x5d ? 'empty' : 'syntax' };
      }
      if (items.length === MAX_BATCH_COUNT) return { kind: 'rejected', reason: 'too_large' };
      items.push(item);
      itemStart = at + 1;
      if (depth === 0 && byte !== 0x5d) return { kind: 'rejected', reason: 'syntax' };
    }
    at++;
  }
  if (depth > 0 || skipSpace(bytes, at) !== bytes.length) return { kind: 'rejected', reason: 'syntax' };
  return { kind: 'items', items };
}

/** The lines of NDJSON; blank ones do not count. Only blank lines are `syntax`, no byte at all is `empty`. */
export function splitLines(bytes: Uint8Array): Split {
  if (bytes.length === 0) return { kind: 'rejected', reason: 'empty' };
  if (bytes.length > MAX_ENVELOPE_BYTES) return { kind: 'rejected', reason: 'too_large' };
  const items: Uint8Array[] = [];
  let start = 0;
  while (start < bytes.length) {
    const lineFeed = bytes.indexOf(LINE_FEED, start);
    const end = lineFeed === -1 ? bytes.length : lineFeed;
    const line = trimmed(bytes, start, end);
    if (line.length > 0 && items.length === MAX_BATCH_COUNT) return { kind: 'rejected', reason: 'too_large' };
    if (line.length > 0) items.push(line);
    start = end + 1;
  }
  return items.length === 0 ? { kind: 'rejected', reason: 'syntax' } : { kind: 'items', items };
}

/** A view on the bytes without the JSON whitespace at both ends. */
function trimmed(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const first = Math.min(skipSpace(bytes, start), end);
  let last = end;
  while (last > first && isSpace(bytes[last - 1])) last--;
  return bytes.subarray(first, last);
}

function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && isSpace(bytes[at])) at++;
  return at;
}

function isSpace(byte: number | undefined): boolean {
  return byte === SPACE || byte === LINE_FEED || byte === 0x0d || byte === 0x09;
}

/** Index behind the closing quote of the string that opens at `start`, or the end of the bytes. */
function endOfString(bytes: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return Math.min(at + 1, bytes.length);
}
