/** Numbers and moments in words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countText, momentText, plainText, shareText, spanText, surgeText } from '../../../src/alert/wording.ts';

test('counts are rounded to what is worth reading', () => {
  assert.deepEqual([0.4, 3, 7.25, 41.3, 999.6, 12_345, 1_234_567].map(countText), [
    '0.4',
    '3',
    '7.3',
    '41',
    '1,000',
    '12,345',
    '1,234,567',
  ]);
});

test('shares of requests have two digits, down to next to none', () => {
  assert.deepEqual([0.004, 0.0004, 0.1234, 1, 0, 0.000_001].map(shareText), [
    '0.4 %',
    '0.04 %',
    '12 %',
    '100 %',
    '0 %',
    'less than 0.001 %',
  ]);
});

test('spans have one unit', () => {
  assert.deepEqual([10, 60, 90, 300, 3600, 5400, 7200].map(spanText), [
    '10 seconds',
    '1 minute',
    '2 minutes',
    '5 minutes',
    '1 hour',
    '90 minutes',
    '2 hours',
  ]);
});

test('a surge is told with its factor, unless nearly nothing was expected', () => {
  assert.equal(surgeText(412, 41.3, 300), '412 errors in 5 minutes, 10 times the expected 41');
  assert.equal(surgeText(9, 3.6, 60), '9 errors in 1 minute, 2.5 times the expected 3.6');
  assert.equal(surgeText(8, 4, 60), '8 errors in 1 minute, 2 times the expected 4');
  assert.equal(surgeText(5000, 1.2, 300), '5,000 errors in 5 minutes, more than 1,000 times the expected 1.2');
  assert.equal(surgeText(7, 0.001, 600), '7 errors in 10 minutes, where almost none are expected');
  assert.equal(surgeText(1, 0, 10), '1 error in 10 seconds, where almost none are expected');
});

test('a moment carries its day only when that is not today', () => {
  const now = Date.UTC(2026, 10, 24, 0, 10);
  assert.equal(momentText(Date.UTC(2026, 10, 24, 0, 3), now), '00:03 UTC');
  assert.equal(momentText(Date.UTC(2026, 10, 23, 23, 59), now), '23 November 23:59 UTC');
});

test('plain text is one line, whole characters, clipped', () => {
  assert.equal(plainText(' a\tb\u2028c\u200bd ', 100), 'a b c d');
  assert.equal(plainText('😀😀😀', 2), '😀…');
});
