/** When a warning becomes critical as well, and when it stays what it is. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { escalationsOf, type Lately, latelyOf, toldAs } from '../../../src/alert/escalation.ts';
import type { SpikeRecord } from '../../../src/alert/spike.ts';
import type { Transition } from '../../../src/detect/detector.ts';
import { spikeRecord } from '../../support/spike-record.ts';

const OPENED = Date.UTC(2026, 10, 24, 14, 3);
const UNTIL = OPENED + 610_000;
const CODE = 'PAYMENT_FAILED';
const labels = { alertname: 'ApiErrorSpike', code: CODE, status: '402', severity: 'warning' };

/** Opened with five times the expected. */
const warning = (parts: Partial<SpikeRecord> = {}) =>
  spikeRecord({ code: CODE, labels, openedAtMs: OPENED, observed: 50, expected: 10, ...parts });
/** Forty are expected in four minutes and ten in the last. */
const seen = (earlierFactor: number, lastFactor: number, lowestFactor = 1): Lately => ({
  lowestFactor,
  earlier: { observed: 40 * earlierFactor, expected: 40 },
  last: { observed: 10 * lastFactor, expected: 10 },
});
const escalated = (spike: SpikeRecord, lately: Lately, key = spike.code) =>
  escalationsOf([spike], new Map([[key, lately]]), UNTIL);

describe('a warning that is four times as bad as it was told', () => {
  test('is critical, with what was seen in the five minutes that decided it', () => {
    assert.deepEqual(escalated(warning(), seen(20, 20)), [
      {
        kind: 'escalate',
        of: 'surge',
        code: CODE,
        pair: null,
        escalation: { atMs: UNTIL, observed: 1000, expected: 50, windowSeconds: 300 },
      },
    ]);
  });
  test('is critical for the field alone, when it is a field', () => {
    const pair = { field: 'email', code: 'REQUIRED' };
    const spike = warning({ code: 'VALIDATION_ERROR', pair });
    const [change] = escalated(spike, seen(20, 20), 'VALIDATION_ERROR email REQUIRED');
    assert.deepEqual(change?.kind === 'escalate' && change.pair, pair);
    assert.deepEqual(escalated(spike, seen(20, 20), 'VALIDATION_ERROR'), []);
  });
});

describe('a warning stays one', () => {
  const stays: readonly (readonly [why: string, spike: SpikeRecord, lately: Lately])[] = [
    ['while it is less than four times as bad', warning(), seen(19.9, 19.9)],
    ['while it is below ten times the expected, however small it was', warning({ observed: 15 }), seen(9.9, 9.9)],
    ['when the last minute is calmer', warning(), seen(20, 19.9)],
    ['when one burst of seconds, however large, is all there was', warning(), seen(5, 1000)],
    ['while it is less than four times the calmest it has been since', warning(), seen(23.9, 23.9, 6)],
    ['when it is over', warning({ closedAtMs: UNTIL - 60_000 }), seen(20, 20)],
    ['when the spike of all codes tells of it', warning({ coveredBy: '9' }), seen(20, 20)],
    ['when little is expected of it, and nothing was', warning({ observed: 3, expected: 0 }), seen(20, 20)],
  ];
  for (const [why, spike, lately] of stays) {
    test(why, () => assert.deepEqual(escalated(spike, lately), []));
  }
  test('and is told once, however bad it gets after', () => {
    const escalation = { atMs: UNTIL, observed: 1000, expected: 50, windowSeconds: 300 };
    assert.deepEqual(escalated(warning({ escalation }), seen(100, 100)), []);
  });
  test('when it is of another kind', () => {
    assert.deepEqual(escalated(warning({ kind: 'returning_code' }), seen(20, 20)), []);
    assert.deepEqual(escalated(warning({ labels: { ...labels, severity: 'critical' } }), seen(20, 20)), []);
  });
  test('when nothing is known of its last minutes', () => {
    assert.deepEqual(escalationsOf([warning()], new Map(), UNTIL), []);
  });
});

describe('the minutes that decide', () => {
  const END = 10_000;
  const opening = (bucketStartSeconds: number): Transition => ({
    event: 'open',
    bucketStartSeconds,
    startsAtSeconds: bucketStartSeconds,
    observed: 9,
    expected: 1,
    ratio: 9,
    windowSeconds: 10,
    score: 9,
  });
  /** One error a second is expected, and three times as many come; but in those five minutes only twice as many. */
  const statesOf = (openedSeconds: number | null, calmFromSeconds = 0) => ({
    openCodes: () => ['A'],
    lastOpening: () => (openedSeconds === null ? null : opening(openedSeconds)),
    sumOf: (_key: string, fromSeconds: number, toSeconds: number) => {
      const expected = toSeconds - fromSeconds;
      return { observed: expected * (fromSeconds === calmFromSeconds ? 2 : 3), expected };
    },
  });
  test('are four, the one after them, and the calmest five between the opening and them', () => {
    const lately = latelyOf(statesOf(END - 1510, END - 1200), END);
    assert.deepEqual(lately.get('A'), {
      earlier: { observed: 720, expected: 240 },
      last: { observed: 180, expected: 60 },
      lowestFactor: 2,
    });
    assert.equal(latelyOf(statesOf(END - 1500, END - 1500), END).get('A')?.lowestFactor, 3, 'not those that hold the opening');
    assert.equal(latelyOf(statesOf(0, END - 3900), END).get('A')?.lowestFactor, 3, 'nor those that are forgotten');
  });
  test('are not over until ten minutes after the bucket that opened it', () => {
    assert.equal(latelyOf(statesOf(END - 610), END).size, 1);
    assert.equal(latelyOf(statesOf(END - 600), END).size, 0);
    assert.equal(latelyOf(statesOf(null), END).size, 0);
  });
  test('are unknown when they were not collected', () => {
    assert.equal(latelyOf({ ...statesOf(0), sumOf: () => null }, END).size, 0);
  });
});

test('what got worse is told twice, alike but for its severity; what did not, once', () => {
  const spike = warning();
  assert.deepEqual(toldAs(spike), [spike]);
  const worse = warning({ escalation: { atMs: UNTIL, observed: 1000, expected: 50, windowSeconds: 300 } });
  const [first, second, ...others] = toldAs(worse);
  assert.deepEqual([first, others], [worse, []]);
  assert.deepEqual(second, { ...worse, labels: { ...labels, severity: 'critical' } });
});
