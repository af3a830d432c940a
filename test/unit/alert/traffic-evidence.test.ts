import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { trafficEvidence } from '../../../src/alert/traffic-evidence.ts';

const SPAN = { startSeconds: 1000, endSeconds: 1100 };
const points = [{ atSeconds: 1000, requestsPerSecond: 50, usualPerSecond: 40, factor: 1.25 }];

describe('a spike against the traffic', () => {
  it('says which share of requests failed with the code, and which share usually does', () => {
    assert.deepEqual(trafficEvidence(points, SPAN, { observed: 20, expected: 2 }), {
      requestsPerSecond: 50,
      usualPerSecond: 40,
      errorRatio: 0.004,
      usualErrorRatio: 0.0004,
    });
  });

  it('says nothing when the traffic was not known', () => {
    assert.equal(trafficEvidence([], SPAN, { observed: 20, expected: 2 }), null);
  });

  it('says nothing when there were fewer requests than errors: other requests were counted', () => {
    assert.equal(trafficEvidence(points, SPAN, { observed: 5001, expected: 2 }), null);
    const idle = points.map((point) => ({ ...point, requestsPerSecond: 0 }));
    assert.equal(trafficEvidence(idle, SPAN, { observed: 0, expected: 0 }), null);
  });
});
