import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCodeState, expectedAt, isOpen, scoreOf, settingsFor, step } from '../../../src/detect/detector.ts';
import { bucketIndexOf, MONDAY_SECONDS, runSeries } from '../../fixtures/detect/run-series.ts';
import { createDice } from '../../fixtures/detect/seeded-counts.ts';

const TEN_SECONDS = settingsFor({ bucketSeconds: 10 });
const MINUTE = settingsFor({ bucketSeconds: 60 });
const HOUR_OF_TENS = 360;
const SURGE_OF_TENS = 60;
const SEEDS = Array.from({ length: 12 }, (_, index) => index + 1);

/** An hour of normal errors, ten minutes of `times` as many, an hour of normal again; 10 s buckets. */
function surgeAfterAnHour(perMinute: number, times: number, seed: number): readonly number[] {
  const dice = createDice(seed);
  return Array.from({ length: 2 * HOUR_OF_TENS + SURGE_OF_TENS }, (_, index) => {
    const isSurge = index >= HOUR_OF_TENS && index < HOUR_OF_TENS + SURGE_OF_TENS;
    return dice.poisson((perMinute / 6) * (isSurge ? times : 1));
  });
}

function noise(perBucket: number, bucketCount: number, seed: number, phi = 1): readonly number[] {
  const dice = createDice(seed);
  return Array.from({ length: bucketCount }, () => dice.negativeBinomial(perBucket, phi));
}

describe('a new code with one hour of history', () => {
  for (const [perMinute, slowestBuckets] of [
    [10, 4],
    [2, 10],
    [60, 2],
  ] as const) {
    it(`at ${perMinute} a minute opens one spike soon after a tenfold surge, and closes it once`, () => {
      for (const seed of SEEDS) {
        const { opens, closes } = runSeries(TEN_SECONDS, surgeAfterAnHour(perMinute, 10, seed));
        assert.equal(opens.length, 1, `seed ${seed}: opened once`);
        assert.equal(closes.length, 1, `seed ${seed}: closed once`);
        const [open] = opens;
        const [close] = closes;
        assert.ok(open !== undefined && close !== undefined);
        const delay = bucketIndexOf(open, TEN_SECONDS) - HOUR_OF_TENS;
        assert.ok(delay >= 0 && delay <= slowestBuckets, `seed ${seed}: opened after ${delay} buckets`);
        assert.ok(open.ratio > 5 && open.ratio < 25, `seed ${seed}: ratio ${open.ratio}`);
        assert.equal(open.ratio, open.observed / open.expected);
        const { winner } = open;
        assert.ok(winner !== undefined && winner.windowSeconds >= open.windowSeconds, `seed ${seed}: the onset is in the window`);
        assert.ok(winner.observed >= open.observed && winner.expected >= open.expected - 1e-9, `seed ${seed}: so are its errors`);
        assert.ok(TEN_SECONDS.windows.some(({ seconds }) => seconds === winner.windowSeconds));
        assert.equal(close.winner, undefined);
        const early = MONDAY_SECONDS + HOUR_OF_TENS * 10 - open.startsAtSeconds;
        assert.ok(Math.abs(early) <= 60, `seed ${seed}: onset off by ${early} s`);
        const closedAfter = bucketIndexOf(close, TEN_SECONDS) - HOUR_OF_TENS - SURGE_OF_TENS;
        // An hour teaches a level roughly: what is left above it must be told from the surge first.
        assert.ok(closedAfter >= 0 && closedAfter <= 180, `seed ${seed}: closed after ${closedAfter} buckets`);
        assert.equal(close.reason, 'subsided');
        assert.equal(close.startsAtSeconds, open.startsAtSeconds, 'both name the same onset');
      }
    });
  }
});

describe('noise', () => {
  it('of a steady code opens nothing in its first day', () => {
    for (const seed of SEEDS) {
      assert.deepEqual(runSeries(TEN_SECONDS, noise(10 / 6, HOUR_OF_TENS, seed)).transitions, [], `seed ${seed}, first hour`);
      assert.deepEqual(runSeries(MINUTE, noise(2, 1440, seed)).transitions, [], `seed ${seed}, first day`);
    }
  });

  it('with one minute of three times the rate opens nothing', () => {
    for (const seed of SEEDS) {
      const counts = noise(2, 1440, seed).map((count, index) => (index === 700 ? 6 : count));
      assert.deepEqual(runSeries(MINUTE, counts).transitions, [], `seed ${seed}`);
    }
  });

  it('of a code whose errors come in bursts opens next to nothing once its habits are known', () => {
    const opens = SEEDS.flatMap((seed) => runSeries(MINUTE, noise(0.2, 5 * 1440, seed, 3)).opens).filter(
      (open) => bucketIndexOf(open, MINUTE) >= 3 * 1440,
    );
    assert.ok(opens.length <= 1, `${opens.length} in ${2 * SEEDS.length} days`);
  });
});

