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
