/** What of event time was collected. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { coveredBuckets } from '../../../src/detect/collected.ts';

describe('what was collected', () => {
  const range = { startSeconds: 100, endSeconds: 160 };
  const covered = (...spans: readonly (readonly [number, number])[]) =>
    coveredBuckets(
      spans.map(([startSeconds, endSeconds]) => ({ startSeconds, endSeconds })),
      range,
      10,
    );
  test('is the buckets that lie whole in a span', () => {
    assert.deepEqual(covered(), []);
    assert.deepEqual(covered([0, 1000]), [100, 110, 120, 130, 140, 150]);
    assert.deepEqual(covered([101, 149.5]), [110, 120, 130]);
  });
  test('joins spans that touch or overlap, and no others', () => {
    assert.deepEqual(covered([125, 160], [90, 125]), [100, 110, 120, 130, 140, 150]);
    assert.deepEqual(covered([90, 124], [126, 200]), [100, 110, 130, 140, 150]);
    assert.deepEqual(covered([90, 200], [110, 120]), [100, 110, 120, 130, 140, 150]);
  });
});
