import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validationFieldsOf } from '../../../src/envelope/validation-fields.ts';

const fieldsOf = (details: object) => validationFieldsOf({ detailsJson: JSON.stringify(details) });

test('each pair of field and sub-code is named once, without the index of a list', () => {
  const errors = [
    { field: 'items[3].sku', code: 'INVALID_FORMAT' },
    { field: 'items[12].sku', code: 'INVALID_FORMAT' },
    { field: 'password', code: 'MIN_LENGTH', value: { type: 'string', length: 3 } },
  ];
  assert.deepEqual(fieldsOf({ errors }), [
    { field: 'items[].sku', code: 'INVALID_FORMAT' },
    { field: 'password', code: 'MIN_LENGTH' },
  ]);
});

test('what does not look like a field and a code is no label', () => {
  assert.deepEqual(
    fieldsOf({ errors: [{ field: 'a b', code: 'X' }, { field: 'a', code: 'x"' }, { field: 1, code: 'X' }, null, 'x'] }),
    [],
  );
  assert.deepEqual(fieldsOf({ errors: { field: 'a', code: 'X' } }), []);
  assert.deepEqual(fieldsOf({ trunkId: 'TRK_1' }), []);
});
