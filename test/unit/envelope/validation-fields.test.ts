import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonValue } from '../../../src/envelope/schema.ts';
import { OTHER_FIELD } from '../../../src/envelope/validation-fields.ts';
import { redacted } from './redact-sample.ts';
import { envelopeText } from './sample.ts';

const fieldsOf = (errors: JsonValue, code = 'VALIDATION_ERROR') =>
  redacted(envelopeText({ error: { code, details: { errors } } })).validationFields;
const fieldsNamed = (field: JsonValue, code: JsonValue = 'X', value: JsonValue = 1) => fieldsOf([{ field, code, value }]);

test('each pair of field and sub-code is named once, without its place in a list', () => {
  const errors = [
    { field: 'items[3].sku', code: 'INVALID_FORMAT' },
    { field: 'items[12].sku', code: 'INVALID_FORMAT' },
    { field: 'items.4.sku', code: 'INVALID_FORMAT' },
    { field: 'rows.0.cells.17', code: 'too_small' },
    { field: 'password', code: 'MIN_LENGTH', value: 'abc' },
  ];
  assert.deepEqual(fieldsOf(errors), [
    { field: 'items[].sku', code: 'INVALID_FORMAT' },
    { field: 'rows[].cells[]', code: 'too_small' },
    { field: 'password', code: 'MIN_LENGTH' },
  ]);
});

test('a place is a whole number between names: other digits are part of a name', () => {
  for (const field of ['line2.street', 'v.1a.b', 'a[x1]']) assert.deepEqual(fieldsNamed(field), [{ field, code: 'X' }]);
});

test('a text that is no label is counted as the rest, once an envelope', () => {
  const hostile = [
    'a b',
    'x'.repeat(10_240),
    'line\nbreak',
    'bell\u0007',
    'a"}',
    '',
    '[0]',
    '\u202eevil',
    'größe',
    `a${'[0]'.repeat(100)}`,
  ];
  for (const field of hostile) assert.deepEqual(fieldsNamed(field), [OTHER_FIELD], field.slice(0, 20));
  for (const code of ['x"', '', '_other', 'a b', 'X'.repeat(65)]) assert.deepEqual(fieldsNamed('a', code), [OTHER_FIELD], code);
  assert.deepEqual(fieldsOf(hostile.map((field) => ({ field, code: 'X' }))), [OTHER_FIELD]);
});

test('what lacks a field or a sub-code is no pair', () => {
  assert.deepEqual(fieldsOf([{ field: 1, code: 'X' }, { field: 'a' }, { code: 'X' }, null, 'x', []]), []);
  assert.deepEqual(fieldsOf({ field: 'a', code: 'X' }), []);
});

test('a secret in the name of a field, or what the user typed, is in no label', () => {
  const secrets = [
    'alice@example.com',
    'card_4111111111111111',
    'password=hunter2',
    'ghp_0123456789abcdefghijklmnopqrstuvwxyzAB',
  ];
  for (const secret of secrets) {
    const [pair] = fieldsNamed(secret);
    assert.ok(pair !== undefined && !pair.field.includes(secret), `${pair?.field}`);
  }
  assert.deepEqual(fieldsNamed('hunter2', 'REJECTED', 'hunter2'), [OTHER_FIELD]);
  assert.deepEqual(fieldsNamed('password', 'hunter2', 'hunter2'), [OTHER_FIELD]);
});

test('only validation errors have fields', () => {
  assert.deepEqual(fieldsOf([{ field: 'a', code: 'X' }], 'SOMETHING_ELSE'), []);
  assert.deepEqual(
    redacted(envelopeText({ error: { code: 'VALIDATION_ERROR', details: { trunkId: 'T' } } })).validationFields,
    [],
  );
});
