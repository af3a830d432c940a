/**
 * Repeated keys, which `JSON.parse` drops without a word. A repeat inside the details is harmless (the last wins); two
 * different values of a field that identity or meaning rest on let two readers see two different errors, so that is
 * refused, however the key is spelled. Called only when fewer keys were parsed than were written.
 */
import type { JsonValue } from './schema.ts';

const ENVELOPE_FIELDS: readonly string[] = ['status', 'error', 'timestamp', 'requestId'];
const ERROR_FIELDS: readonly string[] = ['code', 'message', 'details'];

/** Number of keys in all objects of the value. */
export function countKeys(value: JsonValue): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (isArray(value)) {
    for (const item of value) count += countKeys(item);
    return count;
  }
  for (const key in value) {
    count += 1;
    const member = value[key];
    if (typeof member === 'object' && member !== null) count += countKeys(member);
  }
  return count;
}

/** Whether a field of the envelope or of its error is stated twice with different values. `text` is a valid JSON object. */
export function hasContradiction(text: string): boolean {
  const members = membersOf(text);
  if (isContradictory(members, ENVELOPE_FIELDS)) return true;
  return members.some(
    ({ key, value }) => key === 'error' && value.startsWith('{') && isContradictory(membersOf(value), ERROR_FIELDS),
  );
}

/** All JSON whitespace is at or below it. */
const SPACE = 0x20;

interface Member {
  readonly key: string;
  /** The value's own text. */
  readonly value: string;
}

function isContradictory(members: readonly Member[], fields: readonly string[]): boolean {
  const first = new Map<string, string>();
  for (const { key, value } of members) {
    if (!fields.includes(key)) continue;
    const canonical = JSON.stringify(JSON.parse(value));
    if ((first.get(key) ?? canonical) !== canonical) return true;
    first.set(key, canonical);
  }
  return false;
}

/** The members of a valid JSON object in the order written, repeats included. */
function membersOf(text: string): readonly Member[] {
  const members: Member[] = [];
  let at = text.indexOf('{') + 1;
  for (;;) {
    while (text.charCodeAt(at) <= SPACE) at++;
    if (text[at] !== '"') return members;
    const keyEnd = endOfString(text, at);
    const valueStart = text.indexOf(':', keyEnd) + 1;
    const valueEnd = endOfValue(text, valueStart);
    members.push({ key: JSON.parse(text.slice(at, keyEnd)), value: text.slice(valueStart, valueEnd).trim() });
    at = valueEnd + 1;
  }
}

/** Index behind the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

/** Index of the comma or bracket that ends the value. */
function endOfValue(text: string, start: number): number {
  let depth = 0;
  let at = start;
  for (;;) {
    const character = text[at];
    if (depth === 0 && (character === ',' || character === '}')) return at;
    if (character === '{' || character === '[') depth++;
    if (character === '}' || character === ']') depth--;
    at = character === '"' ? endOfString(text, at) : at + 1;
  }
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
