/** Bytes to text. Fatal on bad UTF-8: by default every wrong byte would silently become U+FFFD. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function hasBom(bytes: Uint8Array): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

/** The text from `start` on, or null when it is not UTF-8. `isAscii` takes the short way and must be known to hold. */
export function readText(bytes: Uint8Array, start: number, isAscii: boolean): string | null {
  if (isAscii) return Buffer.from(bytes.buffer, bytes.byteOffset + start, bytes.length - start).toString('latin1');
  try {
    return utf8.decode(start === 0 ? bytes : bytes.subarray(start));
  } catch {
    // The decoder fails for no other reason than the bytes.
    return null;
  }
}

/** At most `length` UTF-16 units, never half of a pair. */
export function clip(text: string, length: number): string {
  if (text.length <= length) return text;
  const isPairCut = /[\ud800-\udbff]/.test(text.charAt(length - 1)) && /[\udc00-\udfff]/.test(text.charAt(length));
  return text.slice(0, isPairCut ? length - 1 : length);
}

/** At most `sizeBytes` of UTF-8, never part of a character; the very same string when it is no longer. */
export function clipBytes(text: string, sizeBytes: number): string {
  // A UTF-16 unit takes at most three bytes, so that most texts need no counting.
  if (text.length * 3 <= sizeBytes || Buffer.byteLength(text) <= sizeBytes) return text;
  const { read: length } = new TextEncoder().encodeInto(text, new Uint8Array(sizeBytes));
  return text.slice(0, length);
}
