/** Secrets written in base64 or base64url: a run of its alphabet goes when what it says in ASCII holds one. */
import { isAlphanumeric, isFull, type Span } from './span.ts';

/** Shorter runs say fewer than twelve characters. */
const MIN_RUN = 16;
/** `user:password`, as Basic authentication encodes it. */
const LOGIN = /^[^\s:]{1,64}:[^\s:]{3,}$/;

/** @param holdsSecret of a decoded text. */
export function findEncoded(text: string, spans: Span[], holdsSecret: (decoded: string) => boolean): void {
  let start = 0;
  while (start + MIN_RUN <= text.length && !isFull(spans)) {
    // From behind: in prose the first look tells that no run is long enough to begin before it.
    let last = start + MIN_RUN - 1;
    while (last >= start && isBase64(text.charCodeAt(last))) last--;
    if (last >= start) {
      start = last + 1;
      continue;
    }
    let end = start + MIN_RUN;
    while (isBase64(text.charCodeAt(end))) end++;
    const decoded = readable(text, start, end);
    if (decoded !== null && (LOGIN.test(decoded) || holdsSecret(decoded))) {
      while (text[end] === '=') end++;
      spans.push({ start, end, mark: '[encoded]' });
    }
    start = end + 1;
  }
}

/** What the run says, or null when it is not a text in ASCII. */
function readable(text: string, start: number, end: number): string | null {
  if (!isReadable(Buffer.from(text.slice(start, start + MIN_RUN), 'base64'))) return null;
  const bytes = Buffer.from(text.slice(start, end), 'base64');
  return isReadable(bytes) ? bytes.toString('latin1') : null;
}

function isReadable(bytes: Uint8Array): boolean {
  return bytes.every((byte) => (byte >= 0x20 && byte < 0x7f) || (byte >= 0x09 && byte <= 0x0d));
}

function isBase64(charCode: number): boolean {
  return isAlphanumeric(charCode) || charCode === 0x2b || charCode === 0x2f || charCode === 0x2d || charCode === 0x5f;
}
