import assert from 'node:assert/strict';
import { test } from 'node:test';
import zlib from 'node:zlib';
import lz4 from 'lz4js';
import { CODEC_NAMES, INFLATE_SYNC, MAX_INFLATED_BYTES, snappyInflatedBytes } from '../../../src/sources/kafka-inflate.ts';

test('the size that snappy states is read over all its bytes', () => {
  assert.equal(snappyInflatedBytes(Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f])), 2 ** 32 - 1);
  assert.throws(() => snappyInflatedBytes(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0x0f])));
});

test('a client that cannot wait gets the same bytes, and the same refusals', () => {
  const text = Buffer.from('envelope '.repeat(5));
  assert.equal(`${INFLATE_SYNC.gzip(zlib.gzipSync(text))}`, `${text}`);
  assert.equal(`${INFLATE_SYNC.zstd(zlib.zstdCompressSync(text))}`, `${text}`);
  assert.equal(`${INFLATE_SYNC.lz4(Buffer.from(lz4.compress(text)))}`, `${text}`);
  const tooMuch = Buffer.alloc(MAX_INFLATED_BYTES + 1);
  assert.throws(() => INFLATE_SYNC.gzip(zlib.gzipSync(tooMuch)));
  assert.throws(() => INFLATE_SYNC.zstd(zlib.zstdCompressSync(tooMuch)));
  assert.throws(() => INFLATE_SYNC.lz4(Buffer.from(lz4.compress(tooMuch))));
  assert.throws(() => INFLATE_SYNC.snappy(Buffer.from([0x81, 0x80, 0x80, 0x08, 0x00, 0x41])));
  for (const name of CODEC_NAMES) assert.throws(() => INFLATE_SYNC[name](Buffer.alloc(64, 0xff)));
});
