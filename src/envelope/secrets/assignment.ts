/**
 * Secrets written out as `name=value`, `name: value`, `<name>value` or JSON inside a text. Found from the separator: the name
 * before it is short and decides whether the value behind it is looked at. Quotes may be escaped any number of times, as JSON
 * inside JSON has them.
 */
import { isSecretPair, isSecretWord } from './secret-name.ts';
import { isAlphanumeric, isFull, isSpace, type Span } from './span.ts';

/** Chinese writes `password` with two characters. */
const MIN_NAME_LENGTH = 2;
const MAX_NAME_LENGTH = 64;
const LONGEST_PROSE = 12;
const MAX_GAP = 8;
/** Their values hold spaces; the rest of the line belongs to them. */
const WHOLE_LINE = /(?:authorization|cookie|passphrase|mnemonic)$/i;
/** What an end user typed, in an envelope that is repeated in a text. */
const TYPED_NAME = 'value';
/** `password.ts:12:3` is a place in a program. */
const SOURCE_FILE = /\.(?:[cm]?[jt]sx?|py|go|rb|php|java|kt|cs|rs|exs?|erl|sql)$/;
/** `name="password"`: the name of a part of a form, whose value stands behind an empty line. */
const PART_NAME = 'name';
const PART_BREAK = /"(?:\r?\n|\\+r\\+n|\\+n){2,4}/y;
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
  while (at < text.length && !isFull(spans)) {
    const character = text[at];
    const value = character === '=' || character === ':' ? assignedAt(text, at) : character === '>' ? enclosedAt(text, at) : null;
    if (value !== null && value.end > value.start) spans.push({ ...value, mark: '[redacted]' });
    at = value === null ? at + 1 : Math.max(at + 1, value.end);
  }
}

interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** What belongs to the name before the separator, when that is secret. */
function assignedAt(text: string, separator: number): Stretch | null {
  const name = nameBefore(text, separator);
  const { start, end } = name;
  if (end - start < MIN_NAME_LENGTH) return null;
  const word = text.slice(start, end);
  if (SOURCE_FILE.test(word) && isDigit(text.charCodeAt(separator + 1))) return null;
  if (isSecretWord(word) || (text[start - 1] === ' ' && isSecretPair(text.slice(wordStart(text, start - 1), end)))) {
    return valueAfter(text, separator + 1, WHOLE_LINE.test(word) ? text.charAt(start - 1) : null);
  }
  if (word === PART_NAME) return partAfter(text, separator + 1);
  const isTyped = word === TYPED_NAME && (end < separator || text[separator + 1] === '"');
  return isTyped ? valueAfter(text, separator + 1, null) : null;
}

/** The text of an XML element with a secret name, whose start tag ends here. */
function enclosedAt(text: string, tagEnd: number): Stretch | null {
  const { start, end } = nameBefore(text, tagEnd);
  if (end !== tagEnd || !'<:'.includes(text.charAt(start - 1) || ' ') || !isSecretWord(text.slice(start, end))) return null;
  const close = text.indexOf('<', tagEnd);
  return { start: tagEnd + 1, end: close === -1 ? text.length : close };
}

function partAfter(text: string, from: number): Stretch | null {
  if (text[from] !== '"') return null;
  const nameEnd = text.indexOf('"', from + 1);
  if (nameEnd === -1 || nameEnd - from > MAX_NAME_LENGTH || !isSecretWord(text.slice(from + 1, nameEnd))) return null;
  PART_BREAK.lastIndex = nameEnd;
  return PART_BREAK.test(text) ? { start: PART_BREAK.lastIndex, end: endOfLine(text, PART_BREAK.lastIndex, '"') } : null;
}

/** The word before the separator, without quotes and the spaces between. */
function nameBefore(text: string, separator: number): Stretch {
  let end = separator;
  while (end > 0 && separator - end < MAX_GAP && isGap(text.charCodeAt(end - 1))) end--;
  return { start: wordStart(text, end), end };
}

function wordStart(text: string, end: number): number {
  const lowest = Math.max(0, end - MAX_NAME_LENGTH);
  let start = end;
  while (start > lowest && isNamePart(text.charCodeAt(start - 1))) start--;
  return start;
}

/** @param lineQuote what stands before the name of a value that takes the whole line, null for any other value. */
function valueAfter(text: string, from: number, lineQuote: string | null): Stretch | null {
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
  const end = lineQuote === null ? endOfBare(text, start) : endOfLine(text, start, lineQuote);
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

/** Index behind the bracket that closes the one at `start`, or the end of the text. Brackets within strings count for none. */
function endOfBrackets(text: string, start: number): number {
  let depth = 0;
  let escapes = 0;
  let stringEscapes = -1;
  let isInString = false;
  for (let at = start; at < text.length; at++) {
    const character = text[at];
    if (character === '\\') {
      escapes++;
      continue;
    }
    if (character === '"') {
      // The first string says how often the quotes of this JSON are escaped; those escaped more often are part of a string.
      if (stringEscapes === -1) stringEscapes = escapes;
      if (escapes === stringEscapes) isInString = !isInString;
    }
    escapes = 0;
    if (isInString) continue;
    if (character === '{' || character === '[') depth++;
    if (character === '}' || character === ']') depth--;
    if (depth === 0) return at + 1;
  }
  return text.length;
}

/** A line within quotes ends with the quote that began it. */
function endOfLine(text: string, start: number, quote: string): number {
  const ends = quote === '"' || quote === "'" ? `\r\n${quote}` : '\r\n';
  let at = start;
  while (at < text.length && !ends.includes(text.charAt(at))) at++;
  return at;
}

/** A value without quotes ends with a space or with what parts values in query strings, lists and JSON. */
function endOfBare(text: string, start: number): number {
  let at = start;
  while (at < text.length && !isSpace(text.charCodeAt(at)) && !'&;,"\'<>}])'.includes(text.charAt(at))) at++;
  return at;
}

function isDigit(charCode: number): boolean {
  return charCode >= 0x30 && charCode <= 0x39;
}

function isGap(charCode: number): boolean {
  return isSpace(charCode) || charCode === 0x22 || charCode === 0x27 || charCode === 0x5c || charCode === 0x60;
}

function isNamePart(charCode: number): boolean {
  return isAlphanumeric(charCode) || charCode === 0x5f || charCode === 0x2d || charCode === 0x2e || charCode >= 0xc0;
}
