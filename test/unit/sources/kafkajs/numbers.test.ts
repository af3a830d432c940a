import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { repairKafkajsNumbers } from '../../../../src/sources/kafkajs/numbers.ts';

interface Long {
  readonly value: bigint;
}
const require = createRequire(import.meta.url);
const Long: { fromValue(value: bigint | string): Long } = require('kafkajs/src/utils/long');
const Encoder: new () => { writeVarLong(value: Long): { readonly buffer: Buffer } } = require('kafkajs/src/protocol/encoder');
const Decoder: new (buffer: Buffer) => { readonly offset: number; readVarLong(): Long } = require('kafkajs/src/protocol/decoder');

/** On both sides of each length in bytes, positive and negative. */
const EDGES = Array.from({ length: 9 }, (_, n) => 1n << BigInt(7 * n + 6)).flatMap((edge) => [
  edge - 1n,
  edge,
  -edge,
  -edge - 1n,
]);

test('numbers are read as they were written, however long they are', () => {
  const plainly = EDGES.map(readBack);
  assert.ok(repairKafkajsNumbers());
  assert.ok(repairKafkajsNumbers());
  assert.deepEqual(EDGES.map(readBack), plainly);
  assert.deepEqual(
    plainly.map(({ value }) => value),
    EDGES,
  );
});

/** The value, and how many bytes it took. */
function readBack(number: bigint): { readonly value: bigint; readonly sizeBytes: number } {
  const { buffer } = new Encoder().writeVarLong(Long.fromValue(number));
  const decoder = new Decoder(buffer);
  return { value: decoder.readVarLong().value, sizeBytes: decoder.offset };
}

test('texts that come in turn, and others between them, are read as what they say', () => {
  repairKafkajsNumbers();
  const texts = ['7', '9', '7', '9', '11', '7', '9007199254740993', '-1', '0', '9', '9', '7'];
  assert.deepEqual(
    texts.map((text) => Long.fromValue(text).value),
    texts.map(BigInt),
  );
  assert.throws(() => Long.fromValue(''));
  assert.equal(Long.fromValue('7').value, 7n);
});
