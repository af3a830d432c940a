import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCodeState, settingsFor, step, type Transition } from '../../../src/detect/detector.ts';
import { createDice } from '../../fixtures/detect/seeded-counts.ts';

const DAY = 1440;
const settings = settingsFor({ bucketSeconds: 60 });

/** Transitions of a code whose rate, in errors a minute, is given by minute. */
function watch(
  days: number,
  rateAt: (minute: number) => number,
  seed = 5,
): readonly (Transition & { readonly minute: number })[] {
  const dice = createDice(seed);
  const state = createCodeState(settings);
  const found: (Transition & { readonly minute: number })[] = [];
  for (let minute = 0; minute < days * DAY; minute += 1) {
    const transition = step(state, settings, minute * 60, dice.poisson(rateAt(minute)));
    if (transition !== null) found.push({ ...transition, minute });
  }
  return found;
}

const openings = (found: readonly (Transition & { readonly minute: number })[]) =>
  found.filter(({ event }) => event === 'open').map(({ minute }) => minute);

describe('a code that was never there', () => {
  it('comes up for good: one spike, one new level, and silence', () => {
    const found = watch(6, (minute) => (minute < 3 * DAY ? 0.0005 : 20));
    const after = found.filter(({ minute }) => minute >= 3 * DAY);
    assert.deepEqual(
      after.map(({ event, reason }) => reason ?? event),
      ['open', 'new_level'],
    );
  });
});

describe('a code that keeps office hours', () => {
  it('is not news on its third morning, and still is when it surges at noon', () => {
    const isOffice = (minute: number) => minute % DAY >= 8 * 60 && minute % DAY < 18 * 60;
    const noon = 4 * DAY + 12 * 60;
    const found = openings(watch(5, (minute) => (isOffice(minute) ? (minute >= noon && minute < noon + 15 ? 60 : 5) : 0)));
    const late = found.filter((minute) => minute >= 2 * DAY);
    assert.equal(late.length, 1, `opened at minutes ${found.join(', ')}`);
    assert.ok((late[0] ?? 0) >= noon && (late[0] ?? 0) < noon + 3);
  });
});

describe('a job that bursts at the same time every day', () => {
  it('alerts on two days at most, and again when it is much larger', () => {
    const burst = (minute: number) => minute % DAY >= 200 && minute % DAY < 206;
    const found = openings(watch(8, (minute) => (burst(minute) ? (minute >= 7 * DAY ? 200 : 40) : 8)));
    const late = found.filter((minute) => minute >= 2 * DAY);
    assert.equal(late.length, 1, `opened at minutes ${found.join(', ')}`);
    assert.ok((late[0] ?? 0) >= 7 * DAY);
  });
});

describe('a code with meaningless bursts of two minutes', () => {
  /** Seven a day, at times of their own. */
  const isBurst = (minute: number) => (minute * 7919) % 205 < 1 || ((minute - 1) * 7919) % 205 < 1;

  it('is left alone after its first days, and a surge that lasts is still found within minutes', () => {
    const surge = 8 * DAY + 500;
    const found = openings(watch(9, (minute) => (minute >= surge && minute < surge + 30 ? 60 : isBurst(minute) ? 150 : 20)));
    const late = found.filter((minute) => minute >= 4 * DAY);
    assert.equal(late.length, 1, `opened at minutes ${found.join(', ')}`);
    assert.ok((late[0] ?? 0) >= surge && (late[0] ?? 0) <= surge + 8);
  });
});
