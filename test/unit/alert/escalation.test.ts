/** When a warning becomes critical as well, and when it stays what it is. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { escalationsOf, type Lately, latelyOf, toldAs } from '../../../src/alert/escalation.ts';
import type { SpikeRecord } from '../../../src/alert/spike.ts';
import { spikeRecord } from '../../support/spike-record.ts';

const OPENED = Date.UTC(2026, 10, 24, 14, 3);
const UNTIL = OPENED + 310_000;
const CODE = 'PAYMENT_FAILED';
const labels = { alertname: 'ApiErrorSpike', code: CODE, status: '402', severity: 'warning' };

/** Opened with five times the expected. */
const warning = (parts: Partial<SpikeRecord> = {}) =>
  spikeRecord({ code: CODE, labels, openedAtMs: OPENED, observed: 50, expected: 10, ...parts });
/** Forty are expected in four minutes and ten in the last. */
const seen = (earlierFactor: number, lastFactor: number): Lately => ({
  earlier: { observed: 40 * earlierFactor, expected: 40 },
  last: { observed: 10 * lastFactor, expected: 10 },
});
const escalated = (spike: SpikeRecord, lately: Lately, untilMs = UNTIL, key = spike.code) =>
  escalationsOf([spike], new Map([[key, lately]]), untilMs);

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
    const [change] = escalated(spike, seen(20, 20), UNTIL, 'VALIDATION_ERROR email REQUIRED');
    assert.deepEqual(change?.kind === 'escalate' && change.pair, pair);
    assert.deepEqual(escalated(spike, seen(20, 20), UNTIL, 'VALIDATION_ERROR'), []);
  });
});

describe('a warning stays one', () => {
  const stays: readonly (readonly [why: string, spike: SpikeRecord, lately: Lately, untilMs?: number])[] = [
    ['while it is less than four times as bad', warning(), seen(19.9, 19.9)],
    ['while it is below ten times the expected, however small it was', warning({ observed: 15 }), seen(9.9, 9.9)],
    ['when the last minute is calmer', warning(), seen(20, 19.9)],
    ['when one burst of seconds, however large, is all there was', warning(), seen(5, 1000)],
    ['until five minutes have passed since the bucket that opened it', warning(), seen(20, 20), UNTIL - 10_000],
    ['when it is over', warning({ closedAtMs: UNTIL - 60_000 }), seen(20, 20)],
    ['when the spike of all codes tells of it', warning({ coveredBy: '9' }), seen(20, 20)],
    ['when little is expected of it, and nothing was', warning({ observed: 3, expected: 0 }), seen(20, 20)],
  ];
  for (const [why, spike, lately, untilMs] of stays) {
    test(why, () => assert.deepEqual(escalated(spike, lately, untilMs), []));
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

test('the minutes that decide are four and the one after them, of each series that is open', () => {
  const asked: (readonly [string, number, number])[] = [];
  const sumOf = (key: string, fromSeconds: number, toSeconds: number) => {
    asked.push([key, fromSeconds, toSeconds]);
    return key === 'UNKNOWN' ? null : { observed: toSeconds - fromSeconds, expected: 1 };
  };
  const lately = latelyOf({ openCodes: () => ['A', 'UNKNOWN'], sumOf }, 1000);
  assert.deepEqual([...lately], [['A', { earlier: { observed: 240, expected: 1 }, last: { observed: 60, expected: 1 } }]]);
  assert.deepEqual(asked.slice(0, 2), [
    ['A', 700, 940],
    ['A', 940, 1000],
  ]);
});

test('what got worse is told twice, alike but for its severity; what did not, once', () => {
  const spike = warning();
  assert.deepEqual(toldAs(spike), [spike]);
  const worse = warning({ escalation: { atMs: UNTIL, observed: 1000, expected: 50, windowSeconds: 300 } });
  const [first, second, ...others] = toldAs(worse);
  assert.deepEqual([first, others], [worse, []]);
  assert.deepEqual(second, { ...worse, labels: { ...labels, severity: 'critical' } });
});
