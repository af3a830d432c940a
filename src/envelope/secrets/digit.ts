/** Decimal digits of every script that a keyboard or a form may produce: a card number is one in any of them. */

/** Zeros of the scripts beside ASCII and the fullwidth forms. */
const ZEROS = [0x660, 0x6f0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50, 0xed0, 0xf20, 0x1040];
const ABOVE_SCRIPTS = 0x104a;
const FULLWIDTH_ZERO = 0xff10;

/** Value of the digit, or -1 when it is none. */
export function digitOf(charCode: number): number {
  if (charCode < 0x660) return charCode >= 0x30 && charCode <= 0x39 ? charCode - 0x30 : -1;
  if (charCode >= ABOVE_SCRIPTS) {
    return charCode >= FULLWIDTH_ZERO && charCode < FULLWIDTH_ZERO + 10 ? charCode - FULLWIDTH_ZERO : -1;
  }
  for (const zero of ZEROS) {
    if (charCode >= zero && charCode < zero + 10) return charCode - zero;
  }
  return -1;
}

/** Index behind the last of the digits that stand from `start` on. */
export function endOfDigits(text: string, start: number): number {
  let at = start;
  while (digitOf(text.charCodeAt(at)) !== -1) at++;
  return at;
}
