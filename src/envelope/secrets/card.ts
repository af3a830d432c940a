/**
 * Payment card numbers: 13 to 19 digits, whole or in even groups parted by spaces or dashes, groups of four also by other
 * marks, that pass the Luhn check (ISO/IEC 7812-1, annex B). First digits that no card has are let pass in a text, or one in
 * ten epoch timestamps would go; so are uneven groups, which are numbers that happen to stand side by side. Digits of other
 * scripts are ASCII ones by the time they come here.
 */
import { isAlphanumeric, isFull, isSpace, type Span } from './span.ts';

const DASH = 0x2d;
const MIN_DIGITS = 13;
const MAX_DIGITS = 19;
/** A row of even groups that is longer holds no single number; it goes whole, for cards may be anywhere in it. */
const MAX_ROW_DIGITS = 2 * MAX_DIGITS;
/** Longest groups that are printed, and the longest of a row whose last group may be shorter. */
const MAX_GROUP = 8;
const MAX_UNFILLED_GROUP = 6;
const MAX_SEPARATORS = 4;
/** Part groups of four only, or versions, lists and addresses would be taken for cards. */
const FOUR = 4;
const FOUR_MARKS = new Set(Array.from('._/+|*', (mark) => mark.charCodeAt(0)));
/** A word that may be written together with its number. */
const CARD_WORD = /(?:^|[^A-Za-z0-9])(?:cards?|pan|cc|visa|amex|mastercard|maestro|discover|rupay|no|nr)$/i;
const LONGEST_CARD_WORD = 11;
/** The last letters of these words: spares most numbers behind a letter the look at the word. */
const CARD_WORD_ENDS = new Set(Array.from('acdnorsxy', (letter) => letter.charCodeAt(0)));
const TO_LOWER = 0x20;
/** Only UATP cards begin with 1; they have 15 digits. */
const UATP_DIGITS = 15;
/** American Express and Diners print 4-6-5 and 4-6-4. */
const UNEVEN = /\d{4}[\s._/+|*-]{1,4}\d{6}[\s._/+|*-]{1,4}\d{4,5}(?![\dA-Za-z])/y;
/** Of clocks that count milli-, micro- and nanoseconds; what they show from 2014 to 2033 begins like this. */
const EPOCH_SCALES = [1e12, 1e15, 1e18];
const EPOCH_FIRST = 1.4;
const EPOCH_END = 2;

// Scratch space of the one row that is read at a time: where its groups begin and end, how many digits stand before each,
// and Luhn sums before each digit with every second digit doubled, those at even places or those at odd ones.
const groupStarts = new Int32Array(MAX_ROW_DIGITS + 1);
const groupEnds = new Int32Array(MAX_ROW_DIGITS + 1);
const digitsBefore = new Int32Array(MAX_ROW_DIGITS + 2);
const sumsEven = new Int32Array(MAX_ROW_DIGITS + 1);
const sumsOdd = new Int32Array(MAX_ROW_DIGITS + 1);

export function findCards(text: string, spans: Span[]): void {
  let at = 0;
  while (at < text.length && !isFull(spans)) {
    if (digitOf(text.charCodeAt(at)) === -1) at++;
    else if (at > 0 && isAlphanumeric(text.charCodeAt(at - 1)) && !isAfterCardWord(text, at)) at = endOfDigits(text, at);
    else at = readRow(text, at, spans);
  }
}

/** Whether a card may be written as this number: Luhn-valid, 13 to 19 digits, and no moment of our time. */
export function isCardNumber(value: number): boolean {
  const whole = Math.trunc(Math.abs(value));
  if (whole < 10 ** (MIN_DIGITS - 1) || whole >= 10 ** MAX_DIGITS) return false;
  if (EPOCH_SCALES.some((scale) => whole >= EPOCH_FIRST * scale && whole < EPOCH_END * scale)) return false;
  const digits = String(whole);
  return isLuhn(0, addDigits(digits, 0, digits.length, 0));
}

function isAfterCardWord(text: string, at: number): boolean {
  if (!CARD_WORD_ENDS.has(text.charCodeAt(at - 1) | TO_LOWER)) return false;
  return CARD_WORD.test(text.slice(Math.max(0, at - LONGEST_CARD_WORD - 1), at));
}

/**
 * Reads groups of digits from `start` on: as long as the first one, the last may be shorter. Reports the cards among them.
 * @returns where to go on.
 */
