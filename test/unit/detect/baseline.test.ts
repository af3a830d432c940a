import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createBacklog, isPile } from '../../../src/detect/backlog.ts';
import { createCalibration, learnCalibration, scaleOf } from '../../../src/detect/calibration.ts';
import { correctDeviation, createDeviation, predictDeviation } from '../../../src/detect/deviation.ts';
import { createDispersion, learnDispersion, phiOf, timeConstantOf, wanderOf } from '../../../src/detect/dispersion.ts';
import { createLevel, estimateLevel, learnLevel } from '../../../src/detect/level.ts';
import { createSeason, learnSeason, seasonFactorAt } from '../../../src/detect/season.ts';
import { MONDAY_SECONDS } from '../../fixtures/detect/run-series.ts';
import { createDice } from '../../fixtures/detect/seeded-counts.ts';

const DAY_SECONDS = 86_400;
const BUCKET_SECONDS = 60;

describe('the level', () => {
  /** A fortnight at `weekday` errors a minute from Monday to Friday and `weekend` on the other days. */
  function fortnight(weekday: number, weekend: number): ReturnType<typeof createLevel> {
    const level = createLevel();
    for (let minute = 0; minute < 14 * 1440; minute += 1) {
      const isWeekday = Math.floor(minute / 1440) % 7 < 5;
      const startSeconds = MONDAY_SECONDS + minute * BUCKET_SECONDS;
      learnLevel(level, { startSeconds, bucketSeconds: BUCKET_SECONDS, count: isWeekday ? weekday : weekend, exposure: 1 });
    }
    return level;
  }

  it('tells weekdays from weekends, and blends the two around midnight', () => {
    const level = fortnight(100, 40);
    const at = (hours: number) => estimateLevel(level, MONDAY_SECONDS + hours * 3600, BUCKET_SECONDS, 1);
    const wednesday = at(2 * 24 + 12);
    const saturday = at(5 * 24 + 12);
    const midnight = at(5 * 24);
    assert.ok(wednesday !== null && saturday !== null && midnight !== null);
    assert.ok(wednesday.value > 88 && wednesday.value <= 101, `Wednesday ${wednesday.value}`);
    assert.ok(saturday.value < 52 && saturday.value >= 39, `Saturday ${saturday.value}`);
    assert.ok(midnight.value > saturday.value && midnight.value < wednesday.value);
    assert.ok(midnight.uncertainty > 10 * wednesday.uncertainty, 'which of the two it is, is not certain then');
  });

  it('leaves a weekend its own once it has had one, however far from the weekdays it is', () => {
    const saturday = estimateLevel(fortnight(300, 3), MONDAY_SECONDS + (5 * 24 + 12) * 3600, BUCKET_SECONDS, 1);
    assert.ok(saturday !== null && saturday.value < 3.1, `Saturday ${saturday?.value}`);
  });

  it('is unknown before anything was learnt, and surer the more errors it was learnt from', () => {
    assert.equal(estimateLevel(createLevel(), MONDAY_SECONDS, BUCKET_SECONDS, 1), null);
    const rare = estimateLevel(fortnight(0.01, 0.01), MONDAY_SECONDS, BUCKET_SECONDS, 1);
    const busy = estimateLevel(fortnight(10, 10), MONDAY_SECONDS, BUCKET_SECONDS, 1);
    assert.ok(rare !== null && busy !== null && rare.uncertainty > 100 * busy.uncertainty);
  });
});

describe('the season', () => {
  it('learns the shape of a busy day, and stays flat for a code too rare to show one', () => {
    for (const [mean, isLearnt] of [
      [50, true],
      [0.001, false],
    ] as const) {
      const season = createSeason();
      for (let minute = 0; minute < 7 * 1440; minute += 1) {
        const startSeconds = MONDAY_SECONDS + minute * BUCKET_SECONDS;
        const count = mean * (1 + 0.8 * Math.sin((2 * Math.PI * minute) / 1440));
        learnSeason(season, { startSeconds, bucketSeconds: BUCKET_SECONDS, count, levelExpected: mean, phi: 1 });
      }
      const morning = seasonFactorAt(season, MONDAY_SECONDS + 7 * DAY_SECONDS + 6 * 3600);
      const evening = seasonFactorAt(season, MONDAY_SECONDS + 7 * DAY_SECONDS + 18 * 3600);
      if (isLearnt) assert.ok(morning > 1.7 && evening < 0.3, `${morning} and ${evening}`);
      else assert.ok(morning < 1.3 && evening > 0.7, `${morning} and ${evening}`);
      const mean24 = season.factors.reduce((sum, factor) => sum + factor, 0) / season.factors.length;
      assert.ok(Math.abs(mean24 - 1) < 1e-3);
    }
  });
});

