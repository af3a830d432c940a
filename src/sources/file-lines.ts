/**
 * The lines of an NDJSON file or stream, a chunk at a time: plain, gzip or zstd, told by their first bytes and not by a
 * name. What is inflated is never held: a line that is longer than any envelope is cut off, however long it goes on.
 */
import type { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { MAX_ENVELOPE_BYTES } from '../envelope/limits.ts';
import { InputFault } from '../errors.ts';

export interface FileLine {
  /** From 1; blank lines have numbers, too, but are not handed out. */
  readonly number: number;
  /** A longer line than an envelope may be is one byte longer than that. */
  readonly bytes: Uint8Array;
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;
const MOST_KEPT_BYTES = MAX_ENVELOPE_BYTES + 1;
const FORMATS = [
  { magic: [0x1f, 0x8b], create: createGunzip, isFramed: false },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], create: createZstdDecompress, isFramed: true },
] as const;
type Decompressor = ReturnType<(typeof FORMATS)[number]['create']>;
const LONGEST_MAGIC = 4;
/** Of what is inflated at a time. */
const CHUNK_BYTES = 256 * 1024;

/** Bytes of the input that were read so far, before they were inflated. */
export interface LinesRead {
  readBytes: number;
}

/** The lines behind line `skipCount`, by chunks of the input. @throws InputFault when the input cannot be read to its end. */
export async function* readLines(input: Readable, read: LinesRead, skipCount = 0): AsyncGenerator<readonly FileLine[]> {
  const cut = createLineCutter(skipCount);
  try {
    for await (const chunk of inflated(input, read)) {
      const lines = cut(chunk);
      if (lines.length > 0) yield lines;
    }
  } catch (cause) {
    if (!isInputTrouble(cause)) throw cause;
    throw new InputFault(`the input breaks off: ${cause.code}`, cause);
  }
  const last = cut(Uint8Array.of(LINE_FEED));
  if (last.length > 0) yield last;
}

/** The input without its compression. */
async function* inflated(input: Readable, read: LinesRead): AsyncGenerator<Uint8Array> {
  const chunks = counted(input, read);
  const first: Uint8Array[] = [];
  while (first.reduce((sum, { length }) => sum + length, 0) < LONGEST_MAGIC) {
    const next = await chunks.next();
    if (next.done === true) break;
    first.push(next.value);
  }
  const head = Buffer.concat(first);
  const format = FORMATS.find(({ magic }) => magic.every((byte, at) => head[at] === byte));
  if (format === undefined) {
    yield head;
    yield* chunks;
    return;
  }
  let rest: Uint8Array | null = head;
  while (rest !== null) {
    const decompressor = format.create({ chunkSize: CHUNK_BYTES });
    const fed = feed(rest, chunks, decompressor);
    yield* decompressor;
    rest = await fed;
    // Node ends with the first zstd frame; a file that was put together from several has more.
    if (!format.isFramed) return;
  }
}

async function* counted(input: Readable, read: LinesRead): AsyncGenerator<Uint8Array, undefined> {
  for await (const chunk of input) {
    const bytes: Uint8Array = chunk;
    read.readBytes += bytes.length;
    yield bytes;
  }
}

/**
 * Writes what comes, no faster than it is taken, until the input or what the decompressor wants of it ends. Answers what it
 * left of the input; null: nothing. A fault of the input becomes one of the decompressor.
 */
async function feed(
  head: Uint8Array,
  chunks: AsyncGenerator<Uint8Array>,
  decompressor: Decompressor,
): Promise<Uint8Array | null> {
  let fedBytes = 0;
  try {
    for (let chunk: Uint8Array | undefined = head; chunk !== undefined; chunk = (await chunks.next()).value) {
      if (decompressor.destroyed) return null;
      fedBytes += chunk.length;
      await new Promise<void>((resolve) => {
        decompressor.once('close', resolve);
        decompressor.write(chunk, () => {
          decompressor.off('close', resolve);
          resolve();
        });
      });
      const leftBytes = fedBytes - decompressor.bytesWritten;
      if (leftBytes > 0) return chunk.subarray(chunk.length - leftBytes);
    }
    decompressor.end();
  } catch (fault) {
    decompressor.destroy(fault instanceof Error ? fault : new Error(String(fault)));
  }
  return null;
}

/** Takes chunks, gives the lines that end in them. Lines are views on their chunk, so each chunk is a buffer of its own. */
function createLineCutter(skipCount: number) {
  let number = 0;
  let open: Uint8Array[] = [];
  let openBytes = 0;

  function keep(part: Uint8Array): void {
    const room = MOST_KEPT_BYTES - openBytes;
    if (room <= 0 || part.length === 0) return;
    // A copy: what is kept must not keep its whole chunk.
    const kept = Uint8Array.from(part.length > room ? part.subarray(0, room) : part);
    open.push(kept);
    openBytes += kept.length;
  }

  function endLine(part: Uint8Array): Uint8Array {
    if (openBytes === 0) return part.length > MOST_KEPT_BYTES ? part.subarray(0, MOST_KEPT_BYTES) : part;
    keep(part);
    const line = open.length === 1 && open[0] !== undefined ? open[0] : Buffer.concat(open, openBytes);
    open = [];
    openBytes = 0;
    return line;
  }

  return (chunk: Uint8Array): readonly FileLine[] => {
    const lines: FileLine[] = [];
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(LINE_FEED, start);
      if (end === -1) break;
      const line = endLine(chunk.subarray(start, end));
      number += 1;
      start = end + 1;
      if (number > skipCount && !isBlank(line)) lines.push({ number, bytes: line });
    }
    keep(chunk.subarray(start));
    return lines;
  };
}

function isBlank(line: Uint8Array): boolean {
  return line.every((byte) => byte === SPACE || byte === TAB || byte === CARRIAGE_RETURN);
}

/** What the operating system and zlib say of a file, and no fault of the program. */
function isInputTrouble(fault: unknown): fault is Error & { readonly code: string } {
  return fault instanceof Error && 'code' in fault && typeof fault.code === 'string' && /^(E[A-Z]+|Z_|ZSTD_)/.test(fault.code);
}
