/**
 * Undoes the dresses in which a secret is still a secret to whoever reads it: characters that look like plain ones, and the
 * escapes of URLs, JSON and HTML. The finders read what comes out beside the text itself; an index leads each of their spans
 * back.
 */
import { plainOf, UNSEEN } from './plain-character.ts';

export interface Unfolded {
  readonly text: string;
  /** For each UTF-16 unit of `text` where it began in the original, and one more for the end. */
  readonly starts: Int32Array;
}

const PERCENT = 0x25;
const AMPERSAND = 0x26;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;
const ASCII_END = 0x80;
const ESCAPED = new Map([...'"\'`/'].map((mark) => [mark, mark.charCodeAt(0)]));
for (const letter of 'nr') ESCAPED.set(letter, 0x0a);
ESCAPED.set('t', 0x20);
const ENTITY = /(?:amp;)*(quot|apos|lt|gt|colon|equals|commat|amp|#\d{2,4}|#x[0-9a-f]{2,4});/iy;
const ENTITIES = new Map(
  Object.entries({ quot: '"', apos: "'", lt: '<', gt: '>', colon: ':', equals: '=', commat: '@', amp: '&' }),
);

/** The text undressed, or null when there was nothing to undo. Linear in its length. */
export function unfold(text: string): Unfolded | null {
  const unfolder = new Unfolder(text);
  return unfolder.run() ? unfolder.result() : null;
}

class Unfolder {
  readonly #text: string;
  readonly #units: Uint16Array;
  readonly #starts: Int32Array;
  #count = 0;
  #isChanged = false;

  constructor(text: string) {
    this.#text = text;
    this.#units = new Uint16Array(text.length);
    this.#starts = new Int32Array(text.length + 1);
  }

  /** @returns whether anything was undone. */
  run(): boolean {
    for (let at = 0; at < this.#text.length; ) {
      const unit = this.#text.charCodeAt(at);
      if (unit >= ASCII_END) at = this.#character(at);
      else if (unit === PERCENT) at = this.#percent(at);
      else if (unit === BACKSLASH) at = this.#backslashes(at);
      else if (unit === AMPERSAND) at = this.#entity(at);
      else at = this.#keep(at, at + 1);
    }
    return this.#isChanged;
  }

  result(): Unfolded {
    this.#starts[this.#count] = this.#text.length;
    const text = Buffer.from(this.#units.buffer, 0, this.#count * 2).toString('utf16le');
    return { text, starts: this.#starts };
  }

  #character(at: number): number {
    const codePoint = this.#text.codePointAt(at) ?? 0;
    const end = at + (codePoint > 0xffff ? 2 : 1);
    const plain = plainOf(codePoint);
    return plain === null ? this.#keep(at, end) : this.#replace(at, plain, end);
  }

  /** `%3D`, also when it was encoded again: `%253D`. */
  #percent(at: number): number {
    let end = at + 1;
    while (this.#text.startsWith('25', end)) end += 2;
    const byte = hexAt(this.#text, end, 2);
    if (byte > 0 && byte < ASCII_END) return this.#replace(at, byte, end + 2);
    return end === at + 1 ? this.#keep(at, end) : this.#replace(at, PERCENT, end);
  }

  /** `\u003d`, `\"` and `\n`, with as many backslashes as JSON within JSON has. */
  #backslashes(at: number): number {
    let end = at;
    while (this.#text.charCodeAt(end) === BACKSLASH) end++;
    const unit = this.#text.charCodeAt(end) === LETTER_U ? hexAt(this.#text, end + 1, 4) : -1;
    const escaped = ESCAPED.get(this.#text.charAt(end));
    if (escaped !== undefined) return this.#replace(at, escaped, end + 1);
    if (unit === -1) return this.#keep(at, end);
    return this.#replace(at, unit < ASCII_END ? unit : (plainOf(unit) ?? unit), end + 5);
  }

  #entity(at: number): number {
    ENTITY.lastIndex = at + 1;
    const found = ENTITY.exec(this.#text);
    const name = found?.[1]?.toLowerCase() ?? '';
    const unit = name.startsWith('#') ? Number(name.replace('#', name[1] === 'x' ? '0' : '')) : ENTITIES.get(name)?.charCodeAt(0);
    if (found === null || unit === undefined) return this.#keep(at, at + 1);
    return this.#replace(at, unit < ASCII_END ? unit : (plainOf(unit) ?? unit), ENTITY.lastIndex);
  }

  #keep(from: number, to: number): number {
    for (let at = from; at < to; at++) this.#put(this.#text.charCodeAt(at), at);
    return to;
  }

  #replace(start: number, unit: number, end: number): number {
    this.#isChanged = true;
    if (unit !== UNSEEN) this.#put(unit, start);
    return end;
  }

  #put(unit: number, start: number): void {
    this.#units[this.#count] = unit;
    this.#starts[this.#count] = start;
    this.#count++;
  }
}

/** The number that `length` hexadecimal digits say, or -1. */
function hexAt(text: string, start: number, length: number): number {
  let value = 0;
  for (let at = start; at < start + length; at++) {
    const charCode = text.charCodeAt(at);
    const digit = charCode <= 0x39 ? charCode - 0x30 : (charCode | 0x20) - 0x61 + 10;
    const isHex = digit >= 0 && digit < 16 && (charCode <= 0x39 || digit >= 10);
    if (!isHex) return -1;
    value = value * 16 + digit;
  }
  return value;
}