describe('the dispersion', () => {
  it('finds how restless a code is from its counts', () => {
    for (const phi of [1, 2, 4]) {
      const dice = createDice(phi);
      const dispersion = createDispersion();
      for (let minute = 0; minute < 5 * 1440; minute += 1) {
        learnDispersion(dispersion, { count: dice.negativeBinomial(20, phi), expected: 20, bucketSeconds: BUCKET_SECONDS });
      }
      assert.ok(Math.abs(phiOf(dispersion) / phi - 1) < 0.15, `phi ${phi}: ${phiOf(dispersion)}`);
      assert.ok(wanderOf(dispersion) < 0.01, `a steady rate does not wander: ${wanderOf(dispersion)}`);
    }
  });

  it('tells a rate that wanders by a fifth from one that does not', () => {
    const dice = createDice(9);
    const dispersion = createDispersion();
    for (let minute = 0; minute < 7 * 1440; minute += 1) {
      const rate = 200 * (1 + 0.2 * Math.SQRT2 * Math.sin((2 * Math.PI * minute) / 400));
      learnDispersion(dispersion, { count: dice.poisson(rate), expected: 200, bucketSeconds: BUCKET_SECONDS });
    }
    assert.ok(Math.abs(Math.sqrt(wanderOf(dispersion)) - 0.2) < 0.04, `s = ${Math.sqrt(wanderOf(dispersion))}`);
  });
});

describe('the deviation', () => {
  it('follows a rate that has risen by half within two hours, and forgets it unseen', () => {
    const deviation = createDeviation();
    for (let minute = 0; minute < 120; minute += 1) {
      predictDeviation(deviation, { wander: 0.04, timeConstantSeconds: 5400, seconds: BUCKET_SECONDS });
      correctDeviation(deviation, { count: 150, expected: 100, phi: 1 });
    }
    assert.ok(deviation.value > 0.4 && deviation.value < 0.55, `d = ${deviation.value}`);
    predictDeviation(deviation, { wander: 0.04, timeConstantSeconds: 5400, seconds: 6 * 3600 });
    assert.ok(Math.abs(deviation.value) < 0.02);
    assert.ok(Math.abs(deviation.variance - 0.04) < 0.001, 'and is then as uncertain as at first');
  });

  it('is pulled no further by a bucket of a thousand times the rate than by a clipped one', () => {
    const deviation = createDeviation();
    predictDeviation(deviation, { wander: 0.04, timeConstantSeconds: 5400, seconds: BUCKET_SECONDS });
    correctDeviation(deviation, { count: 100_000, expected: 100, phi: 1 });
    assert.ok(deviation.value < 0.1, `d = ${deviation.value}`);
  });
});

describe('the calibration', () => {
  it('divides by the root mean square of past surprises, and never by less than 1', () => {
    const wild = createCalibration(1);
    const calm = createCalibration(1);
    for (let minute = 0; minute < 7 * 1440; minute += 1) {
      learnCalibration(wild, [minute % 2 === 0 ? 2 : -2], BUCKET_SECONDS);
      learnCalibration(calm, [0.2], BUCKET_SECONDS);
    }
    assert.ok(Math.abs(scaleOf(wild, 0) - 2) < 0.1, `${scaleOf(wild, 0)}`);
    assert.equal(scaleOf(calm, 0), 1);
  });
});

describe('a backlog', () => {
  const bucket = (nth: number, count: number) => ({
    startSeconds: nth * BUCKET_SECONDS,
    bucketSeconds: BUCKET_SECONDS,
    count,
    expected: 10,
  });

  it('explains up to twice what the gap held back, and nothing without a gap', () => {
    assert.equal(isPile(createBacklog(), bucket(0, 100)), false);
    assert.equal(isPile({ ...createBacklog(), gapBucketCount: 5 }, bucket(0, 2 * 10 * 6 + 3)), true);
    assert.equal(isPile({ ...createBacklog(), gapBucketCount: 5 }, bucket(0, 2 * 10 * 6 + 4)), false);
  });

  it('may come in two buckets, both together no larger, and is over with the first bucket as usual', () => {
    const backlog = { ...createBacklog(), gapBucketCount: 5 };
    assert.equal(isPile(backlog, bucket(0, 60)), true);
    assert.equal(isPile(backlog, bucket(1, 60)), true);
    assert.equal(isPile(backlog, bucket(2, 60)), false, 'the gap cannot have piled up that much');
    const drained = { ...createBacklog(), gapBucketCount: 5 };
    assert.equal(isPile(drained, bucket(0, 60)), true);
    assert.equal(isPile(drained, bucket(1, 12)), false);
    assert.equal(isPile(drained, bucket(2, 60)), false);
  });
});

describe('the pace at which a rate wanders', () => {
  it('is told from how alike successive twenty minutes are', () => {
    for (const [periodMinutes, seconds] of [
      [75, 1200],
      [600, 5400],
    ] as const) {
      const dispersion = createDispersion();
      for (let minute = 0; minute < 7 * 1440; minute += 1) {
        const rate = 400 * (1 + 0.2 * Math.SQRT2 * Math.sin((2 * Math.PI * minute) / periodMinutes));
        learnDispersion(dispersion, { count: rate, expected: 400, bucketSeconds: BUCKET_SECONDS });
      }
      assert.equal(timeConstantOf(dispersion), seconds, `a period of ${periodMinutes} minutes`);
    }
  });

  it('is presumed slow until it has shown itself', () => {
    assert.equal(timeConstantOf(createDispersion()), 5400);
  });
});
