/** E-mail addresses, telephone numbers, and the two parts of a URL that carry secrets: who logs in, and what is asked. */
import { isAlphanumeric, isFull, isSpace, type Span } from './span.ts';

/** Longest local part of an address (RFC 5321, 4.5.3.1.1); bounds the way back from an `@`. */
const MAX_LOCAL_LENGTH = 64;
const LOGIN = '[login]';
const QUERY = '[query]';
const AT = 0x40;
const LOCAL_MARKS = new Set(Array.from("._%+-'", (mark) => mark.charCodeAt(0)));
const URL_ENDS = new Set(Array.from('"\'<>`\\)]}', (mark) => mark.charCodeAt(0)));
/** `user:password@host` without `//`. An image that is pinned by its digest looks alike. */
const BARE_LOGIN =
  /(?<![\w.%+:/-])([A-Za-z][\w.+-]{0,63}):(?!\/\/)([^\s:@"'<>]{1,64}:[^\s:@"'<>]{1,64}|[^\s:@"'<>]{3,64})@(?!sha256:)(?=[A-Za-z0-9[])/g;
/** Schemes whose addresses have a mailbox or an extension before the `@`; only what follows a second colon is secret. */
const ADDRESS_SCHEME = /^(?:sips?|mailto|xmpp|pres|im|acct|tel|urn)$/i;
const SIP = /\bsips?:$/i;
const SIP_LENGTH = 5;
const MIN_PHONE_DIGITS = 8;
const MAX_PHONE_DIGITS = 15;
const MAX_PHONE_GAP = 2;
const PHONE_MARKS = new Set(Array.from(' -.()', (mark) => mark.charCodeAt(0)));
const TOP_LEVEL = /\.(?:[A-Za-z]{2,}|xn--[A-Za-z0-9-]+)$/;

/** Runs after `findUrlSecrets`: what stands before the `@` of a URL is a login and no mailbox. A SIP address is neither. */
export function findEmails(text: string, spans: Span[]): void {
  findBareLogins(text, spans);
  const logins = new Set(spans.filter(({ mark }) => mark === LOGIN).map(({ end }) => end));
  for (let at = 0; at < text.length && !isFull(spans); at++) {
    if (text.charCodeAt(at) !== AT || logins.has(at)) continue;
    const lowest = Math.max(0, at - MAX_LOCAL_LENGTH);
    let start = at;
    while (start > lowest && isLocal(text.charCodeAt(start - 1))) start--;
    if (start === at || (text[start - 1] === ':' && SIP.test(text.slice(Math.max(0, start - SIP_LENGTH), start)))) continue;
    const end = endOfHost(text, at + 1);
    if (end > at + 1 && (TOP_LEVEL.test(text.slice(Math.max(at, end - 64), end)) || isNonAscii(text, at + 1, end))) {
      spans.push({ start, end, mark: '[e-mail]' });
    }
  }
}

function findBareLogins(text: string, spans: Span[]): void {
  for (const { index, 0: whole, 1: user = '', 2: rest = '' } of text.matchAll(BARE_LOGIN)) {
    if (isFull(spans)) return;
    const end = index + whole.length - 1;
    const password = ADDRESS_SCHEME.test(user) ? rest.indexOf(':') + 1 : 0;
    const isAddress = ADDRESS_SCHEME.test(user) && password === 0;
    const start = password === 0 ? index : index + user.length + 1 + password;
    if (!isAddress) spans.push({ start, end, mark: LOGIN });
  }
}

export function findUrlSecrets(text: string, spans: Span[]): void {
  for (let mark = text.indexOf('://'); mark !== -1 && !isFull(spans); mark = text.indexOf('://', mark + 3)) {
    const start = mark + 3;
    let at = start;
    let login = -1;
    let query = -1;
    let isHost = true;
    let isUser = true;
    let isBracketed = false;
    for (; at < text.length; at++) {
      const character = text[at];
      if (isUrlEnd(text.charCodeAt(at)) && !(isBracketed && character === ']')) break;
      isBracketed = character === '[' || (isBracketed && character !== ']');
      if (character === ':' && isUser) {
        isUser = false;
        if (isPort(text, at + 1)) continue;
        const end = endOfPassword(text, at + 1);
        if (end === -1) continue;
        login = end;
        at = end;
        isHost = false;
      }
      if (character === '@' && isHost) login = at;
      if (character === '/' || character === '?' || character === '#') {
        isHost = false;
        isUser = false;
        if (character !== '/' && query === -1) query = at + 1;
      }
    }
    if (login > start) spans.push({ start, end: login, mark: LOGIN });
    if (query !== -1 && query < at) spans.push({ start: query, end: at, mark: QUERY });
    mark = at - 3;
  }
}

function isPort(text: string, start: number): boolean {
  let at = start;
  while (at - start < 6 && text.charCodeAt(at) >= 0x30 && text.charCodeAt(at) <= 0x39) at++;
  const end = text.charAt(at);
  return end === '' || '/?#,;.)]}'.includes(end) || isUrlEnd(text.charCodeAt(at));
}

/** Index of the last `@` behind the password at `start`, which may hold what would end a host or a URL; -1 without one. */
function endOfPassword(text: string, start: number): number {
  let found = -1;
  for (let at = start; at < text.length && !isSpace(text.charCodeAt(at)) && !'"<>'.includes(text.charAt(at)); at++) {
    if (text.charCodeAt(at) === AT) found = at;
  }
  return found;
}

/** International numbers: a plus, then 8 to 15 digits (E.164), parted or not. National ones look like any other number. */
export function findPhones(text: string, spans: Span[]): void {
  for (let plus = text.indexOf('+'); plus !== -1 && !isFull(spans); plus = text.indexOf('+', plus + 1)) {
    if (plus > 0 && isAlphanumeric(text.charCodeAt(plus - 1))) continue; // The zone of a time, a sum.
    if (text.charCodeAt(plus + 1) === 0x30) continue; // No country has a code that begins with 0; zones do.
    let end = plus + 1;
    let digitCount = 0;
    for (let at = end, gap = 0; at < text.length && gap <= MAX_PHONE_GAP && digitCount <= MAX_PHONE_DIGITS; at++) {
      const charCode = text.charCodeAt(at);
      if (charCode >= 0x30 && charCode <= 0x39) {
        digitCount++;
        gap = 0;
        end = at + 1;
      } else if (PHONE_MARKS.has(charCode)) gap++;
      else break;
    }
    const isPhone = digitCount >= MIN_PHONE_DIGITS && digitCount <= MAX_PHONE_DIGITS && !isAlphanumeric(text.charCodeAt(end));
    if (isPhone) spans.push({ start: plus, end, mark: '[phone]' });
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
