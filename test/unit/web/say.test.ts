/** Times, spans and numbers as people say them; text as it may safely be seen. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { html, render } from '../../../src/web/html.ts';
import { sayAgo, sayCount, sayFactor, sayMoment, sayNumber, saySpan } from '../../../src/web/say.ts';
import { showText } from '../../../src/web/visible-text.ts';

const NOW_MS = Date.UTC(2026, 2, 3, 14, 7, 16);

test('a moment is said by its day, as far away as it is', () => {
  assert.equal(sayMoment(Date.UTC(2026, 2, 3, 14, 3, 12), NOW_MS), 'today 14:03:12 UTC');
  assert.equal(sayMoment(Date.UTC(2026, 2, 2, 23, 59, 59), NOW_MS), 'yesterday 23:59:59 UTC');
  assert.equal(sayMoment(Date.UTC(2026, 1, 27, 1, 2, 3), NOW_MS), 'Fri 27 Feb 01:02:03 UTC');
  assert.equal(sayMoment(Date.UTC(2025, 11, 31), NOW_MS), 'Wed 31 Dec 2025 00:00:00 UTC');
});

test('how long ago is said in the largest unit that fits', () => {
  assert.equal(sayAgo(NOW_MS - 400, NOW_MS), 'just now');
  assert.equal(sayAgo(NOW_MS - 4 * 60_000, NOW_MS), '4 minutes ago');
  assert.equal(sayAgo(NOW_MS - 60_000, NOW_MS), '1 minute ago');
  assert.equal(sayAgo(NOW_MS + 90 * 60_000, NOW_MS), 'in 2 hours');
  assert.equal(saySpan(3 * 86_400_000), '3 days');
});

test('numbers are grouped, and small ones keep a decimal', () => {
  assert.equal(sayNumber(9999), '9999');
  assert.equal(sayNumber(1234567), '1\u2009234\u2009567');
  assert.equal(sayNumber(3.14), '3.1');
  assert.equal(sayCount(1, 'error'), '1 error');
  assert.equal(sayCount(0, 'error'), '0 errors');
});

test('a factor is told only where it says something', () => {
  assert.equal(sayFactor(96, 3.1), '31 times as many');
  assert.equal(sayFactor(3, 3), null);
  assert.equal(sayFactor(3, 0), null);
});

test('hidden and reordering characters are named, towers of marks are cut, long text is clipped', () => {
  const shown = (text: string, most?: number) => render(html`${showText(text, most)}`).replaceAll(/<[^>]*>/g, '');
  assert.equal(shown('a\u202Eb\u200Bc\u0000'), 'aU+202EbU+200BcU+0000');
  assert.equal(shown('\u2028 \u{E0041}'), 'U+2028 U+E0041');
  assert.equal(shown(`e${'\u0301'.repeat(500)}!`), `e${'\u0301'.repeat(4)}…!`);
  assert.equal(shown('x'.repeat(30), 10), `${'x'.repeat(10)}… clipped`);
  assert.equal(shown('😀'.repeat(30), 2), '😀😀… clipped');
  assert.equal(shown('plain, ünïcode, 漢字'), 'plain, ünïcode, 漢字');
});