describe('a code never seen before', () => {
  it('does not open on its first few errors', () => {
    for (const zeros of [0, 1, 30, 360]) {
      const counts = [...new Array<number>(zeros).fill(0), 1, 0, 2, 0, 1];
      assert.deepEqual(runSeries(TEN_SECONDS, counts).transitions, [], `after ${zeros} empty buckets`);
    }
  });

  it('opens at once when hundreds come after an hour of none', () => {
    const { opens } = runSeries(TEN_SECONDS, [...new Array<number>(HOUR_OF_TENS).fill(0), 100]);
    assert.equal(opens.length, 1);
    assert.equal(opens[0]?.observed, 100);
  });

  it('opens nothing when its history begins with traffic, however much', () => {
    assert.deepEqual(runSeries(TEN_SECONDS, noise(200, HOUR_OF_TENS, 3)).transitions, []);
  });
});

describe('buckets that were not collected', () => {
  it('are unknown, not zero: a gap changes neither what is expected nor what opens', () => {
    const dice = createDice(5);
    const counts = Array.from({ length: 4 * 1440 }, () => dice.poisson(20));
    const gapped = counts.map((count, index) => (index >= 4000 && index < 4200 ? null : count));
    const { state, transitions } = runSeries(MINUTE, gapped);
    assert.deepEqual(transitions, []);
    const expected = expectedAt(state, MINUTE, MONDAY_SECONDS + 4 * 86_400);
    assert.ok(expected !== null && Math.abs(expected - 20) < 2, `expected ${expected}`);
  });

  it('may be left out of the calls altogether', () => {
    const counts = noise(20, 3000, 7);
    const told = createCodeState(MINUTE);
    const skipped = createCodeState(MINUTE);
    for (const [index, count] of counts.entries()) {
      const isMissing = index >= 2000 && index < 2050;
      step(told, MINUTE, MONDAY_SECONDS + index * 60, isMissing ? null : count);
      if (!isMissing) step(skipped, MINUTE, MONDAY_SECONDS + index * 60, count);
    }
    assert.deepEqual(skipped, told);
  });

  it('may last for years without costing time', () => {
    const state = createCodeState(TEN_SECONDS);
    step(state, TEN_SECONDS, MONDAY_SECONDS, 3);
    step(state, TEN_SECONDS, MONDAY_SECONDS + 20 * 365 * 86_400, 3);
    assert.equal(isOpen(state), false);
  });

  it('hide a backlog: what piled up in a gap opens nothing, ten times as much does', () => {
    const counts = noise(20, 3000, 8);
    const gap = new Array<null>(10).fill(null);
    assert.deepEqual(runSeries(MINUTE, [...counts, ...gap, 20 * 11, 20, 20]).transitions, []);
    assert.equal(runSeries(MINUTE, [...counts, ...gap, 20 * 110, 20, 20]).opens.length, 1);
  });
});

describe('a level that changes for good', () => {
  it('is told once, closes as new_level after three hours, and is then expected', () => {
    const dice = createDice(11);
    const counts = Array.from({ length: 3 * 1440 }, (_, index) => dice.poisson(index < 1440 ? 10 : 40));
    const { opens, closes, state } = runSeries(MINUTE, counts);
    assert.equal(opens.length, 1);
    assert.equal(closes.length, 1);
    assert.equal(closes[0]?.reason, 'new_level');
    const expected = expectedAt(state, MINUTE, MONDAY_SECONDS + 3 * 86_400);
    assert.ok(expected !== null && Math.abs(expected - 40) < 5, `expected ${expected}`);
  });
});

describe('what belonged to a spike', () => {
  it('is not learnt: after two hours of five times the rate the old rate is still expected', () => {
    const counts = noise(30, 1440, 13).map((count, index) => (index >= 1000 && index < 1120 ? count * 5 : count));
    const { opens, state } = runSeries(MINUTE, counts);
    assert.equal(opens.length, 1);
    const { count, exposure } = state.level.weekday;
    assert.ok(Math.abs(count / exposure / 30 - 1) < 0.05, `level ${count / exposure}`);
  });

  it('nor what stands out without a spike: triple minutes, one in twenty, hardly raise the level', () => {
    const deaf = settingsFor({ bucketSeconds: 60, threshold: 50 });
    const counts = noise(30, 1440, 14).map((count, index) => (index % 20 === 10 ? count * 3 : count));
    const { count, exposure } = runSeries(deaf, counts).state.level.weekday;
    assert.ok(count / exposure < 32, `level ${count / exposure}, and 33 unclipped`);
  });
});

