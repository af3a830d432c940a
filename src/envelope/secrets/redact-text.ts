/**
 * Takes secrets out of a text that is otherwise kept. One pass classifies its characters; only the finders whose secrets
 * could be made of them run, so that prose costs that one pass. Every finder is linear in the text, whatever it holds.
 */
import { memoized } from '../memo.ts';
import { findAssignments } from './assignment.ts';
import { findCards } from './card.ts';
import { findEmails, findUrlSecrets } from './contact.ts';
import { findCredentials } from './credential.ts';
import { findIbans } from './iban.ts';
import { type Span, withoutSpans } from './span.ts';

const AT = 1;
const SEPARATOR = 2;
const KEY_MARK = 4;
const NOT_ASCII = 8;

const MIN_CARD_DIGITS = 13;
const MIN_IBAN_DIGITS = 6;
/** No secret that a finder knows is shorter. */
const MIN_SECRET_LENGTH = 6;

const CLASSES = new Uint8Array(128);
CLASSES['@'.charCodeAt(0)] = AT;
for (const separator of ':=') CLASSES[separator.charCodeAt(0)] = SEPARATOR;
for (const mark of '_-J') CLASSES[mark.charCodeAt(0)] = KEY_MARK;

/** A secret taken out may leave another to be seen; what is left after so many passes was made to be. */
const MOST_PASSES = 4;
/** Longer texts, in UTF-16 units, get one pass: their time is bounded more dearly than their last corner. */
const LONGEST_REPEATED = 65_536;

/** Only texts without a secret are remembered. */
const MEMO = { mostTexts: 2_000, longestText: 128, mayKeep: (text: string, redacted: string) => text === redacted };

/**
 * The text without secrets; an equal one when it holds none. Given again what it answered, it leaves it alone, so that
 * what was exported can be imported.
 */
export const redactText: (text: string) => string = memoized(lookThrough, MEMO);

function lookThrough(text: string): string {
  let redacted = text;
  for (let pass = 1; ; pass++) {
    const before = redacted;
    redacted = redactOnce(before);
    if (redacted === before || pass === MOST_PASSES || text.length > LONGEST_REPEATED) return redacted;
  }
}

function redactOnce(text: string): string {
  if (text.length < MIN_SECRET_LENGTH) return text;
  let classes = 0;
  let digitCount = 0;
  for (let at = 0; at < text.length; at++) {
    const charCode = text.charCodeAt(at);
    if (charCode >= 0x30 && charCode <= 0x39) digitCount++;
    else classes |= charCode < 0x80 ? (CLASSES[charCode] ?? 0) : NOT_ASCII;
  }
  const spans: Span[] = [];
  if ((classes & SEPARATOR) !== 0) {
    findAssignments(text, spans);
    findUrlSecrets(text, spans);
  }
  if ((classes & AT) !== 0) findEmails(text, spans);
  if ((classes & KEY_MARK) !== 0 || digitCount > 0 || hasScheme(text)) findCredentials(text, spans);
  if (digitCount >= MIN_CARD_DIGITS || (classes & NOT_ASCII) !== 0) findCards(text, spans);
  if (digitCount >= MIN_IBAN_DIGITS) findIbans(text, spans);
  return spans.length === 0 ? text : withoutSpans(text, spans);
}

/** `Bearer` or `Basic` in any of the spellings in use, told by the letters that both tests share. */
function hasScheme(text: string): boolean {
  return text.includes('earer ') || text.includes('asic ') || text.includes('EARER ') || text.includes('ASIC ');
}
