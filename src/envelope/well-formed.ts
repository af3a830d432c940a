/**
 * Makes parsed JSON fit for PostgreSQL, which refuses a whole batch for one NUL or lone surrogate, and for JavaScript,
 * which would round a number or turn it into null without a word. Only envelopes whose bytes raised a mark come here.
 */
import type { JsonObject, JsonValue } from './schema.ts';

/** Notes one kind of change. */
export type Note = (change: 'nul' | 'surrogate' | 'number_text' | 'last_wins') => void;

/** Stands in a parsed tree for a number that a double cannot hold. */
class InexactNumber {
  readonly source: string;
  constructor(source: string) {
    this.source = source;
  }
}

type Parsed = null | boolean | number | string | InexactNumber | readonly Parsed[] | { readonly [key: string]: Parsed };

/** Parses with every number that JavaScript cannot hold exactly marked by its own digits, for `tidy` to write as text. */
export function parseExactly(text: string): Parsed {
  return JSON.parse(text, (_key, value: Parsed, context?: { readonly source?: string }) =>
    typeof value === 'number' && context?.source !== undefined && !isExact(context.source, value)
      ? new InexactNumber(context.source)
      : value,
  );
}

/** Member of a parsed object; undefined where there is none. */
export function memberOf(parsed: Parsed | undefined, name: string): Parsed | undefined {
  if (typeof parsed !== 'object' || parsed === null || parsed instanceof InexactNumber || isArray(parsed)) return undefined;
  return Object.hasOwn(parsed, name) ? parsed[name] : undefined;
}

/** The value with well-formed strings and keys and exact numbers. */
export function tidy(value: Parsed, note: Note): JsonValue {
  if (typeof value === 'string') return tidyText(value, note);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof InexactNumber) {
    note('number_text');
    return value.source;
  }
  if (isArray(value)) return value.map((item) => tidy(item, note));
  return tidyObject(value, note);
}

export function tidyText(text: string, note: Note): string {
  let tidied = text;
  if (!tidied.isWellFormed()) {
    note('surrogate');
    tidied = tidied.toWellFormed();
  }
  if (tidied.includes('\0')) {
    note('nul');
    tidied = tidied.replaceAll('\0', '\ufffd');
  }
  return tidied;
}

function tidyObject(value: { readonly [key: string]: Parsed }, note: Note): JsonObject {
  const members = new Map<string, JsonValue>();
  for (const [key, member] of Object.entries(value)) {
    const name = tidyText(key, note);
    if (members.has(name)) note('last_wins');
    members.set(name, tidy(member, note));
  }
  return Object.fromEntries(members);
}

/** Whether the double, printed again, is the same decimal number. */
function isExact(source: string, value: number): boolean {
  return Number.isFinite(value) && decimalOf(source) === decimalOf(String(value));
}

/** Sign, significant digits and exponent in one spelling: `1.10`, `11e-1` and `1.1` are one. */
function decimalOf(text: string): string {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.');
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = withoutTrailingZeros(digits);
  if (significant === '') return '0';
  const scale = Number(exponent) - fraction.length + digits.length - significant.length;
  return `${mantissa.startsWith('-') ? '-' : ''}${significant}e${scale}`;
}

function withoutTrailingZeros(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits.charCodeAt(end - 1) === 0x30) end--;
  return digits.slice(0, end);
}

function isArray(value: Parsed): value is readonly Parsed[] {
  return Array.isArray(value);
}
