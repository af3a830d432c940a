/**
 * Payment card numbers: 13 to 19 digits in any script, whole or in groups parted by spaces or dashes, that pass the Luhn
 * check (ISO/IEC 7812-1, annex B). First digits that no card has are let pass, or one in ten epoch timestamps would go.
 */
import { isAlphanumeric, isSpace, type Span } from './span.ts';

const MIN_DIGITS = 13;
const MAX_DIGITS = 19;
/** Smallest group of a card number in print, the last one aside. */
const MIN_GROUP = 3;
const MAX_SEPARATORS = 2;
/** Only UATP cards begin with 1; they have 15 digits. */
const UATP_DIGITS = 15;

/** Zeros of the decimal digits that a keyboard or a form may produce beside ASCII's. */
const ZEROS = [0x660, 0x6f0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50, 0xed0, 0xf20, 0x1040, 0xff10];

export function findCards(text: string, spans: Span[]): void {
  let at = 0;
  while (at < text.length) {
    if (digitOf(text.charCodeAt(at)) === -1) {
      at++;
      continue;
    }
    const uuidEnd = endOfUuid(text, at);
    const cardEnd = uuidEnd > at ? at : endOfCard(text, at);
    if (cardEnd > at) spans.push({ start: at, end: cardEnd, mark: '[card]' });
    at = Math.max(uuidEnd, cardEnd, endOfDigits(text, at));
  }
}

/** Whether the number is one that a card may have. */
export function isCardNumber(value: number): boolean {
  if (!Number.isSafeInteger(value) || value < 10 ** (MIN_DIGITS - 1)) return false;
  const text = String(value);
  return endOfCard(text, 0) === text.length;
}

/** Index behind the longest card number that begins with the digit at `start`, or `start`. */
function endOfCard(text: string, start: number): number {
  if (start > 0 && isAlphanumeric(text.charCodeAt(start - 1))) return start;
  let count = 0;
  // Luhn sums with every second digit doubled: one doubles the digits at even places, one those at odd places.
  let sumEven = 0;
  let sumOdd = 0;
  let cardEnd = start;
  let at = start;
  for (;;) {
    const groupStart = at;
    for (let digit = digitOf(text.charCodeAt(at)); digit !== -1; digit = digitOf(text.charCodeAt(at))) {
      if (count === MAX_DIGITS) return cardEnd;
      const doubled = digit > 4 ? digit * 2 - 9 : digit * 2;
      sumEven += count % 2 === 0 ? doubled : digit;
      sumOdd += count % 2 === 0 ? digit : doubled;
      count++;
      at++;
    }
    if (count >= MIN_DIGITS && (count % 2 === 0 ? sumEven : sumOdd) % 10 === 0) {
      const first = digitOf(text.charCodeAt(start));
      const isPlausible = first > 1 || (first === 1 && count === UATP_DIGITS);
      if (isPlausible && !isAlphanumeric(text.charCodeAt(at))) cardEnd = at;
    }
    if (at - groupStart < MIN_GROUP) return cardEnd;
    for (let skipped = 0; skipped < MAX_SEPARATORS && isSeparator(text.charCodeAt(at)); skipped++) at++;
  }
}

/** Value of a decimal digit of any listed script, or -1. */
function digitOf(charCode: number): number {
  if (charCode < 0x660) return charCode >= 0x30 && charCode <= 0x39 ? charCode - 0x30 : -1;
  for (const zero of ZEROS) {
    if (charCode >= zero && charCode < zero + 10) return charCode - zero;
  }
  return -1;
}

/** Spaces of any width, dashes of any length. */
function isSeparator(charCode: number): boolean {
  return isSpace(charCode) || charCode === 0x2d || (charCode >= 0x2000 && charCode <= 0x2015) || charCode === 0xff0d;
}

const UUID = /[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}/y;
const UUID_LENGTH = 36;

/** Index behind the UUID that begins at `start`, or `start`: its groups of digits are no card. */
function endOfUuid(text: string, start: number): number {
  if (text[start + 8] !== '-') return start;
  UUID.lastIndex = start;
  return UUID.test(text) ? start + UUID_LENGTH : start;
}

function endOfDigits(text: string, start: number): number {
  let at = start;
  while (digitOf(text.charCodeAt(at)) !== -1) at++;
  return at;
}
