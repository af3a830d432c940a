import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  createTraffic,
  factorAt,
  readTraffic,
  recallTraffic,
  type Traffic,
  type TrafficPoint,
} from '../../../src/detect/traffic.ts';
import { MONDAY_SECONDS } from '../../fixtures/detect/run-series.ts';

const DAY_SECONDS = 86_400;
const MINUTE = 60;

/** 100 requests a second on average, four times as many at noon as at midnight. */
function usualDay(atSeconds: number): number {
  return 100 * (1 - 0.6 * Math.cos((2 * Math.PI * (atSeconds % DAY_SECONDS)) / DAY_SECONDS));
}

function readDays(traffic: Traffic, days: number, times: (atSeconds: number) => number = () => 1): readonly TrafficPoint[] {
  const from = traffic.lastAtSeconds === null ? MONDAY_SECONDS : traffic.lastAtSeconds + MINUTE;
  return Array.from({ length: (days * DAY_SECONDS) / MINUTE }, (_, index) => {
    const at = from + index * MINUTE;
    return readTraffic(traffic, at, usualDay(at) * times(at));
  });
}

describe('the traffic factor', () => {
  it('is 1 through the first day, whatever its shape, and stays near 1 while days are alike', () => {
    const points = readDays(createTraffic(), 6);
    for (const { atSeconds, factor, usualPerSecond } of points) {
      const isFirstDay = atSeconds < MONDAY_SECONDS + DAY_SECONDS - MINUTE;
      if (isFirstDay) assert.deepEqual([factor, usualPerSecond], [1, null]);
      // The level needs its weekend: Saturday and Sunday are included here and alike.
      else assert.ok(factor > 0.85 && factor < 1.15, `${(atSeconds - MONDAY_SECONDS) / 3600} h: ${factor}`);
    }
  });

  it('begins its first day again after a hole of hours in it, which would pass for hours without traffic', () => {
    const traffic = createTraffic();
    const at = (hour: number) => MONDAY_SECONDS + hour * 3600;
    const hours = [...Array.from({ length: 10 }, (_, hour) => hour), ...Array.from({ length: 28 }, (_, hour) => hour + 14)];
    const points = hours.flatMap((hour) =>
      Array.from({ length: 60 }, (_, minute) => readTraffic(traffic, at(hour) + minute * MINUTE, usualDay(at(hour)))),
    );
    for (const { atSeconds, factor, usualPerSecond } of points) {
      const isKnown = atSeconds >= at(14 + 24);
      assert.equal(usualPerSecond !== null, isKnown, `${(atSeconds - MONDAY_SECONDS) / 3600} h`);
      assert.ok(factor > 0.85 && factor < 1.15, `${(atSeconds - MONDAY_SECONDS) / 3600} h: ${factor}`);
    }
  });

  it('follows an hour of tripled and one of halved traffic, and is back at 1 afterwards and a day later', () => {
    const traffic = createTraffic();
    readDays(traffic, 3);
    const noon = MONDAY_SECONDS + 3.5 * DAY_SECONDS;
    const isIn = (at: number, hour: number) => at >= noon + hour * 3600 && at < noon + (hour + 1) * 3600;
    const points = readDays(traffic, 2, (at) => (isIn(at, 0) ? 3 : isIn(at, 2) ? 0.5 : 1));
    for (const { atSeconds, factor } of points) {
      const wanted = isIn(atSeconds, 0) ? 3 : isIn(atSeconds, 2) ? 0.5 : 1;
      assert.ok(Math.abs(factor / wanted - 1) < 0.2, `${(atSeconds - noon) / 3600} h from noon: ${factor}`);
    }
  });

  it('tells what is usual at that time of day', () => {
    const traffic = createTraffic();
    readDays(traffic, 3);
    const { usualPerSecond } = readTraffic(traffic, MONDAY_SECONDS + 3.5 * DAY_SECONDS, 5);
    assert.ok(usualPerSecond !== null && Math.abs(usualPerSecond - 160) < 8, `usual ${usualPerSecond}`);
  });

  it('stays within a quarter and eight times', () => {
    const traffic = createTraffic();
    readDays(traffic, 2);
    const at = MONDAY_SECONDS + 2 * DAY_SECONDS;
    assert.equal(readTraffic(traffic, at, 0).factor, 0.25);
    assert.equal(readTraffic(traffic, at + MINUTE, 1e6).factor, 8);
  });

  it('hardly moves over a handful of requests', () => {
    const traffic = createTraffic();
    for (let index = 0; index <= DAY_SECONDS / MINUTE; index += 1) readTraffic(traffic, MONDAY_SECONDS + index * MINUTE, 0.02);
    const at = MONDAY_SECONDS + DAY_SECONDS + 2 * MINUTE;
    assert.ok(readTraffic(traffic, at, 0.1).factor < 1.2, 'six requests in a minute instead of one');
  });

  it('is the same after readings were recalled from what was stored', () => {
    const whole = createTraffic();
    const points = readDays(whole, 2, (at) => (at % 7200 < 600 ? 2 : 1));
    const recalled = createTraffic();
    for (const point of points) recallTraffic(recalled, point);
    assert.deepEqual(recalled, whole);
  });

  it('of a bucket goes back to 1 without a step once readings stop', () => {
    const newest = { atSeconds: MONDAY_SECONDS, requestsPerSecond: 300, usualPerSecond: 100, factor: 3 };
    assert.equal(factorAt(null, MONDAY_SECONDS), 1);
    assert.equal(factorAt(newest, MONDAY_SECONDS), 3);
    let before = 3;
    for (let age = 0; age <= 12 * 3600; age += 10) {
      const factor = factorAt(newest, MONDAY_SECONDS + age);
      assert.ok(factor <= before && before - factor < 0.01, `${age} s: ${before} to ${factor}`);
      before = factor;
    }
    assert.ok(before < 1.001, `after 12 hours ${before}`);
  });

  it('refuses a reading that is not later, or no number from 0 up', () => {
    const traffic = createTraffic();
    readTraffic(traffic, MONDAY_SECONDS, 1);
    assert.throws(() => readTraffic(traffic, MONDAY_SECONDS, 1), RangeError);
    for (const reading of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => readTraffic(traffic, MONDAY_SECONDS + 10, reading), RangeError);
    }
  });
});
