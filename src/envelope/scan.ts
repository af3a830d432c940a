/**
 * One pass over the bytes before they are parsed. It enforces the limits that protect the parser (depth, keys, lengths)
 * and notes what is unusual, so that a clean envelope skips every later check. It does not judge syntax: on bytes that
 * are valid JSON its answer is exact, on all others `JSON.parse` has the last word.
 *
 * Longer than a screen on purpose: split into functions the loop costs twice the time, and it runs for every envelope.
 */
import {
  MAX_DEPTH,
  MAX_DETAIL_ERROR_COUNT,
  MAX_KEY_COUNT,
  MAX_KEY_LENGTH,
  MAX_NUMBER_LENGTH,
  MAX_OBJECT_KEY_COUNT,
} from './limits.ts';
import type { RejectReason } from './schema.ts';

/** Some byte is not ASCII: the text has to be decoded as UTF-8. */
export const NON_ASCII = 1;
/** Some string holds `\u`: the only way to a NUL or a lone surrogate. */
export const UNICODE_ESCAPE = 2;
/** Some key is, or may spell by escapes, `__proto__` or `constructor`. */
export const SUSPECT_KEY = 4;
/** Some number is so long, or has an exponent, that JavaScript may not hold it exactly. */
export const LONG_NUMBER = 8;

export interface Scan {
  readonly failure: RejectReason | null;
  /** Sum of the marks above. */
  readonly marks: number;
  /** All keys of all objects; fewer in the parsed value mean that a key was repeated. */
  readonly keyCount: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const MINUS = 0x2d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const LOWER_U = 0x75;
const UNDERSCORE = 0x5f;
const LOWER_C = 0x63;

/** Up to 15 significant digits survive the way through a double. */
const EXACT_NUMBER_LENGTH = 15;

/** The way to the one array whose items past the hundredth are cut off and whose keys therefore do not count. */
const ERRORS_PATH = ['error', 'details', 'errors'].map((name) => Buffer.from(name));
const ERRORS_DEPTH = ERRORS_PATH.length + 1;

// Scratch space of the one scan that can run at a time: allocating it for each envelope costs more than the scan.
const isObjectAt = new Uint8Array(MAX_DEPTH + 1);
const keyCountAt = new Int32Array(MAX_DEPTH + 1);

export function scan(bytes: Uint8Array, from: number): Scan {
  const end = bytes.length;
  let seen = 0;
  let marks = 0;
  let depth = 0;
  let keyCount = 0;
  let cappedKeyCount = 0;
  let isKeyNext = false;
  let pathLength = 0;
  let errorIndex = -1;
  let at = from;
  while (at < end) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) {
      const start = at + 1;
      let hasEscape = false;
      for (at = start; at < end; at++) {
        const inner = bytes[at] ?? 0;
        if (inner === QUOTE) break;
        seen |= inner;
        if (inner === BACKSLASH) {
          at++;
          hasEscape = true;
          const escaped = bytes[at] ?? 0;
          seen |= escaped;
          if (escaped === LOWER_U) marks |= UNICODE_ESCAPE;
        }
      }
      if (isKeyNext) {
        isKeyNext = false;
        keyCount++;
        const length = at - start;
        if (length > MAX_KEY_LENGTH && lengthInCharacters(bytes, start, at) > MAX_KEY_LENGTH) return failed('key_length');
        if (hasEscape || isSuspect(bytes, start, length)) marks |= SUSPECT_KEY;
        if (pathLength >= depth - 1 && depth < ERRORS_DEPTH) {
          pathLength = isNamed(ERRORS_PATH[depth - 1], bytes, start, length) ? depth : depth - 1;
        }
        if (errorIndex < MAX_DETAIL_ERROR_COUNT) {
          cappedKeyCount++;
          const inObject = (keyCountAt[depth] ?? 0) + 1;
          keyCountAt[depth] = inObject;
          if (inObject > MAX_OBJECT_KEY_COUNT || cappedKeyCount > MAX_KEY_COUNT) return failed('keys');
        }
      }
      at++;
    } else if (byte === COMMA) {
      isKeyNext = isObjectAt[depth] === 1;
      if (errorIndex >= 0 && depth === ERRORS_DEPTH) errorIndex++;
      at++;
    } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      depth++;
      if (depth > MAX_DEPTH) return failed('depth');
      isKeyNext = byte === OPEN_OBJECT;
      isObjectAt[depth] = isKeyNext ? 1 : 0;
      keyCountAt[depth] = 0;
      if (depth === ERRORS_DEPTH && pathLength === ERRORS_PATH.length && !isKeyNext) errorIndex = 0;
      at++;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      if (depth === ERRORS_DEPTH) errorIndex = -1;
      if (depth > 0) depth--;
      isKeyNext = false;
      at++;
    } else if (byte === MINUS || (byte >= 0x30 && byte <= 0x39)) {
      const start = at;
      for (at++; at < end; at++) {
        const inner = bytes[at] ?? 0;
        if (inner >= 0x30 && inner <= 0x39) continue;
        if (inner === 0x65 || inner === 0x45) marks |= LONG_NUMBER;
        else if (inner !== 0x2e && inner !== 0x2b && inner !== MINUS) break;
      }
      if (at - start > MAX_NUMBER_LENGTH) return failed('number_length');
      if (at - start > EXACT_NUMBER_LENGTH) marks |= LONG_NUMBER;
    } else {
      seen |= byte;
      at++;
    }
  }
  return { failure: null, marks: seen >= 0x80 ? marks | NON_ASCII : marks, keyCount };
}

function failed(failure: RejectReason): Scan {
  return { failure, marks: 0, keyCount: 0 };
}

function isSuspect(bytes: Uint8Array, start: number, length: number): boolean {
  if (length === '__proto__'.length) return bytes[start] === UNDERSCORE && bytes[start + 1] === UNDERSCORE;
  return length === 'constructor'.length && bytes[start] === LOWER_C;
}

function isNamed(name: Uint8Array | undefined, bytes: Uint8Array, start: number, length: number): boolean {
  if (name?.length !== length) return false;
  for (let index = 0; index < length; index++) {
    if (name[index] !== bytes[start + index]) return false;
  }
  return true;
}

/** Counts an escape as one character and a character of several bytes once. */
function lengthInCharacters(bytes: Uint8Array, start: number, end: number): number {
  let length = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === BACKSLASH) at += bytes[at + 1] === LOWER_U ? 5 : 1;
    if ((byte & 0xc0) !== 0x80) length++;
  }
  return length;
}
