import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { burstDeduction, createBursts, learnBursts } from '../../../src/detect/bursts.ts';
import { createLeftOut, walkBack } from '../../../src/detect/left-out.ts';
import { createNovelty, noveltyOf, rememberForNovelty } from '../../../src/detect/novelty.ts';
import { createRecent, rememberBucket } from '../../../src/detect/recent.ts';
import { createRecurrence, recurringFactorAt, rememberForRecurrence } from '../../../src/detect/recurrence.ts';
import { settingsFor } from '../../../src/detect/settings.ts';

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
      const surprise = minute % Math.floor(1440 / perDay) < minutes ? 8 : 0;
      learnBursts(bursts, { startSeconds: minute * 60, bucketSeconds: 60, surprise, peak: surprise });
    }
    return bursts;
  }

  it('cost nothing on a code that has one now and then, and on one that has them all day height is believed no more', () => {
    assert.equal(burstDeduction(createBursts()), 0);
    assert.equal(burstDeduction(burstsAfter(7, 0.5, 2)), 0);
    assert.equal(burstDeduction(burstsAfter(7, 6, 2)), Number.POSITIVE_INFINITY);
    const some = burstDeduction(burstsAfter(14, 1.5, 2));
    assert.ok(some > 0 && some < Number.POSITIVE_INFINITY, `in between it asks for more: ${some}`);
  });

  it('are not those that last: a surge of twenty minutes every few hours costs nothing', () => {
    assert.equal(burstDeduction(burstsAfter(7, 6, 20)), 0);
  });

  it('are left out whole of a window: its highest three minutes, gaps in between or not', () => {
    const settings = settingsFor({ bucketSeconds: 60 });
    const recent = createRecent(settings);
    for (const count of [5, 4, 30, null, 50, 20, 6, 5, 5]) rememberBucket(recent, count, 5);
    const leftOut = createLeftOut(settings);
    let walked = 0;
    for (let index = recent.bucketCount - 1; index >= 0; index -= 1) {
      walkBack(leftOut, recent, { slot: index, walked, rate: 1 });
      walked += 1;
    }
    assert.deepEqual([leftOut.observed, leftOut.baseline], [80, 10], 'the thirty and the fifty with the gap between');
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
