/** A stretch of a text that must not be kept. The finders beside this file each report the spans of one kind of secret. */
export interface Span {
  /** Index of the first UTF-16 unit. */
  readonly start: number;
  /** Index behind the last one. */
  readonly end: number;
  /** What is written in its place. */
  readonly mark: string;
}

/** A text with more secrets than this is none that is worth keeping parts of; finders stop looking. */
const MAX_SECRETS = 1000;

export function isFull(spans: readonly Span[]): boolean {
  return spans.length > MAX_SECRETS;
}

/** Letter or digit of ASCII. */
export function isAlphanumeric(charCode: number): boolean {
  return (
    (charCode >= 0x30 && charCode <= 0x39) || (charCode >= 0x41 && charCode <= 0x5a) || (charCode >= 0x61 && charCode <= 0x7a)
  );
}

export function isSpace(charCode: number): boolean {
  return charCode === 0x20 || (charCode >= 0x09 && charCode <= 0x0d) || charCode === 0xa0 || charCode === 0x3000;
}

/** The text with every span replaced by its mark; spans may touch or overlap and come in any order. */
export function withoutSpans(text: string, spans: readonly Span[]): string {
  const pieces: string[] = [];
  let at = 0;
  for (const { start, end, mark } of spans.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    if (start >= at) pieces.push(text.slice(at, start), mark);
    at = Math.max(at, end);
  }
  pieces.push(text.slice(at));
  return pieces.join('');
}
