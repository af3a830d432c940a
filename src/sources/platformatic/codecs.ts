/**
 * Gives @platformatic/kafka our codecs in place of its own, which inflate without a ceiling: a record batch of a few
 * kilobytes could take a gigabyte. It opens batches while it parses an answer, where an error would fail the fetch for every
 * Kafka partition in it; so a batch that cannot be opened becomes records that no producer can write.
 */
import { compressionsAlgorithms, compressionsAlgorithmsByBitmask, type RecordsBatch } from '@platformatic/kafka';
import { CODEC_NAMES, type CodecName, INFLATE_SYNC, MAX_BATCH_RECORDS } from '../kafka-inflate.ts';

/** A record of nothing but zeros takes this many bytes, its stated length being 0: real ones state six at least. */
const BLANK_RECORD_BYTES = 7;
const BLANK_RECORDS = Buffer.alloc(BLANK_RECORD_BYTES * MAX_BATCH_RECORDS);

/** Largest number of bytes that a record's length takes, seven bits each. */
const LENGTH_BYTES = 5;

/** Records that the bytes hold, by their lengths alone; stops counting above `most`. */
export function countRecords(records: Buffer, most: number): number {
  let count = 0;
  for (let at = 0; at < records.length && count <= most; count += 1) {
    let zigzag = 0;
    for (let index = 0; index < LENGTH_BYTES; index += 1) {
      const byte = records[at] ?? 0;
      at += 1;
      zigzag += (byte & 0x7f) * 2 ** (7 * index);
      if (byte < 0x80) break;
    }
    at += Math.ceil(zigzag / 2);
  }
  return count;
}

/** True for what stands in the place of a batch that could not be opened. */
export function isBlank({ records: [first] }: Pick<RecordsBatch, 'records'>): boolean {
  return first?.length === 0;
}

export function inflateOrBlank(name: CodecName, body: Buffer): Buffer {
  try {
    const records = INFLATE_SYNC[name](body);
    return countRecords(records, MAX_BATCH_RECORDS) > MAX_BATCH_RECORDS ? BLANK_RECORDS : records;
  } catch {
    return BLANK_RECORDS;
  }
}

/** For the whole process (the library's registry is global); safe to call twice. */
export function registerPlatformaticCodecs(): void {
  for (const name of CODEC_NAMES) {
    const algorithm = compressionsAlgorithms[name];
    compressionsAlgorithmsByBitmask[algorithm.bitmask] = {
      ...algorithm,
      decompressSync: (data) => inflateOrBlank(name, Buffer.isBuffer(data) ? data : data.buffer),
    };
  }
}
