/** When codes that rise are one thing to tell. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { commonRiseOf, isBeyond, type Rise } from '../../../src/alert/common-rise.ts';

const rise = (code: string, expected: number, ratio: number): Rise => ({
  code,
  expected,
  observed: Math.round(expected * ratio),
});
/** `count` codes of 20 expected errors each. */
const codes = (name: string, count: number, ratio: number) =>
  Array.from({ length: count }, (_, n) => rise(`${name}${n}`, 20, ratio));
const opened = (...names: string[]) => new Set(names);

describe('codes rose together', () => {
  test('when half of those that could show it did, at the median of their factors', () => {
    const found = commonRiseOf([...codes('UP', 5, 3), ...codes('FLAT', 5, 1)], opened('UP0'));
    assert.equal(found?.factor, 3);
    assert.equal(found?.fairCount, 10);
    assert.deepEqual(found?.risen.map(({ code }) => code).toSorted(), ['UP0', 'UP1', 'UP2', 'UP3', 'UP4']);
  });
  test('already when the first of them opens', () => {
    assert.notEqual(commonRiseOf(codes('UP', 3, 4), opened('UP1')), null);
  });
  test('also when codes too rare to show it stay as they were', () => {
    const rare = Array.from({ length: 40 }, (_, n) => rise(`RARE${n}`, 0.5, 0));
    assert.equal(commonRiseOf([...codes('UP', 4, 3), ...rare], opened('UP0'))?.fairCount, 4);
  });
  test('also when one of them rose far more: it does not set the measure', () => {
    const found = commonRiseOf([rise('FAULT', 20, 60), ...codes('UP', 6, 3)], opened('FAULT', 'UP2'));
    assert.equal(found?.factor, 3);
    assert.equal(found?.risen[0]?.code, 'FAULT');
  });
});

describe('a code rose by itself', () => {
  test('when the others did not', () => {
    assert.equal(commonRiseOf([rise('FAULT', 20, 10), ...codes('FLAT', 9, 1)], opened('FAULT')), null);
  });
  test('when fewer than half of those that could show it did', () => {
    assert.equal(commonRiseOf([...codes('UP', 4, 3), ...codes('FLAT', 5, 1)], opened('UP0')), null);
  });
  test('when only two rose, however few there are', () => {
    assert.equal(commonRiseOf(codes('UP', 2, 5), opened('UP0', 'UP1')), null);
  });
  test('when the others rose by far less', () => {
    assert.equal(commonRiseOf([rise('FAULT', 20, 30), ...codes('BIT', 9, 1.5)], opened('FAULT')), null);
  });
  test('when nothing is known of what is normal for it', () => {
    assert.equal(commonRiseOf([{ code: 'FRESH', observed: 9, expected: 0 }, ...codes('UP', 9, 3)], opened('FRESH')), null);
  });
});

describe('a code stays its own', () => {
  test('when it rose more than three times as much as all', () => {
    assert.equal(isBeyond(rise('A', 20, 30), 3), true);
    assert.equal(isBeyond(rise('A', 20, 9), 3), false);
  });
  test('but not by what chance adds to few errors', () => {
    assert.equal(isBeyond({ observed: 4, expected: 0.3 }, 3), false);
    assert.equal(isBeyond({ observed: 6, expected: 0.3 }, 3), true);
  });
});
