import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createSeason, learnSeason, type Season, seasonFactorAt } from '../../../src/detect/season.ts';
import { createWeekend, isWeekendOther, learnWeekend, weekendDoubtAt, weekendFactorAt } from '../../../src/detect/weekend.ts';
import { MONDAY_SECONDS } from '../../fixtures/detect/run-series.ts';

const DAY_SECONDS = 86_400;
const HOUR_SECONDS = 3600;
const SATURDAY_SECONDS = MONDAY_SECONDS + 5 * DAY_SECONDS;
const OPEN = 100;
const CLOSED = 2;
const MEAN = (10 * OPEN + 14 * CLOSED) / 24;

const isOfficeHour = (hour: number) => hour >= 8 && hour < 18;
const hourOf = (seconds: number) => (seconds % DAY_SECONDS) / HOUR_SECONDS;

/** Five days, open from eight to six. */
function officeDays(): Season {
  const season = createSeason();
  for (let minute = 0; minute < 5 * 1440; minute += 1) {
    const startSeconds = MONDAY_SECONDS + minute * 60;
    const count = isOfficeHour(hourOf(startSeconds)) ? OPEN : CLOSED;
    learnSeason(season, { startSeconds, bucketSeconds: 60, count, levelExpected: MEAN, phi: 1 });
  }
  return season;
}

/** A Saturday and a Sunday that bring what `countAt` says of each hour. */
function weekendOf(season: Season, countAt: (hour: number) => number) {
  const weekend = createWeekend();
  for (let minute = 0; minute < 2 * 1440; minute += 1) {
    const startSeconds = SATURDAY_SECONDS + minute * 60;
    const exposure = seasonFactorAt(season, startSeconds);
    learnWeekend(weekend, { startSeconds, bucketSeconds: 60, count: countAt(hourOf(startSeconds)), exposure, phi: 1 });
  }
  return weekend;
}

describe('the weekend of an office', () => {
  const season = officeDays();

  it('has hours of its own once it was seen: as many errors at noon as at midnight, where weekdays have fifty times as many', () => {
    const weekend = weekendOf(season, () => CLOSED);
    assert.ok(isWeekendOther(weekend));
    const at = (hour: number) => {
      const seconds = SATURDAY_SECONDS + 7 * DAY_SECONDS + hour * HOUR_SECONDS;
      return seasonFactorAt(season, seconds) * weekendFactorAt(weekend, seconds);
    };
    const ratio = at(12.5) / at(3.5);
    assert.ok(ratio > 0.7 && ratio < 1.5, `noon over night ${ratio}`);
    assert.equal(weekendFactorAt(weekend, MONDAY_SECONDS + 12 * HOUR_SECONDS), 1);
  });

  it('is taken for a weekday, with fewer errors or as many, while it has the hours of one', () => {
    const weekend = weekendOf(season, (hour) => (isOfficeHour(hour) ? OPEN : CLOSED) / 2);
    assert.ok(!isWeekendOther(weekend));
    assert.equal(weekendFactorAt(weekend, SATURDAY_SECONDS + 12 * HOUR_SECONDS), 1);
  });

  it('is in doubt until a whole day of it was seen, most where weekdays are closed; that of a day without edges is not', () => {
    const at = (weekend: ReturnType<typeof createWeekend>, hour: number, of = season) =>
      weekendDoubtAt({ weekend, season: of }, SATURDAY_SECONDS + hour * HOUR_SECONDS);
    assert.ok(at(createWeekend(), 4) > 100 * at(createWeekend(), 12) && at(createWeekend(), 12) > 0);
    assert.equal(
      at(
        weekendOf(season, () => CLOSED),
        4,
      ),
      0,
    );
    assert.equal(at(createWeekend(), 4, createSeason()), 0);
  });
});
