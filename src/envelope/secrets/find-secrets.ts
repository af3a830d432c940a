/**
 * All finders over one text. One pass classifies its characters; only the finders whose secrets could be made of them run,
 * so that prose costs that one pass. Every finder is linear in the text, whatever it holds.
 */
import { findAssignments } from './assignment.ts';
import { findCards } from './card.ts';
import { findEmails, findPhones, findUrlSecrets } from './contact.ts';
import { findCredentials } from './credential.ts';
import { findIbans } from './iban.ts';
import { isFull, type Span } from './span.ts';
import { findSpoken } from './spoken.ts';

const AT = 1;
const SEPARATOR = 2;
const KEY_MARK = 4;
const QUOTE = 8;
const PLUS = 16;
const ESCAPE = 32;
const NOT_ASCII = 64;
const TAG_END = 128;

const MIN_CARD_DIGITS = 13;
const MIN_IBAN_DIGITS = 6;
const MIN_PHONE_DIGITS = 8;

const CLASSES = new Uint8Array(128);
CLASSES['@'.charCodeAt(0)] = AT;
for (const separator of ':=') CLASSES[separator.charCodeAt(0)] = SEPARATOR;
for (const mark of '_-J') CLASSES[mark.charCodeAt(0)] = KEY_MARK;
for (const quote of '"\'`') CLASSES[quote.charCodeAt(0)] = QUOTE;
for (const mark of '%&\\') CLASSES[mark.charCodeAt(0)] = ESCAPE;
CLASSES['+'.charCodeAt(0)] = PLUS;
CLASSES['>'.charCodeAt(0)] = TAG_END;

/** Adds the spans of all secrets, until they are full. @returns whether the text may read otherwise than it is written. */
export function findSecrets(text: string, spans: Span[]): boolean {
  let classes = 0;
  let digitCount = 0;
  for (let at = 0; at < text.length; at++) {
    const charCode = text.charCodeAt(at);
    if (charCode >= 0x30 && charCode <= 0x39) digitCount++;
    else classes |= charCode < 0x80 ? (CLASSES[charCode] ?? 0) : NOT_ASCII;
  }
  const has = (some: number) => (classes & some) !== 0 && !isFull(spans);
  if (has(SEPARATOR | TAG_END)) findAssignments(text, spans);
  if (has(SEPARATOR)) findUrlSecrets(text, spans);
  if (has(AT)) findEmails(text, spans);
  if (digitCount >= MIN_CARD_DIGITS) findCards(text, spans);
  if (digitCount >= MIN_IBAN_DIGITS) findIbans(text, spans);
  if (digitCount >= MIN_PHONE_DIGITS && has(PLUS)) findPhones(text, spans);
  if (digitCount > 0 || has(QUOTE | KEY_MARK)) findSpoken(text, spans);
  if (digitCount > 0 || has(KEY_MARK) || hasScheme(text)) findCredentials(text, spans);
  return has(ESCAPE | NOT_ASCII);
}

/** `Bearer` or `Basic` in any of the spellings in use, told by the letters that both tests share. */
function hasScheme(text: string): boolean {
  return text.includes('earer ') || text.includes('asic ') || text.includes('EARER ') || text.includes('ASIC ');
}
