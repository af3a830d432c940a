import assert from 'node:assert/strict';
import { test } from 'node:test';
import zlib from 'node:zlib';
import { compressionsAlgorithmsByBitmask, Reader, readRecord } from '@platformatic/kafka';
import { MAX_BATCH_RECORDS, MAX_INFLATED_BYTES } from '../../../../src/sources/kafka-inflate.ts';
import {
  countRecords,
  inflateOrBlank,
  isBlank,
  registerPlatformaticCodecs,
} from '../../../../src/sources/platformatic/codecs.ts';

/** A record of no key, an empty value and no headers: seven bytes, of which the length states six. */
const RECORD = Buffer.from([12, 0, 0, 0, 1, 0, 0]);
const GZIP_BITMASK = 1;

test('records are counted by their lengths, and no further than asked', () => {
  assert.equal(countRecords(Buffer.alloc(0), 10), 0);
  assert.equal(countRecords(Buffer.concat([RECORD, RECORD, RECORD]), 10), 3);
  assert.equal(countRecords(Buffer.concat([RECORD, RECORD, RECORD]), 1), 2);
  assert.equal(countRecords(Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]), 10), 1);
});

test('what cannot be opened, inflates too far or holds too many records reads as blank records, and nothing else does', () => {
  const few = inflateOrBlank('gzip', zlib.gzipSync(RECORD));
  assert.equal(isBlank({ records: [readRecord(Reader.from(few))] }), false);
  const bodies = [
    Buffer.from('no gzip'),
    zlib.gzipSync(Buffer.alloc(MAX_INFLATED_BYTES + 1, 1)),
    zlib.gzipSync(Buffer.concat(Array.from({ length: MAX_BATCH_RECORDS + 1 }, () => RECORD))),
  ];
  for (const body of bodies) assert.equal(isBlank({ records: [readRecord(Reader.from(inflateOrBlank('gzip', body)))] }), true);
});

test('the library inflates through us', () => {
  registerPlatformaticCodecs();
  registerPlatformaticCodecs();
  const opened = compressionsAlgorithmsByBitmask[GZIP_BITMASK]?.decompressSync(Buffer.from('no gzip')) ?? Buffer.alloc(0);
  assert.equal(isBlank({ records: [readRecord(Reader.from(opened))] }), true);
});