describe('a weekend', () => {
  it('begins and ends without a spike, though the rate changes within two hours and not at midnight', () => {
    for (const seed of SEEDS.slice(0, 4)) {
      const dice = createDice(seed);
      const counts = Array.from({ length: 15 * 1440 }, (_, minute) => {
        const hour = (minute / 60) % 168;
        const share = Math.min(Math.max((hour - 119) / 2, 0), 1) - Math.min(Math.max((hour - 166) / 2, 0), 1);
        return dice.poisson(100 * 0.4 ** share);
      });
      const opens = runSeries(MINUTE, counts).opens.filter((open) => bucketIndexOf(open, MINUTE) >= 7.5 * 1440);
      assert.deepEqual(opens, [], `seed ${seed}`);
    }
  });
});

describe('two errors', () => {
  it('are never a spike, however rare the code', () => {
    const eager = settingsFor({ bucketSeconds: 60, threshold: 2 });
    const empty = new Array<number>(3 * 1440).fill(0);
    assert.deepEqual(runSeries(eager, [...empty, 2]).transitions, []);
    assert.equal(runSeries(eager, [...empty, 3]).opens.length, 1);
  });
});

describe('an outage', () => {
  it('is not a new normal: the deviation does not follow it down, and the return to the old rate opens nothing', () => {
    for (const seed of SEEDS) {
      const dice = createDice(seed);
      // Traffic that wanders, so that the deviation is ready to follow; then half an hour of next to nothing.
      const counts = Array.from({ length: 3 * 1440 }, (_, index) => {
        const rate = 200 * (1 + 0.25 * Math.sin((2 * Math.PI * index) / 300));
        return index >= 4000 && index < 4030 ? dice.poisson(rate * 0.05) : dice.poisson(rate);
      });
      const before = runSeries(MINUTE, counts.slice(0, 4000)).state.deviation.value;
      const during = runSeries(MINUTE, counts.slice(0, 4030)).state.deviation.value;
      assert.ok(during >= Math.min(before, 0) - 0.2, `seed ${seed}: from ${before} to ${during}`);
      assert.deepEqual(
        runSeries(MINUTE, counts).opens.filter((open) => bucketIndexOf(open, MINUTE) >= 4000),
        [],
        `seed ${seed}`,
      );
    }
  });
});

describe('every bucket width', () => {
  for (const bucketSeconds of [10, 15, 30, 60, 300]) {
    it(`of ${bucketSeconds} s finds an hour of five times the rate and closes after it`, () => {
      const settings = settingsFor({ bucketSeconds });
      const dice = createDice(21);
      const perHour = 3600 / bucketSeconds;
      const counts = Array.from({ length: 30 * perHour }, (_, index) =>
        dice.poisson(((30 * bucketSeconds) / 60) * (index >= 26 * perHour && index < 27 * perHour ? 5 : 1)),
      );
      const { opens, closes } = runSeries(settings, counts);
      assert.equal(opens.length, 1);
      assert.equal(closes.length, 1);
      const [open] = opens;
      assert.ok(open !== undefined && open.bucketStartSeconds - (MONDAY_SECONDS + 26 * 3600) <= 300);
    });
  }
});

describe('a step', () => {
  it('refuses a bucket that is not later, and a count that is none', () => {
    const state = createCodeState(MINUTE);
    step(state, MINUTE, MONDAY_SECONDS, 1);
    assert.throws(() => step(state, MINUTE, MONDAY_SECONDS, 1), RangeError);
    assert.throws(() => step(state, MINUTE, MONDAY_SECONDS + 60, -1), RangeError);
    assert.throws(() => step(state, MINUTE, MONDAY_SECONDS + 60, Number.NaN), RangeError);
  });

  it('knows nothing to expect before anything was learnt, and the rate soon after', () => {
    const state = createCodeState(MINUTE);
    assert.equal(expectedAt(state, MINUTE, MONDAY_SECONDS), null);
    assert.equal(scoreOf(state), 0);
    runSeries(MINUTE, new Array<number>(60).fill(12), { state });
    const expected = expectedAt(state, MINUTE, MONDAY_SECONDS + 3600);
    assert.ok(expected !== null && Math.abs(expected - 12) < 1, `expected ${expected}`);
  });
});
