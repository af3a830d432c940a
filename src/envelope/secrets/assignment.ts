/**
 * Secrets written out as `name=value`, `name: value` or JSON inside a text. Found from the separator: the name before it is
 * short and decides whether the value behind it is looked at. Quotes may be escaped any number of times, as JSON inside
 * JSON has them.
 */
import { isSecretWord } from './secret-name.ts';
import { isAlphanumeric, isSpace, type Span } from './span.ts';

const MAX_NAME_LENGTH = 64;
const LONGEST_PROSE = 12;
const MAX_GAP = 8;
/** Their values hold spaces; the rest of the line belongs to them. */
const WHOLE_LINE = /(?:authorization|cookie)$/i;
/** `Invalid token: expired` is a sentence and no secret. */
const PROSE = new Set(
  (
    'a an and are be been bad blank cannot does empty expected expired failed field from has have in incorrect invalid is ' +
    'malformed mismatch missing must no none not null of or required revoked should that the this to too undefined unknown ' +
    'use value was were wrong your'
  ).split(' '),
);

export function findAssignments(text: string, spans: Span[]): void {
  let at = 0;
  while (at < text.length) {
    const character = text[at];
    if (character !== '=' && character !== ':') {
      at++;
      continue;
    }
    const name = nameBefore(text, at);
    const value = name !== '' && isSecretWord(name) ? valueAfter(text, at + 1, WHOLE_LINE.test(name)) : null;
    if (value !== null && value.end > value.start) spans.push({ ...value, mark: '[redacted]' });
    at = value === null ? at + 1 : Math.max(at + 1, value.end);
  }
}

/** The word before the separator, without quotes and the spaces between. */
function nameBefore(text: string, separator: number): string {
  let end = separator;
  while (end > 0 && separator - end < MAX_GAP && isGap(text.charCodeAt(end - 1))) end--;
  const lowest = Math.max(0, end - MAX_NAME_LENGTH);
  let start = end;
  while (start > lowest && isNamePart(text.charCodeAt(start - 1))) start--;
  return text.slice(start, end);
}

function valueAfter(text: string, from: number, isWholeLine: boolean): { readonly start: number; readonly end: number } | null {
  let start = from;
  while (isSpace(text.charCodeAt(start)) || text[start] === '>' || text[start] === '=') start++;
  let quoteStart = start;
  while (text[quoteStart] === '\\') quoteStart++;
  const quote = text[quoteStart];
  if (quote === '"' || quote === "'" || quote === '`') {
    const closing = text.slice(start, quoteStart + 1);
    return { start: quoteStart + 1, end: endOfQuoted(text, quoteStart + 1, closing) };
  }
  if (quote === '{' || quote === '[') return { start: quoteStart, end: endOfBrackets(text, quoteStart) };
  const end = isWholeLine ? endOfLine(text, start) : endOfBare(text, start);
  const word = start > from && end - start <= LONGEST_PROSE ? text.slice(start, end) : '';
  const isSentence = PROSE.has(word.replace(/[.!]$/, '').toLowerCase());
  return isSentence ? null : { start, end };
}

/** Index of the closing quote, which is escaped as often as the opening one; a deeper escaped quote belongs to the value. */
function endOfQuoted(text: string, start: number, closing: string): number {
  for (let at = text.indexOf(closing, start); at !== -1; at = text.indexOf(closing, at + 1)) {
    if (text[at - 1] !== '\\' || at === start) return at;
  }
  return text.length;
}

/** Index behind the bracket that closes the one at `start`, or the end of the text. */
function endOfBrackets(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const character = text[at];
    if (character === '{' || character === '[') depth++;
    if (character === '}' || character === ']') depth--;
    if (depth === 0) return at + 1;
  }
  return text.length;
}

function endOfLine(text: string, start: number): number {
  let at = start;
  while (at < text.length && !'\r\n"\''.includes(text.charAt(at))) at++;
  return at;
}

/** A value without quotes ends with a space or with what parts values in query strings, lists and JSON. */
function endOfBare(text: string, start: number): number {
  let at = start;
  while (at < text.length && !isSpace(text.charCodeAt(at)) && !'&;,"\'<>}])'.includes(text.charAt(at))) at++;
  return at;
}

function isGap(charCode: number): boolean {
  return isSpace(charCode) || charCode === 0x22 || charCode === 0x27 || charCode === 0x5c || charCode === 0x60;
}

function isNamePart(charCode: number): boolean {
  return isAlphanumeric(charCode) || charCode === 0x5f || charCode === 0x2d || charCode === 0x2e;
}
