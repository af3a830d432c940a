import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCodeState, expectedAt, serialise, settingsFor, step } from '../../../src/detect/detector.ts';
import { MONDAY_SECONDS, runSeries } from '../../fixtures/detect/run-series.ts';
import { createDice } from '../../fixtures/detect/seeded-counts.ts';

const MINUTE = settingsFor({ bucketSeconds: 60 });
const DAY = 1440;
const SEEDS = [1, 2, 3, 4, 5, 6];
const PER_MINUTE = 10;

/** Two quiet days, then from `BUSY_FROM` on `times` as many errors for `minutes`, then quiet to the end of the third day. */
const BUSY_FROM = 2 * DAY + 300;
function busyDay(times: number, minutes: number, seed: number): readonly number[] {
  const dice = createDice(seed);
  return Array.from({ length: 3 * DAY }, (_, index) => {
    const isBusy = index >= BUSY_FROM && index < BUSY_FROM + minutes;
    return dice.poisson(PER_MINUTE * (isBusy ? times : 1));
  });
}
const trafficTimes = (times: number, minutes: number) => (index: number) =>
  index >= BUSY_FROM && index < BUSY_FROM + minutes ? times : 1;

describe('with a traffic factor', () => {
  it('errors that triple with the traffic open nothing, and without it they do', () => {
    for (const seed of SEEDS) {
      const counts = busyDay(3, 120, seed);
      assert.deepEqual(runSeries(MINUTE, counts, { trafficFactorOf: trafficTimes(3, 120) }).transitions, [], `seed ${seed}`);
      assert.equal(runSeries(MINUTE, counts).opens.length, 1, `seed ${seed}, traffic unknown`);
    }
  });

  it('neither five hours of tripled traffic nor most of a day of 1.4 times raise what is expected of plain traffic', () => {
    for (const [times, minutes] of [
      [3, 300],
      [1.4, 1140],
    ] as const) {
      for (const seed of SEEDS) {
        const { state } = runSeries(MINUTE, busyDay(times, minutes, seed), { trafficFactorOf: trafficTimes(times, minutes) });
        const hours = Array.from({ length: 24 }, (_, hour) => MONDAY_SECONDS + (3 * DAY + hour * 60) * 60);
        const mean = hours.reduce((sum, at) => sum + (expectedAt(state, MINUTE, at) ?? 0), 0) / hours.length;
        assert.ok(Math.abs(mean - PER_MINUTE) < 0.7, `${times} times, seed ${seed}: ${mean} expected over the next day`);
      }
    }
  });

  it('hours that are busy day after day do not become part of the usual day', () => {
    const dice = createDice(9);
    const isBusy = (index: number) => index % DAY >= 600 && index % DAY < 900;
    const counts = Array.from({ length: 5 * DAY }, (_, index) => dice.poisson(PER_MINUTE * (isBusy(index) ? 1.4 : 1)));
    const { state } = runSeries(MINUTE, counts, { trafficFactorOf: (index) => (isBusy(index) ? 1.4 : 1) });
    const expected = expectedAt(state, MINUTE, MONDAY_SECONDS + (5 * DAY + 750) * 60);
    assert.ok(expected !== null && Math.abs(expected - PER_MINUTE) < 1.5, `expected ${expected}`);
  });

  it('a code that does not follow the traffic keeps its level through a flood, and opens nothing after it', () => {
    for (const seed of SEEDS) {
      const { state, transitions } = runSeries(MINUTE, busyDay(1, 60, seed), { trafficFactorOf: trafficTimes(8, 60) });
      assert.deepEqual(transitions, [], `seed ${seed}`);
      const expected = expectedAt(state, MINUTE, MONDAY_SECONDS + 3 * DAY * 60);
      assert.ok(expected !== null && Math.abs(expected - PER_MINUTE) < 1, `seed ${seed}: expected ${expected}`);
    }
  });

  it('a tenfold rise at twice the traffic opens a spike, with the expectation of that traffic', () => {
    for (const seed of SEEDS) {
      const { opens } = runSeries(MINUTE, busyDay(10, 20, seed), { trafficFactorOf: trafficTimes(2, 20) });
      assert.equal(opens.length, 1, `seed ${seed}`);
      const [open] = opens;
      assert.ok(open !== undefined && open.ratio > 3.5 && open.ratio < 7, `seed ${seed}: ratio ${open?.ratio}`);
    }
  });

  it('as many errors as ever at a quarter of the traffic open a spike: a larger share of requests fails', () => {
    for (const seed of SEEDS) {
      const { opens } = runSeries(MINUTE, busyDay(1, 60, seed), { trafficFactorOf: trafficTimes(0.25, 60) });
      assert.equal(opens.length, 1, `seed ${seed}`);
    }
  });

  it('the expectation of a moment scales with it', () => {
    const { state } = runSeries(MINUTE, busyDay(1, 0, 1));
    const at = MONDAY_SECONDS + 3 * DAY * 60;
    assert.equal(expectedAt(state, MINUTE, at, 2), (expectedAt(state, MINUTE, at) ?? 0) * 2);
  });

  it('that was always 1 the state keeps no factors, and otherwise an hour of them', () => {
    const counts = busyDay(3, 120, 1);
    const plain = runSeries(MINUTE, counts, { trafficFactorOf: () => 1 }).state;
    assert.deepEqual(plain.recent.trafficFactors, []);
    const without = serialise(plain);
    const withFactors = serialise(runSeries(MINUTE, counts, { trafficFactorOf: (index) => 1 + (index % 7) / 31 }).state);
    assert.ok(withFactors.length < without.length + 700, `${withFactors.length - without.length} characters more`);
  });

  it('that is not a number above 0 the bucket is refused and nothing has changed', () => {
    const state = createCodeState(MINUTE);
    for (const factor of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => step(state, MINUTE, MONDAY_SECONDS, 1, factor), RangeError);
    }
    assert.equal(serialise(state), serialise(createCodeState(MINUTE)));
  });
});
