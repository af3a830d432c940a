/** E-mail addresses, and the two parts of a URL that carry secrets: who logs in, and what is asked. */
import { isAlphanumeric, isSpace, type Span } from './span.ts';

/** Longest local part of an address (RFC 5321, 4.5.3.1.1); bounds the way back from an `@`. */
const MAX_LOCAL_LENGTH = 64;
const LOGIN = '[login]';
const QUERY = '[query]';
const AT = 0x40;
const LOCAL_MARKS = new Set(Array.from("._%+-'", (mark) => mark.charCodeAt(0)));
const URL_ENDS = new Set(Array.from('"\'<>`\\)]}', (mark) => mark.charCodeAt(0)));
const TOP_LEVEL = /\.(?:[A-Za-z]{2,}|xn--[A-Za-z0-9-]+)$/;

/** Runs after `findUrlSecrets`: what stands before the `@` of a URL is a login and no mailbox. */
export function findEmails(text: string, spans: Span[]): void {
  const logins = new Set(spans.filter(({ mark }) => mark === LOGIN).map(({ end }) => end));
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) !== AT || logins.has(at)) continue;
    const lowest = Math.max(0, at - MAX_LOCAL_LENGTH);
    let start = at;
    while (start > lowest && isLocal(text.charCodeAt(start - 1))) start--;
    if (start === at) continue;
    const end = endOfHost(text, at + 1);
    if (end > at + 1 && (TOP_LEVEL.test(text.slice(Math.max(at, end - 64), end)) || isNonAscii(text, at + 1, end))) {
      spans.push({ start, end, mark: '[e-mail]' });
    }
  }
}

export function findUrlSecrets(text: string, spans: Span[]): void {
  for (let mark = text.indexOf('://'); mark !== -1; mark = text.indexOf('://', mark + 3)) {
    const start = mark + 3;
    let at = start;
    let login = -1;
    let query = -1;
    let isHost = true;
    for (; at < text.length && !isUrlEnd(text.charCodeAt(at)); at++) {
      const character = text[at];
      if (character === '@' && isHost) login = at;
      if (character === '/' || character === '?' || character === '#') isHost = false;
      if ((character === '?' || character === '#') && query === -1) query = at + 1;
    }
    if (login > start) spans.push({ start, end: login, mark: LOGIN });
    // The bracket that closes the mark ends a URL.
    const isMarked = text.startsWith(QUERY, query) && at === query + QUERY.length - 1;
    if (query !== -1 && query < at && !isMarked) spans.push({ start: query, end: at, mark: QUERY });
    mark = at - 3;
  }
}

function isLocal(charCode: number): boolean {
  return isAlphanumeric(charCode) || LOCAL_MARKS.has(charCode) || charCode >= 0xc0;
}

function endOfHost(text: string, start: number): number {
  let at = start;
  for (; at < text.length; at++) {
    const charCode = text.charCodeAt(at);
    if (!isAlphanumeric(charCode) && charCode !== 0x2d && charCode !== 0x2e && charCode < 0xc0) break;
  }
  while (at > start && (text[at - 1] === '.' || text[at - 1] === '-')) at--;
  return at;
}

function isNonAscii(text: string, start: number, end: number): boolean {
  let hasDot = false;
  let hasLetter = false;
  for (let at = start; at < end; at++) {
    if (text[at] === '.') hasDot = true;
    else if (text.charCodeAt(at) >= 0xc0) hasLetter = true;
  }
  return hasDot && hasLetter;
}

/** White space, quotes and brackets end a URL in prose. */
function isUrlEnd(charCode: number): boolean {
  return isSpace(charCode) || URL_ENDS.has(charCode);
}
