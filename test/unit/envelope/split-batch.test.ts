import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import { type Split, splitJsonArray, splitLines } from '../../../src/envelope/split-batch.ts';
import { envelopeText, verdictOf } from './sample.ts';

const bytes = (text: string) => Buffer.from(text);

/** The items as text, `single`, or the reason. */
function shown(split: Split): readonly string[] | string {
  if (split.kind === 'items') return split.items.map((item) => Buffer.from(item).toString());
  return split.kind === 'single' ? 'single' : split.reason;
}

test('an array is cut at its own commas only', () => {
  const items = ['{"a":[1,2],"b":{"c":"],\\"[,"}}', '"x,y"', '[1,[2,3]]', 'null'];
  deepEqual(shown(splitJsonArray(bytes(`[${items.join(' ,\r\n\t')}]`))), items);
});

test('what is no array is left to decode', () => {
  for (const text of ['{}', ' {"a":[1]}', 'x', '   ', '\ufeff{}']) equal(shown(splitJsonArray(bytes(text))), 'single');
});

test('row 1: no byte and an empty array are empty', () => {
  for (const text of ['', '[]', ' [ \n ] ', '\ufeff[]']) equal(shown(splitJsonArray(bytes(text))), 'empty');
});

test('a BOM before an array is skipped', () => {
  deepEqual(shown(splitJsonArray(bytes('\ufeff[1]'))), ['1']);
});

test('an array whose own structure is broken is syntax as a whole', () => {
  for (const text of [
    '[1',
    '[1,',
    '[1,]',
    '[,1]',
    '[1,,2]',
    '[1]x',
    '[1][2]',
    '[1}',
    '[}',
    '[{"a":1]',
    '["a',
    '["a\\',
    '[] x',
    '[',
  ]) {
    equal(shown(splitJsonArray(bytes(text))), 'syntax', text);
  }
});

test('row 53: a bad item rejects itself alone', () => {
  const split = splitJsonArray(bytes(`[${envelopeText()},{"a":},${envelopeText()},[${envelopeText()}],nul]`));
  equal(split.kind, 'items');
  if (split.kind === 'items')
    deepEqual(
      split.items.map((item) => verdictOf(item)),
      ['ok', 'syntax', 'ok', 'schema', 'syntax'],
    );
});

test('bytes that are not UTF-8 reject the item they stand in', () => {
  const split = splitJsonArray(Buffer.concat([bytes(`[${envelopeText()},"`), Buffer.from([0xff]), bytes('"]')]));
  if (split.kind === 'items')
    deepEqual(
      split.items.map((item) => verdictOf(item)),
      ['ok', 'utf8'],
    );
  equal(split.kind, 'items');
});

test('row 87: a thousand items or lines are a batch, one more is too large', () => {
  const many = (count: number) => Array(count).fill('1');
  equal(shown(splitJsonArray(bytes(`[${many(1000).join()}]`))).length, 1000);
  equal(shown(splitJsonArray(bytes(`[${many(1001).join()}]`))), 'too_large');
  equal(shown(splitLines(bytes(`${many(1000).join('\n')}\n\n`))).length, 1000);
  equal(shown(splitLines(bytes(many(1001).join('\n')))), 'too_large');
});

test('row 16: a body of more than 1 MiB is too large however it is split', () => {
  const large = Buffer.alloc(1_048_577, ' ');
  equal(shown(splitJsonArray(large)), 'too_large');
  equal(shown(splitLines(large)), 'too_large');
});

test('lines end with LF or CRLF, the last one with the body, and blank ones do not count', () => {
  deepEqual(shown(splitLines(bytes('{"a":1}\r\n\r\n  \n {"b":2} \n{"c":3}'))), ['{"a":1}', '{"b":2}', '{"c":3}']);
});

test('rows 1 and 3: NDJSON without a byte is empty, with blank lines only it is syntax', () => {
  equal(shown(splitLines(bytes(''))), 'empty');
  equal(shown(splitLines(bytes('\n \r\n'))), 'syntax');
});

test('row 87: a bad line rejects itself alone', () => {
  const split = splitLines(bytes(`\ufeff${envelopeText()}\n{"a"\n${envelopeText()}`));
  if (split.kind === 'items')
    deepEqual(
      split.items.map((item) => verdictOf(item)),
      ['fix:bom', 'syntax', 'ok'],
    );
  equal(split.kind, 'items');
});
