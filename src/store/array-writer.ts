/**
 * PostgreSQL's binary form of a one-dimensional array, written element by element: int32 dimensions, int32 whether any is
 * null, oid of the elements, int32 length, int32 lower bound; then for each its int32 size, or -1 for null, and its bytes.
 * PostgreSQL takes it in without parsing anything, and node-postgres sends a Buffer in binary.
 *
 * A writer keeps its memory from one batch to the next: what `bytes` answered holds until the next `clear`.
 */
const HEADER_BYTES = 20;
const HAS_NULL_AT = 4;
const OID_AT = 8;
const LENGTH_AT = 12;
const LOWER_BOUND_AT = 16;
const INITIAL_BYTES = 16 * 1024;
/** A batch of giant envelopes must not keep its memory for good. */
const MOST_KEPT_BYTES = 2 * 1024 * 1024;
/** A UTF-16 unit takes at most three bytes of UTF-8. */
const BYTES_PER_UNIT = 3;

export const OIDS = { text: 25, date: 1082, timestamptz: 1184, int4: 23, jsonb: 3802 } as const;
/** The only one that PostgreSQL knows. */
const JSONB_VERSION = 1;

/** Between the Unix epoch and PostgreSQL's, 1 January 2000. */
export const POSTGRES_EPOCH_MS = 946_684_800_000;
const POSTGRES_EPOCH_DAY = 10_957;
const DAY_MS = 86_400_000;
const TWO_TO_32 = 4_294_967_296;

/** Up to here a loop over the characters is faster than a call that leaves JavaScript. */
const SHORT_TEXT = 32;

export class ArrayWriter {
  readonly #oid: number;
  #buffer: Buffer;
  #view: DataView;
  #at = HEADER_BYTES;
  #count = 0;
  #hasNull = false;

  constructor(oid: number) {
    this.#oid = oid;
    this.#buffer = Buffer.alloc(INITIAL_BYTES);
    this.#view = viewOf(this.#buffer);
  }

  clear(): void {
    if (this.#buffer.length > MOST_KEPT_BYTES) this.#use(Buffer.alloc(INITIAL_BYTES));
    this.#at = HEADER_BYTES;
    this.#count = 0;
    this.#hasNull = false;
  }

  text(text: string | null): void {
    if (text === null) {
      this.none();
      return;
    }
    this.#reserve(text.length * BYTES_PER_UNIT);
    this.#end(this.#write(text, this.#at + 4));
  }

  /** @param json text of a JSON value. */
  jsonb(json: string): void {
    this.#reserve(json.length * BYTES_PER_UNIT + 1);
    this.#buffer[this.#at + 4] = JSONB_VERSION;
    this.#end(this.#write(json, this.#at + 5) + 1);
  }

  int4(value: number | null): void {
    if (value === null) {
      this.none();
      return;
    }
    this.#reserve(4);
    this.#view.setInt32(this.#at + 4, value);
    this.#end(4);
  }

  /** UTC day of a moment in epoch milliseconds. */
  date(epochMs: number): void {
    this.int4(Math.floor(epochMs / DAY_MS) - POSTGRES_EPOCH_DAY);
  }

  /** Epoch milliseconds, and microseconds beyond them. */
  timestamptz(epochMs: number, micros: number): void {
    this.#reserve(8);
    // In two halves, for microseconds of distant years are no safe integers.
    const ms = epochMs - POSTGRES_EPOCH_MS;
    const upper = Math.floor(ms / TWO_TO_32);
    const low = (ms - upper * TWO_TO_32) * 1000 + micros;
    const carry = Math.floor(low / TWO_TO_32);
    this.#view.setInt32(this.#at + 4, upper * 1000 + carry);
    this.#view.setUint32(this.#at + 8, low - carry * TWO_TO_32);
    this.#end(8);
  }

  none(): void {
    this.#reserve(0);
    this.#hasNull = true;
    this.#view.setInt32(this.#at, -1);
    this.#at += 4;
    this.#count += 1;
  }

  /** The whole array; a view, good until the next `clear`. */
  bytes(): Buffer {
    const view = this.#view;
    view.setInt32(0, 1);
    view.setInt32(HAS_NULL_AT, this.#hasNull ? 1 : 0);
    view.setInt32(OID_AT, this.#oid);
    view.setInt32(LENGTH_AT, this.#count);
    view.setInt32(LOWER_BOUND_AT, 1);
    return this.#buffer.subarray(0, this.#at);
  }

  /** @returns how many bytes of UTF-8 it took. */
  #write(text: string, start: number): number {
    const buffer = this.#buffer;
    if (text.length > SHORT_TEXT) return buffer.write(text, start, 'utf8');
    for (let index = 0; index < text.length; index++) {
      const charCode = text.charCodeAt(index);
      if (charCode >= 0x80) return buffer.write(text, start, 'utf8');
      buffer[start + index] = charCode;
    }
    return text.length;
  }

  #end(sizeBytes: number): void {
    this.#view.setInt32(this.#at, sizeBytes);
    this.#at += 4 + sizeBytes;
    this.#count += 1;
  }

  #reserve(sizeBytes: number): void {
    const needed = this.#at + 4 + sizeBytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.alloc(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#use(larger);
  }

  #use(buffer: Buffer): void {
    this.#buffer = buffer;
    this.#view = viewOf(buffer);
  }
}

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}
