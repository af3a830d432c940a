import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { ALL_HEADERS, keepAllHeaders, repairKafkajsHeaders } from '../../../../src/sources/kafkajs/headers.ts';

interface Encoder {
  readonly buffer: Buffer;
}
type Headers = Readonly<Record<string, string | readonly string[]>>;

const require = createRequire(import.meta.url);
const RecordEncoder: (record: object) => Encoder = require('kafkajs/src/protocol/recordBatch/record/v0');
const Decoder: new (buffer: Buffer) => { readVarIntBytes(): Buffer } = require('kafkajs/src/protocol/decoder');
const decodeRecord: (
  decoder: object,
  batch: object,
) => { readonly headers: Readonly<Record<string, Buffer>>; readonly value: Buffer } =
  require('kafkajs/src/protocol/recordBatch/record/v0/decoder');

/** As kafkajs reads what kafkajs wrote. */
function readBack(headers: Headers) {
  const { buffer } = RecordEncoder({ key: null, value: 'v', headers });
  return decodeRecord(new Decoder(new Decoder(buffer).readVarIntBytes()), { firstOffset: '0', firstTimestamp: '0' });
}

test('of a record only the headers that state context are kept, of each the last', () => {
  assert.ok(repairKafkajsHeaders());
  assert.ok(repairKafkajsHeaders());
  const { headers, value } = readBack({ authorization: 'secret', service: ['first', 'last'], httpStatus: '503' });
  assert.deepEqual(
    Object.entries(headers).map(([name, bytes]) => [name, bytes.toString()]),
    [
      ['service', 'last'],
      ['httpStatus', '503'],
    ],
  );
  assert.equal(value.toString(), 'v');
  assert.deepEqual(readBack({}).headers, {});
});

test('100 000 headers, also of one name, take no time', () => {
  const startedMs = performance.now();
  const { headers } = readBack(Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`x-${index}`, 'y'])));
  assert.deepEqual(headers, {});
  const repeated = readBack({ service: Array(100_000).fill('y') });
  assert.deepEqual(Object.keys(repeated.headers), ['service']);
  assert.ok(performance.now() - startedMs < 5_000);
});

test('who asks for all headers gets them beside the known ones, in order, as bytes, in linear time', () => {
  assert.ok(repairKafkajsHeaders());
  keepAllHeaders(); // For the whole process: this test stands last.
  const { headers } = readBack({ service: ['first', 'last'], authorization: 'secret' });
  assert.equal(headers['service']?.toString(), 'last');
  const all: readonly (readonly [string, Buffer])[] = Object(headers)[ALL_HEADERS];
  assert.deepEqual(
    all.map(([name, value]) => [name, value.toString()]),
    [
      ['service', 'first'],
      ['service', 'last'],
      ['authorization', 'secret'],
    ],
  );
  const startedMs = performance.now();
  readBack(Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`x-${index}`, 'y'])));
  assert.ok(performance.now() - startedMs < 5_000);
});
