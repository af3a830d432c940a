import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pairKeyOf, seriesKeyOf, seriesOf } from '../../../src/envelope/series-key.ts';

test('a series is told from its key, and no pair has the key of a code', () => {
  const pair = { field: 'items[].sku', code: 'REQUIRED' };
  for (const series of [
    { code: 'VALIDATION_ERROR', pair: null },
    { code: '_other', pair: null },
    { code: 'VALIDATION_ERROR', pair },
  ])
    assert.deepEqual(seriesOf(seriesKeyOf(series)), series);
  assert.equal(pairKeyOf(pair), 'VALIDATION_ERROR items[].sku REQUIRED');
  assert.equal(seriesKeyOf({ code: 'TOKEN_EXPIRED', pair: null }), 'TOKEN_EXPIRED');
});
