import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gradeAlerts } from '../../bench/detect/grade.ts';
import { createSpanCollector, type Span } from '../../bench/detect/spans.ts';
import { podByK, summarise } from '../../bench/detect/summary.ts';
import type { Truth, TruthEvent, TruthNuisance } from '../../fixtures/worlds/truth.ts';

const DAY = 86_400;
const FROM_DAY = 3;
/** Noon of the first graded day. */
const NOON = 3 * DAY + DAY / 2;
const MINUTE = 60;

function surge(over: Partial<TruthEvent> = {}): TruthEvent {
  return { kind: 'box', start: NOON, end: NOON + 10 * MINUTE, k: 8, minutes: 10, ratio: 4, material: true, ...over };
}

/** One series of ten days in buckets of a minute. */
function grade(events: readonly TruthEvent[], spans: readonly Span[], nuisances: readonly TruthNuisance[] = []) {
  const series = { PAYMENT_DECLINED: { params: { mean: 5 }, events, nuisances } };
  const truth: Truth = { bucket: MINUTE, start: 0, end: 10 * DAY, suite: 'test', series };
  return gradeAlerts(truth, new Map([['PAYMENT_DECLINED', spans]]), FROM_DAY);
}

describe('an alert', () => {
  it('that opens in a surge detects it; delay and resolve are counted in buckets from its start and its end', () => {
    const { events, falseAlarms, realerts } = grade([surge()], [{ open: NOON + 2 * MINUTE, close: NOON + 14 * MINUTE }]);
    assert.deepEqual(
      events.map(({ isHit, delay, resolve }) => ({ isHit, delay, resolve })),
      [{ isHit: true, delay: 2, resolve: 4 }],
    );
    assert.equal(falseAlarms + realerts, 0);
  });

  it('counts up to five minutes after the end of the surge, and later as a re-alert but never as a false alarm', () => {
    const justInTime = grade([surge()], [{ open: NOON + 14 * MINUTE, close: NOON + 20 * MINUTE }]);
    assert.equal(justInTime.events[0]?.isHit, true);
    const late = grade([surge()], [{ open: NOON + 15 * MINUTE, close: NOON + 20 * MINUTE }]);
    assert.equal(late.events[0]?.isHit, false);
    assert.deepEqual([late.realerts, late.falseAlarms], [1, 0]);
    const tooLate = grade([surge()], [{ open: NOON + 25 * MINUTE, close: NOON + 30 * MINUTE }]);
    assert.deepEqual([tooLate.realerts, tooLate.falseAlarms], [0, 1]);
  });

  it('that was open before the surge detects nothing: the surge is masked', () => {
    const { events } = grade([surge()], [{ open: NOON - 30 * MINUTE, close: null }]);
    assert.deepEqual(
      events.map(({ isHit, isMasked }) => ({ isHit, isMasked })),
      [{ isHit: false, isMasked: true }],
    );
  });

  it('that opens again in the same surge is a re-alert, and the last one of them says when it resolved', () => {
    const spans = [
      { open: NOON, close: NOON + 3 * MINUTE },
      { open: NOON + 5 * MINUTE, close: NOON + 9 * MINUTE },
    ];
    const graded = grade([surge()], spans);
    assert.equal(graded.realerts, 1);
    assert.equal(graded.events[0]?.resolve, -1);
    assert.equal(summarise(graded).all.early, 1);
  });

  it('of a step must come within the first hour; for a day after it nothing is a false alarm', () => {
    const step = surge({ kind: 'step', end: NOON + DAY, minutes: 1440 });
    const inTime = grade([step], [{ open: NOON + 59 * MINUTE, close: null }]);
    assert.equal(inTime.events[0]?.isHit, true);
    const late = grade([step], [{ open: NOON + 60 * MINUTE, close: null }]);
    assert.equal(late.events[0]?.isHit, false);
    assert.equal(late.falseAlarms, 0);
    assert.equal(grade([step], [{ open: NOON + DAY, close: null }]).falseAlarms, 1);
  });

  it('outside every surge is false: after day 3 a false alarm, before it one of the cold start', () => {
    const spans = [
      { open: DAY, close: DAY + MINUTE },
      { open: NOON, close: NOON + MINUTE },
    ];
    const graded = grade([], spans);
    assert.deepEqual([graded.falseAlarms, graded.falseAlarmsCold], [1, 1]);
    const { falseAlarmRate, coldFalseAlarmRate } = summarise(graded);
    assert.deepEqual([falseAlarmRate, coldFalseAlarmRate], [1 / 7, 1 / 3]);
  });

  it('in a gap or soon after is false and named; in a blip or a daily burst it is forgiven and counted apart', () => {
    const span = [{ open: NOON + 12 * MINUTE, close: NOON + 20 * MINUTE }];
    const at = { start: NOON, end: NOON + 3 * MINUTE };
    const gap = grade([], span, [{ kind: 'gap', ...at }]);
    assert.deepEqual([gap.falseAlarms, gap.falseAlarmsAtTroubles], [1, 1]);
    const blip = grade([], span, [{ kind: 'blip', ...at }]);
    assert.deepEqual([blip.falseAlarms, blip.blips], [0, { alerted: 1, total: 1 }]);
    const cron = (occurrence: number) => grade([], span, [{ kind: 'cron', ...at, occurrence }]).cron;
    assert.deepEqual(
      [cron(3), cron(4)],
      [
        { alerted: 0, total: 0 },
        { alerted: 1, total: 1 },
      ],
    );
  });
});

describe('the figures', () => {
  it('give full worth to a catch in the first bucket, 1/e after a quarter of an hour, and take 100 for a false alarm a day', () => {
    assert.equal(summarise(grade([surge()], [{ open: NOON, close: NOON + 10 * MINUTE }])).utility, 100);
    const late = summarise(
      grade([surge({ end: NOON + 60 * MINUTE })], [{ open: NOON + 15 * MINUTE, close: NOON + 60 * MINUTE }]),
    );
    assert.ok(Math.abs(late.utility - 100 / Math.E) < 1e-9);
    const falsely = [
      { open: NOON, close: NOON + 10 * MINUTE },
      { open: 5 * DAY, close: 5 * DAY + MINUTE },
    ];
    assert.ok(Math.abs(summarise(grade([surge()], falsely)).utility - (100 - 100 / 7)) < 1e-9);
  });

  it('leave out what is not material, and steps where they go by size', () => {
    const events = [
      surge(),
      surge({ start: NOON + DAY, end: NOON + DAY + 600, material: false }),
      surge({ kind: 'step', start: NOON + 2 * DAY, end: NOON + 3 * DAY }),
    ];
    const graded = grade(events, [{ open: NOON, close: NOON + 600 }]);
    assert.equal(summarise(graded).all.pod, 1 / 2);
    assert.equal(podByK(graded, 6, 8.5), 1);
  });
});

describe('spans', () => {
  it('begin with an opening and end with a closing; repeats change nothing', () => {
    const { note, spans } = createSpanCollector();
    note('A', 1, false);
    note('A', 2, true);
    note('A', 3, true);
    note('A', 4, false);
    note('A', 5, false);
    note('A', 6, true);
    assert.deepEqual(spans.get('A'), [
      { open: 2, close: 4 },
      { open: 6, close: null },
    ]);
  });
});
