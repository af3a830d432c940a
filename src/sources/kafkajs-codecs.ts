/**
 * The codecs that kafkajs lacks, and a ceiling on what any of them may inflate to. A record batch that cannot be opened
 * is reported and then treated like a cut-off tail, so that the fetch still brings the other Kafka partitions; plain
 * kafkajs ends the consumer instead (no codec) or blocks every partition of the broker (an error in one).
 */
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import kafkajs from 'kafkajs';
import createSnappyCodec from 'kafkajs-snappy';
import lz4 from 'lz4js';
import type { RefusedBatch } from './kafka-ports.ts';

/** Largest inflated record batch, in bytes. Java and librdkafka producers send at most about 1 MiB by default. */
export const MAX_INFLATED_BYTES = 16 * 1024 * 1024;
/** Largest number of records in one compressed batch: kafkajs spreads them into one call, which overflows the stack near 140 000. */
export const MAX_BATCH_RECORDS = 100_000;

/** Bytes of a version 2 batch header before its records, and where its fields stand. */
const HEADER_BYTES = 61;
const MAGIC_AT = 16;
const LAST_OFFSET_DELTA_AT = 23;
const RECORD_COUNT_AT = 57;

/** kafkajs knows the tail of a fetch that was cut off by this name, and drops it without failing the rest. */
class BatchRefused extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'KafkaJSPartialMessageError';
  }
}

const gunzip = promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.unzip);
const unzstd = promisify<Buffer, zlib.ZstdOptions, Buffer>(zlib.zstdDecompress);
const snappy = createSnappyCodec();

const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;

/** The size that a raw snappy block states for itself: a little-endian base-128 number at its start. */
function snappyBlockBytes(block: Uint8Array): number {
  let size = 0;
  for (const [index, byte] of block.subarray(0, 5).entries()) {
    size += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return size;
  }
  throw new BatchRefused('a snappy block states no size');
}

/** What a snappy body inflates to: one raw block (librdkafka) or Xerial's frame of blocks (Java). */
export function snappyInflatedBytes(body: Buffer): number {
  if (!body.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return snappyBlockBytes(body);
  let total = 0;
  for (let at = XERIAL_HEADER_BYTES; at + 4 <= body.length; ) {
    const size = body.readUInt32BE(at);
    total += snappyBlockBytes(body.subarray(at + 4, at + 4 + size));
    at += 4 + size;
  }
  return total;
}

async function unsnappy(body: Buffer): Promise<Buffer> {
  if (snappyInflatedBytes(body) > MAX_INFLATED_BYTES) throw new BatchRefused('too large when inflated');
  return Buffer.from(await snappy.decompress(body));
}

function unlz4(body: Buffer): Buffer {
  const bound = lz4.decompressBound(body);
  if (!(bound >= 0)) throw new BatchRefused('an lz4 frame states no size');
  const target = Buffer.allocUnsafe(Math.min(bound, MAX_INFLATED_BYTES));
  const produced = lz4.decompressFrame(body, target);
  if (produced > target.length) throw new BatchRefused('too large when inflated');
  return target.subarray(0, produced);
}

const CAP = { maxOutputLength: MAX_INFLATED_BYTES };
const INFLATE = {
  GZIP: (body: Buffer) => gunzip(body, CAP),
  Snappy: unsnappy,
  LZ4: async (body: Buffer) => unlz4(body),
  ZSTD: (body: Buffer) => unzstd(body, CAP),
} as const;
const CODEC_NAMES = ['GZIP', 'Snappy', 'LZ4', 'ZSTD'] as const;

/**
 * Which records a compressed body holds. kafkajs hands a codec the body only, as a view into the fetched bytes; the batch
 * header lies right before it. null for the formats before Kafka 0.11.
 */
export function readBatchHeader(body: Buffer): { firstOffset: bigint; lastOffset: bigint; recordCount: number } | null {
  if (body.byteOffset < HEADER_BYTES) return null;
  const header = Buffer.from(body.buffer, body.byteOffset - HEADER_BYTES, HEADER_BYTES);
  if (header.readInt8(MAGIC_AT) !== 2) return null;
  const firstOffset = header.readBigInt64BE(0);
  return {
    firstOffset,
    lastOffset: firstOffset + BigInt(header.readInt32BE(LAST_OFFSET_DELTA_AT)),
    recordCount: header.readInt32BE(RECORD_COUNT_AT),
  };
}

const listeners = new Set<(batch: RefusedBatch) => void>();

async function inflateOrRefuse(name: (typeof CODEC_NAMES)[number], body: Buffer): Promise<Buffer> {
  const header = readBatchHeader(body);
  try {
    if (header !== null && header.recordCount > MAX_BATCH_RECORDS) throw new BatchRefused('too many records in one batch');
    return await INFLATE[name](body);
  } catch (error) {
    const reason = `${name}: ${error instanceof Error ? error.message : 'unreadable'}`;
    if (header !== null) {
      for (const listen of listeners)
        listen({ partition: null, firstOffset: header.firstOffset, lastOffset: header.lastOffset, reason });
    }
    throw new BatchRefused(reason);
  }
}

/** Gives kafkajs all codecs, for the whole process (its registry is global); safe to call twice. Answers a way to stop listening. */
export function registerKafkaCodecs(onRefused: (batch: RefusedBatch) => void): () => void {
  const { CompressionCodecs, CompressionTypes } = kafkajs;
  for (const name of CODEC_NAMES) {
    CompressionCodecs[CompressionTypes[name]] = () => ({
      compress: () => Promise.reject(new Error(`surgewatch writes nothing compressed, asked for ${name}`)),
      decompress: (body: Buffer) => inflateOrRefuse(name, body),
    });
  }
  listeners.add(onRefused);
  return () => listeners.delete(onRefused);
}