function readRow(text: string, start: number, spans: Span[]): number {
  const firstEnd = endOfDigits(text, start);
  const size = firstEnd - start;
  if (size > MAX_DIGITS) return firstEnd;
  if (size < MIN_DIGITS && !isSeparator(text.charCodeAt(firstEnd), size)) return firstEnd;
  let groupStart = start;
  let groupEnd = firstEnd;
  let groupCount = 0;
  let isTooLong = false;
  for (;;) {
    const before = digitsBefore[groupCount] ?? 0;
    isTooLong ||= before + groupEnd - groupStart > MAX_ROW_DIGITS;
    if (!isTooLong) {
      groupStarts[groupCount] = groupStart;
      groupEnds[groupCount] = groupEnd;
      digitsBefore[groupCount + 1] = addDigits(text, groupStart, groupEnd, before);
      groupCount++;
    }
    if (groupEnd - groupStart < size || size > MAX_GROUP) break;
    const next = skipSeparators(text, groupEnd, size);
    const nextEnd = next === groupEnd ? next : endOfDigits(text, next);
    if (nextEnd === next || nextEnd - next > size || (nextEnd - next < size && size > MAX_UNFILLED_GROUP)) break;
    groupStart = next;
    groupEnd = nextEnd;
  }
  if (isTooLong) {
    spans.push({ start, end: groupEnd, mark: '[digits]' });
    return groupEnd;
  }
  const cardEnd = findCardInRow(text, groupCount, spans) ?? findUneven(text, start, size, spans);
  // A shorter last group may be the first of the next row.
  return cardEnd ?? (groupCount > 1 && groupEnd - groupStart < size ? groupStart : groupEnd);
}

/** Continues the Luhn sums; returns the count of digits with these. */
function addDigits(text: string, start: number, end: number, before: number): number {
  let count = before;
  for (let at = start; at < end; at++) {
    const digit = digitOf(text.charCodeAt(at));
    const doubled = digit > 4 ? digit * 2 - 9 : digit * 2;
    const isEven = count % 2 === 0;
    sumsEven[count + 1] = (sumsEven[count] ?? 0) + (isEven ? doubled : digit);
    sumsOdd[count + 1] = (sumsOdd[count] ?? 0) + (isEven ? digit : doubled);
    count++;
  }
  return count;
}

/** Reports the first and longest card that begins and ends with a group of the row; returns the index behind it. */
function findCardInRow(text: string, groupCount: number, spans: Span[]): number | null {
  for (let first = 0; first < groupCount; first++) {
    const from = digitsBefore[first] ?? 0;
    const start = groupStarts[first] ?? 0;
    for (let last = groupCount - 1; last >= first; last--) {
      const to = digitsBefore[last + 1] ?? 0;
      if (to - from < MIN_DIGITS) break;
      if (to - from > MAX_DIGITS || !isLuhn(from, to) || !isFirstDigit(text, start, to - from)) continue;
      const end = groupEnds[last] ?? 0;
      if (isAlphanumeric(text.charCodeAt(end))) continue;
      spans.push({ start, end, mark: '[card]' });
      return end;
    }
  }
  return null;
}

function findUneven(text: string, start: number, size: number, spans: Span[]): number | null {
  UNEVEN.lastIndex = start;
  if (size !== FOUR || !UNEVEN.test(text)) return null;
  const end = UNEVEN.lastIndex;
  let count = 0;
  for (let at = start; at < end; at++) {
    if (digitOf(text.charCodeAt(at)) !== -1) count = addDigits(text, at, at + 1, count);
  }
  if (!isLuhn(0, count) || !isFirstDigit(text, start, count)) return null;
  spans.push({ start, end, mark: '[card]' });
  return end;
}

/** Whether the digits of the row from one index to another pass the check: the last one is never doubled. */
function isLuhn(from: number, to: number): boolean {
  const sums = to % 2 === 0 ? sumsEven : sumsOdd;
  return ((sums[to] ?? 0) - (sums[from] ?? 0)) % 10 === 0;
}

function isFirstDigit(text: string, start: number, count: number): boolean {
  const first = digitOf(text.charCodeAt(start));
  return first > 1 || (first === 1 && count === UATP_DIGITS);
}

function skipSeparators(text: string, from: number, size: number): number {
  let at = from;
  while (at - from < MAX_SEPARATORS && isSeparator(text.charCodeAt(at), size)) at++;
  return at;
}

function isSeparator(charCode: number, size: number): boolean {
  return charCode === DASH || isSpace(charCode) || (size === FOUR && FOUR_MARKS.has(charCode));
}

/** Value of the digit, or -1 when it is none. */
function digitOf(charCode: number): number {
  return charCode >= 0x30 && charCode <= 0x39 ? charCode - 0x30 : -1;
}

/** Index behind the last of the digits that stand from `start` on. */
function endOfDigits(text: string, start: number): number {
  let at = start;
  while (digitOf(text.charCodeAt(at)) !== -1) at++;
  return at;
}
