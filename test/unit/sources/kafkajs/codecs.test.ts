import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import zlib from 'node:zlib';
import kafkajs from 'kafkajs';
import lz4 from 'lz4js';
import { MAX_BATCH_RECORDS, MAX_INFLATED_BYTES } from '../../../../src/sources/kafka-inflate.ts';
import type { RefusedBatch } from '../../../../src/sources/kafka-ports.ts';
import { readBatchHeader, registerKafkajsCodecs } from '../../../../src/sources/kafkajs/codecs.ts';

const { CompressionCodecs, CompressionTypes } = kafkajs;
const TOO_MUCH = Buffer.alloc(MAX_INFLATED_BYTES + 1);

/** A body as kafkajs hands it over: a view right behind the 61 bytes of its batch header. */
function inBatch(body: Uint8Array, { firstOffset = 40n, recordCount = 3 } = {}): Buffer {
  const batch = Buffer.concat([Buffer.alloc(61), body]);
  batch.writeBigInt64BE(firstOffset, 0);
  batch.writeInt8(2, 16);
  batch.writeInt32BE(recordCount - 1, 23);
  batch.writeInt32BE(recordCount, 57);
  // A memory of its own: a small Buffer shares a pool and need not start at its beginning.
  return Buffer.from(new Uint8Array(batch).buffer, 61);
}

/** Snappy's literal blocks: enough to state any content without a compressor. */
function snappyBlock(content: Buffer): Buffer {
  const size: number[] = [];
  for (let rest = content.length; ; rest >>>= 7) {
    size.push(rest < 0x80 ? rest : (rest & 0x7f) | 0x80);
    if (rest < 0x80) break;
  }
  return Buffer.concat([Buffer.from([...size, (content.length - 1) << 2]), content]);
}

function xerial(...blocks: readonly Buffer[]): Buffer {
  const header = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
  const sized = blocks.flatMap((block) => {
    const size = Buffer.alloc(4);
    size.writeUInt32BE(block.length);
    return [size, block];
  });
  return Buffer.concat([header, ...sized]);
}

async function decompress(name: 'GZIP' | 'Snappy' | 'LZ4' | 'ZSTD', body: Buffer): Promise<string> {
  return (await CompressionCodecs[CompressionTypes[name]]().decompress(body)).toString();
}

function collectRefused(): { readonly refused: RefusedBatch[]; readonly stop: () => void } {
  const refused: RefusedBatch[] = [];
  return { refused, stop: registerKafkajsCodecs((batch) => refused.push(batch)) };
}

describe('the codecs that kafkajs gets', () => {
  test('each opens what its format wrote', async () => {
    const { stop } = collectRefused();
    const text = Buffer.from('envelope '.repeat(5));
    assert.equal(await decompress('GZIP', inBatch(zlib.gzipSync(text))), `${text}`);
    assert.equal(await decompress('ZSTD', inBatch(zlib.zstdCompressSync(text))), `${text}`);
    assert.equal(await decompress('LZ4', inBatch(lz4.compress(text))), `${text}`);
    assert.equal(await decompress('Snappy', inBatch(snappyBlock(text))), `${text}`);
    assert.equal(await decompress('Snappy', inBatch(xerial(snappyBlock(text), snappyBlock(text)))), `${text}${text}`);
    stop();
  });

  test('what inflates past the limit is refused as a cut-off tail, with the offsets of its batch', async () => {
    const { refused, stop } = collectRefused();
    const statesTooMuch = Buffer.from([0x81, 0x80, 0x80, 0x08, 0x00, 0x41]);
    const bodies = [
      ['GZIP', zlib.gzipSync(TOO_MUCH)],
      ['ZSTD', zlib.zstdCompressSync(TOO_MUCH)],
      ['LZ4', lz4.compress(TOO_MUCH)],
      ['Snappy', statesTooMuch],
      ['Snappy', xerial(statesTooMuch)],
    ] as const;
    for (const [name, body] of bodies)
      await assert.rejects(decompress(name, inBatch(body)), { name: 'KafkaJSPartialMessageError' });
    assert.deepEqual(
      refused.map(({ firstOffset, lastOffset }) => [firstOffset, lastOffset]),
      bodies.map(() => [40n, 42n]),
    );
    stop();
  });

  test('what is no such format, and a batch of too many records, is refused too', async () => {
    const { refused, stop } = collectRefused();
    for (const name of ['GZIP', 'Snappy', 'LZ4', 'ZSTD'] as const) {
      await assert.rejects(decompress(name, inBatch(Buffer.alloc(64, 0xff))), { name: 'KafkaJSPartialMessageError' });
    }
    await assert.rejects(decompress('GZIP', inBatch(zlib.gzipSync('x'), { recordCount: MAX_BATCH_RECORDS + 1 })));
    assert.equal(refused.length, 5);
    stop();
  });

  test('who stopped listening hears nothing', async () => {
    const { refused, stop } = collectRefused();
    stop();
    await assert.rejects(decompress('GZIP', inBatch(Buffer.from('no gzip'))));
    assert.deepEqual(refused, []);
  });

  test('a body without a version 2 header before it has no known offsets', () => {
    assert.equal(readBatchHeader(Buffer.from(new Uint8Array(10).buffer)), null);
    assert.equal(readBatchHeader(Buffer.from(new Uint8Array(80).buffer, 61)), null);
    assert.deepEqual(readBatchHeader(inBatch(Buffer.from('x'))), { firstOffset: 40n, lastOffset: 42n, recordCount: 3 });
  });
});
