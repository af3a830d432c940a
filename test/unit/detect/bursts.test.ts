import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createBursts, learnBursts, limitOf } from '../../../src/detect/bursts.ts';
import { createNovelty, noveltyOf, rememberForNovelty } from '../../../src/detect/novelty.ts';
import { createRecurrence, recurringFactorAt, rememberForRecurrence } from '../../../src/detect/recurrence.ts';

const DAY_SECONDS = 86400;
const NINE = 9 * 3600;

/** `days` of ten expected a minute, with what `burst` says of each minute. */
function recurrenceAfter(days: number, burst: (day: number, minute: number) => number) {
  const recurrence = createRecurrence();
  for (let minute = 0; minute < days * 1440; minute += 1) {
    const count = 10 * burst(Math.floor(minute / 1440), minute % 1440);
    rememberForRecurrence(recurrence, { startSeconds: minute * 60, count, expected: 10, variance: 10 });
  }
  return recurrence;
}

describe('a burst that comes every day', () => {
  const atNine = (minute: number) => minute >= 540 && minute < 544;

  it('is expected once it has come on two of the last three days, and only at its time', () => {
    const daily = (_day: number, minute: number) => (atNine(minute) ? 6 : 1);
    assert.equal(recurringFactorAt(recurrenceAfter(1, daily), DAY_SECONDS + NINE), 1);
    const known = recurrenceAfter(2, daily);
    rememberForRecurrence(known, { startSeconds: 2 * DAY_SECONDS, count: 10, expected: 10, variance: 10 });
    const factor = recurringFactorAt(known, 2 * DAY_SECONDS + NINE);
    assert.ok(factor > 6 && factor < 13, `somewhat larger than it was: ${factor}`);
    assert.equal(recurringFactorAt(known, 2 * DAY_SECONDS + NINE + 3600), 1);
  });

  it('may miss one day of three, and is forgotten after two more', () => {
    const missed = recurrenceAfter(3, (day, minute) => (day !== 1 && atNine(minute) ? 6 : 1));
    rememberForRecurrence(missed, { startSeconds: 3 * DAY_SECONDS, count: 10, expected: 10, variance: 10 });
    assert.ok(recurringFactorAt(missed, 3 * DAY_SECONDS + NINE) > 6);
    const gone = recurrenceAfter(5, (day, minute) => (day < 2 && atNine(minute) ? 6 : 1));
    rememberForRecurrence(gone, { startSeconds: 5 * DAY_SECONDS, count: 10, expected: 10, variance: 10 });
    assert.equal(recurringFactorAt(gone, 5 * DAY_SECONDS + NINE), 1);
  });

  it('costs a code that has none next to nothing to remember', () => {
    assert.ok(JSON.stringify(recurrenceAfter(5, () => 1)).length < 200);
  });
});

describe('short bursts', () => {
  /** `days` in which `perDay` bursts of `minutes` minutes reach eight standard deviations. */
  function burstsAfter(days: number, perDay: number, minutes: number) {
    const bursts = createBursts();
    for (let minute = 0; minute < days * 1440; minute += 1) {
      learnBursts(bursts, minute * 60, 60, minute % Math.floor(1440 / perDay) < minutes ? 8 : 0);
    }
    return bursts;
  }

  it('limit what a bucket counts only on a code that has them several times a day', () => {
    assert.equal(limitOf(createBursts(), 60), Number.POSITIVE_INFINITY);
    assert.equal(limitOf(burstsAfter(7, 0.5, 2), 60), Number.POSITIVE_INFINITY);
    assert.equal(limitOf(burstsAfter(7, 6, 2), 60), 2);
    assert.ok(Math.abs(limitOf(burstsAfter(7, 6, 2), 10) - 2 / Math.sqrt(6)) < 1e-9, 'by the minute, whatever the bucket');
  });

  it('are not those that last: a surge of twenty minutes every few hours limits nothing', () => {
    assert.equal(limitOf(burstsAfter(7, 6, 20), 60), Number.POSITIVE_INFINITY);
  });
});

describe('novelty', () => {
  it('is how many times the worst of the last weeks it is, over a quarter, an hour or four', () => {
    const novelty = createNovelty();
    for (let minute = 0; minute < 1440; minute += 1) rememberForNovelty(novelty, minute * 60, minute === 700 ? 100 : 1);
    assert.ok(noveltyOf(novelty) < 0.9);
    rememberForNovelty(novelty, DAY_SECONDS, 90);
    assert.ok(noveltyOf(novelty) < 1, 'it was worse yesterday');
    rememberForNovelty(novelty, DAY_SECONDS + 60, 60);
    assert.ok(noveltyOf(novelty) > 1.2, 'it has never been as bad');
  });
});
