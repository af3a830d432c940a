/**
 * Gives kafkajs the codecs that it lacks. A record batch that cannot be opened is reported and then treated like a cut-off
 * tail, so that the fetch still brings the other Kafka partitions; plain kafkajs ends the consumer instead (no codec) or
 * blocks every partition of the broker (an error in one).
 */
import kafkajs from 'kafkajs';
import { CODEC_NAMES, type CodecName, INFLATE, MAX_BATCH_RECORDS } from '../kafka-inflate.ts';
import type { RefusedBatch } from '../kafka-ports.ts';

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

async function inflateOrRefuse(name: CodecName, body: Buffer): Promise<Buffer> {
  const header = readBatchHeader(body);
  try {
    // kafkajs spreads the records into one call, which overflows the stack near 140 000.
    if (header !== null && header.recordCount > MAX_BATCH_RECORDS) throw new Error('too many records in one batch');
    return await INFLATE[name](body);
  } catch (error) {
    const reason = `${name}: ${error instanceof Error ? error.message : 'unreadable'}`;
    if (header !== null) {
      const { firstOffset, lastOffset } = header;
      for (const listen of listeners) listen({ partition: null, firstOffset, lastOffset, reason });
    }
    throw new BatchRefused(reason);
  }
}

/** Gives kafkajs all codecs, for the whole process (its registry is global); safe to call twice. Answers a way to stop listening. */
export function registerKafkajsCodecs(onRefused: (batch: RefusedBatch) => void): () => void {
  const { CompressionCodecs, CompressionTypes } = kafkajs;
  const types = {
    gzip: CompressionTypes.GZIP,
    snappy: CompressionTypes.Snappy,
    lz4: CompressionTypes.LZ4,
    zstd: CompressionTypes.ZSTD,
  } as const;
  for (const name of CODEC_NAMES) {
    CompressionCodecs[types[name]] = () => ({
      compress: () => Promise.reject(new Error(`surgewatch writes nothing compressed, asked for ${name}`)),
      decompress: (body: Buffer) => inflateOrRefuse(name, body),
    });
  }
  listeners.add(onRefused);
  return () => listeners.delete(onRefused);
}
