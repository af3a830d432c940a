/** Bank account numbers (ISO 13616): a country's letters and length, then the check modulo 97. Spaces and dashes may part it. */
import { isAlphanumeric, isFull, isSpace, type Span } from './span.ts';

const DASH = 0x2d;
/** A text with more near misses than this is made to keep us busy; what is left of it goes unread. */
const MAX_MISSES = 10_000;
const VALUES = Int8Array.from({ length: 128 }, (_, charCode) => {
  if (isDigit(charCode)) return charCode - 0x30;
  return isAlphanumeric(charCode) ? (charCode & 0x1f) + 9 : -1;
});
/** A hundred times as much is still a small integer to the engine. */
const LARGE = 1_000_000;

/** Length of each country's IBAN as the SWIFT registry lists them. */
const LENGTHS = new Map(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 ' +
    'FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 ' +
    'LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 ' +
    'RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
  )
    .split(' ')
    .map((entry): [number, number] => [countryOf(entry, 0), Number(entry.slice(2))]),
);

export function findIbans(text: string, spans: Span[]): void {
  let missCount = 0;
  for (let at = 0; at + 14 < text.length && !isFull(spans); at++) {
    if (!isDigit(text.charCodeAt(at + 2)) || !isDigit(text.charCodeAt(at + 3))) continue;
    if (at > 0 && isAlphanumeric(text.charCodeAt(at - 1))) continue;
    const length = LENGTHS.get(countryOf(text, at));
    if (length === undefined) continue;
    const end = endOfIban(text, at, length);
    if (end === at) {
      missCount++;
      if (missCount < MAX_MISSES) continue;
      spans.push({ start: at, end: text.length, mark: '[redacted]' });
      return;
    }
    spans.push({ start: at, end, mark: '[iban]' });
    at = end - 1;
  }
}

/** Index behind `length` letters and digits that pass the check, single separators skipped; else `start`. */
function endOfIban(text: string, start: number, length: number): number {
  let remainder = 0;
  let at = start + 4;
  for (let count = 4; count < length; at++) {
    const value = valueAt(text, at);
    if (value >= 0) {
      remainder = appended(remainder, value);
      count++;
    } else if (!isSeparator(text.charCodeAt(at)) || valueAt(text, at - 1) < 0) return start;
  }
  if (valueAt(text, at) >= 0) return start;
  for (let index = start; index < start + 4; index++) remainder = appended(remainder, valueAt(text, index));
  return remainder % 97 === 1 ? at : start;
}

/** The remainder after one more character. Reduced only when it grows, divisions being slow. */
function appended(remainder: number, value: number): number {
  const next = remainder * (value > 9 ? 100 : 10) + value;
  return next > LARGE ? next % 97 : next;
}

/** Digits count as they are, letters from 10; -1 is neither. */
function valueAt(text: string, at: number): number {
  const charCode = text.charCodeAt(at);
  return charCode < VALUES.length ? (VALUES[charCode] ?? -1) : -1;
}

function isSeparator(charCode: number): boolean {
  return charCode === 0x20 || charCode === DASH || isSpace(charCode);
}

/** The two letters at `start`, case aside, as one number. */
function countryOf(text: string, start: number): number {
  return ((text.charCodeAt(start) & 0xdf) << 8) | (text.charCodeAt(start + 1) & 0xdf);
}

function isDigit(charCode: number): boolean {
  return charCode >= 0x30 && charCode <= 0x39;
}
