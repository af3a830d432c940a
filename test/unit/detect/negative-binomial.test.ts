import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { surpriseOf } from '../../../src/detect/negative-binomial.ts';

describe('the surprise of a count', () => {
  it('is near the normal deviate of the exact Poisson tail when variance equals mean', () => {
    // P(X >= 20 | 10) = 0.003454, P(X >= 5 | 1) = 0.003660, P(X >= 150 | 100) = 1.6e-6: 2.70, 2.68 and 4.66 deviations.
    for (const [count, mean, deviations] of [
      [20, 10, 2.7],
      [5, 1, 2.68],
      [150, 100, 4.66],
    ] as const) {
      assert.ok(Math.abs(surpriseOf(count, mean, mean) - deviations) < 0.15, `${count} of ${mean}`);
    }
  });

  it('falls as the variance grows, without a jump where the Poisson limit ends', () => {
    const poisson = surpriseOf(40, 10, 10);
    assert.ok(Math.abs(surpriseOf(40, 10, 10 * (1 + 1e-5)) - poisson) < 1e-3);
    let previous = poisson;
    for (const variance of [15, 30, 100, 1000]) {
      const z = surpriseOf(40, 10, variance);
      assert.ok(z < previous, `variance ${variance}`);
      previous = z;
    }
  });

  it('has the sign of the difference from the mean', () => {
    assert.ok(surpriseOf(3, 10, 12) < 0);
    assert.ok(surpriseOf(0, 10, 12) < surpriseOf(3, 10, 12));
    assert.ok(surpriseOf(30, 10, 12) > 0);
  });

  it('is finite and grows far out in the tail', () => {
    assert.ok(surpriseOf(1e6, 10, 12) > surpriseOf(1e5, 10, 12));
    assert.ok(Number.isFinite(surpriseOf(1e9, 1e-6, 1e-6)));
  });
});
