/** Bank account numbers (ISO 13616): a country's letters and length, then the check modulo 97. Spaces and dashes may part it. */
import { isAlphanumeric, isSpace, type Span } from './span.ts';

const DASH = 0x2d;

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
  for (let at = 0; at + 14 < text.length; at++) {
    if (!isDigit(text.charCodeAt(at + 2)) || !isDigit(text.charCodeAt(at + 3))) continue;
    if (at > 0 && isAlphanumeric(text.charCodeAt(at - 1))) continue;
    const length = LENGTHS.get(countryOf(text, at));
    if (length === undefined) continue;
    const end = endOfIban(text, at, length);
    if (end === at) continue;
    spans.push({ start: at, end, mark: '[iban]' });
    at = end - 1;
  }
}

/** Index behind `length` letters and digits that pass the check, single separators skipped; else `start`. */
function endOfIban(text: string, start: number, length: number): number {
  let remainder = 0;
  let at = start + 4;
  for (let count = 4; count < length; at++) {
    const charCode = text.charCodeAt(at);
    if (isAlphanumeric(charCode)) {
      remainder = appended(remainder, charCode);
      count++;
    } else if (!(isSpace(charCode) || charCode === DASH) || !isAlphanumeric(text.charCodeAt(at - 1))) return start;
  }
  if (isAlphanumeric(text.charCodeAt(at))) return start;
  for (let index = start; index < start + 4; index++) remainder = appended(remainder, text.charCodeAt(index));
  return remainder === 1 ? at : start;
}

/** The remainder modulo 97 after one more character; letters count from 10. */
function appended(remainder: number, charCode: number): number {
  if (isDigit(charCode)) return (remainder * 10 + charCode - 0x30) % 97;
  return (remainder * 100 + (charCode & 0x1f) + 9) % 97;
}

/** The two letters at `start`, case aside, as one number. */
function countryOf(text: string, start: number): number {
  return ((text.charCodeAt(start) & 0xdf) << 8) | (text.charCodeAt(start + 1) & 0xdf);
}

function isDigit(charCode: number): boolean {
  return charCode >= 0x30 && charCode <= 0x39;
}
