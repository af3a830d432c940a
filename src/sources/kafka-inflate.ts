/**
 * Opens compressed record batches, each with a ceiling on what it may inflate to: a message of a few kilobytes that grows to
 * a gigabyte must cost an error and not the process. The same four formats for every client.
 */
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import lz4 from 'lz4js';
import snappy from 'snappyjs';

/** Largest inflated record batch, in bytes. Java and librdkafka producers send at most about 1 MiB by default. */
export const MAX_INFLATED_BYTES = 16 * 1024 * 1024;
/** Largest number of records in one compressed batch: their objects weigh much more than their bytes. */
export const MAX_BATCH_RECORDS = 100_000;

const gunzip = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.unzip);
const unzstd = promisify<Buffer, zlib.ZstdOptions, Buffer>(zlib.zstdDecompress);
const CAP = { maxOutputLength: MAX_INFLATED_BYTES };

const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;

/** The raw blocks of a snappy body: one (librdkafka), or those in Xerial's frame (Java). */
function snappyBlocks(body: Buffer): readonly Buffer[] {
  if (!body.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return [body];
  const blocks: Buffer[] = [];
  for (let at = XERIAL_HEADER_BYTES; at + 4 <= body.length; ) {
    const size = body.readUInt32BE(at);
    blocks.push(body.subarray(at + 4, at + 4 + size));
    at += 4 + size;
  }
  return blocks;
}

/** The size that a raw snappy block states for itself: a little-endian base-128 number at its start. */
function snappyBlockBytes(block: Uint8Array): number {
  let size = 0;
  for (const [index, byte] of block.subarray(0, 5).entries()) {
    size += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return size;
  }
  throw new Error('a snappy block states no size');
}

/** What a snappy body inflates to, in bytes. */
export function snappyInflatedBytes(body: Buffer): number {
  return snappyBlocks(body).reduce((total, block) => total + snappyBlockBytes(block), 0);
}

function unsnappy(body: Buffer): Buffer {
  if (snappyInflatedBytes(body) > MAX_INFLATED_BYTES) throw new Error('too large when inflated');
  const [first, ...rest] = snappyBlocks(body).map((block) => snappy.uncompress(block));
  if (first === undefined) return Buffer.alloc(0);
  return rest.length === 0 ? first : Buffer.concat([first, ...rest]);
}

function unlz4(body: Buffer): Buffer {
  const bound = lz4.decompressBound(body);
  if (!(bound >= 0)) throw new Error('an lz4 frame states no size');
  const target = Buffer.allocUnsafe(Math.min(bound, MAX_INFLATED_BYTES));
  const produced = lz4.decompressFrame(body, target);
  if (produced > target.length) throw new Error('too large when inflated');
  return target.subarray(0, produced);
}

export const CODEC_NAMES = ['gzip', 'snappy', 'lz4', 'zstd'] as const;
export type CodecName = (typeof CODEC_NAMES)[number];

/** For a client that can wait: gzip and zstd inflate off the main thread. Each rejects what is no such format, or too large. */
export const INFLATE: Readonly<Record<CodecName, (body: Buffer) => Promise<Buffer>>> = {
  gzip: (body) => gunzip(body, CAP),
  snappy: async (body) => unsnappy(body),
  lz4: async (body) => unlz4(body),
  zstd: (body) => unzstd(body, CAP),
};

/** For a client that cannot. Each throws where `INFLATE` rejects. */
export const INFLATE_SYNC: Readonly<Record<CodecName, (body: Buffer) => Buffer>> = {
  gzip: (body) => zlib.unzipSync(body, CAP),
  snappy: unsnappy,
  lz4: unlz4,
  zstd: (body) => zlib.zstdDecompressSync(body, CAP),
};
