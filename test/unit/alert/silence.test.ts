/** When too few errors of a code mean that something is wrong, and when nothing can be said. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { judgeSilence, partsOf } from '../../../src/alert/silence.ts';

const END = 1_800_000_000;
const SPAN = 3600;
const range = { startSeconds: END - SPAN, endSeconds: END };
const always = [{ startSeconds: END - 10 * SPAN, endSeconds: END }];
const judge = (observed: number, spans = always, minimum = 10) => judgeSilence({ range, spans, observed, minimum });

describe('a code that is expected to come', () => {
  test('flows with the minimum, and is scarce below it', () => {
    assert.equal(judge(10), 'flows');
    assert.equal(judge(9), 'scarce');
    assert.equal(judge(0), 'scarce');
  });
  test('is not judged in the first span of all history', () => {
    assert.equal(judge(0, [range]), null);
    assert.equal(judge(0, [{ ...range, startSeconds: range.startSeconds - 1 }]), 'scarce');
  });
  test('is not judged when a tenth of the span was not collected, and by less when some was not', () => {
    const without = (seconds: number) => [{ startSeconds: 0, endSeconds: END - seconds }];
    assert.equal(judge(0, without(SPAN / 10 + 1)), null);
    assert.equal(judge(8, without(SPAN / 10)), 'scarce');
    assert.equal(judge(9, without(SPAN / 10)), null);
  });
  test('flows also when much was not collected, if enough came all the same', () => {
    assert.equal(judge(10, []), 'flows');
  });
});

test('the span is cut into quarters without a gap', () => {
  assert.deepEqual(
    partsOf(range).map(({ startSeconds, endSeconds }) => [startSeconds - range.startSeconds, endSeconds - range.startSeconds]),
    [
      [0, 900],
      [900, 1800],
      [1800, 2700],
      [2700, 3600],
    ],
  );
});
