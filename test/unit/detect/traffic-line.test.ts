import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { meanTraffic, trafficFactors } from '../../../src/detect/traffic-line.ts';

const point = (atSeconds: number, requestsPerSecond: number, factor: number, usualPerSecond: number | null = 100) => ({
  atSeconds,
  requestsPerSecond,
  usualPerSecond,
  factor,
});

describe('factors of a stretch', () => {
  it('are those of the newest point that is not later, and 1 before the first', () => {
    const points = [point(1010, 200, 2), point(1020, 300, 3), point(1040, 50, 0.5)];
    assert.deepEqual(trafficFactors(points, [1000, 1010, 1020, 1030, 1040, 1050]), [1, 2, 3, 3, 0.5, 0.5]);
  });

  it('are 1 where nothing is known', () => {
    assert.deepEqual(trafficFactors([], [1000, 1010]), [1, 1]);
  });
});

describe('mean traffic', () => {
  it('weighs each point by how long it held', () => {
    const points = [point(970, 100, 1), point(1030, 400, 4)];
    assert.deepEqual(meanTraffic(points, { startSeconds: 1000, endSeconds: 1060 }), {
      requestsPerSecond: 250,
      usualPerSecond: 100,
    });
  });

  it('is not known when a part of the span has none: before the first, or two minutes after the last', () => {
    const span = { startSeconds: 1000, endSeconds: 1060 };
    assert.equal(meanTraffic([], span), null);
    assert.equal(meanTraffic([point(1010, 100, 1)], span), null);
    assert.equal(meanTraffic([point(930, 100, 1)], span), null);
    assert.notEqual(meanTraffic([point(940, 100, 1)], span), null);
  });

  it('knows no usual traffic when a point of it did not', () => {
    const points = [point(1000, 100, 1, null), point(1030, 100, 1)];
    assert.deepEqual(meanTraffic(points, { startSeconds: 1000, endSeconds: 1060 }), {
      requestsPerSecond: 100,
      usualPerSecond: null,
    });
  });
});
