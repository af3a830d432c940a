import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { falseAlarmsPerCodeDay, settingsFor } from '../../../src/detect/settings.ts';
import { windowShapesFor } from '../../../src/detect/window-shapes.ts';

describe('settings', () => {
  it('ask for more surprise in the quiet preset than in the standard one, which is the default', () => {
    const standard = settingsFor({ bucketSeconds: 60 });
    assert.deepEqual(settingsFor({ bucketSeconds: 60, preset: 'standard' }), standard);
    assert.ok(settingsFor({ bucketSeconds: 60, preset: 'quiet' }).threshold > standard.threshold);
  });

  it('raise the threshold as a budget of pages is smaller or shared by more codes', () => {
    const thresholds = [
      { falsePagesPerWeek: 50, activeCodeCount: 10 },
      { falsePagesPerWeek: 5, activeCodeCount: 10 },
      { falsePagesPerWeek: 1, activeCodeCount: 10 },
      { falsePagesPerWeek: 1, activeCodeCount: 100 },
      { falsePagesPerWeek: 1, activeCodeCount: 10_000 },
    ].map((budget) => settingsFor({ bucketSeconds: 60, ...budget }).threshold);
    assert.deepEqual(
      thresholds,
      thresholds.toSorted((a, b) => a - b),
    );
    assert.equal(new Set(thresholds).size, thresholds.length);
  });

  it('know how often chance brings a score: as often as the budget whose threshold it is', () => {
    for (const bucketSeconds of [10, 60, 300]) {
      for (const falsePagesPerWeek of [0.01, 0.3, 1, 5]) {
        const { threshold } = settingsFor({ bucketSeconds, falsePagesPerWeek, activeCodeCount: 20 });
        const perWeek = falseAlarmsPerCodeDay(threshold, bucketSeconds) * 20 * 7;
        assert.ok(Math.abs(perWeek / falsePagesPerWeek - 1) < 1e-9, `${falsePagesPerWeek} told as ${perWeek}`);
      }
    }
    assert.ok(falseAlarmsPerCodeDay(12, 60) < 1e-12);
  });

  it('ask for more surprise of narrow buckets, which are looked at more often', () => {
    const budget = { falsePagesPerWeek: 1, activeCodeCount: 20 };
    assert.ok(settingsFor({ bucketSeconds: 10, ...budget }).threshold > settingsFor({ bucketSeconds: 60, ...budget }).threshold);
  });

  it('ask for novelty only where quiet is wanted of buckets too wide to show whether a burst lasts', () => {
    assert.equal(settingsFor({ bucketSeconds: 300, preset: 'quiet' }).asksNovelty, true);
    assert.equal(settingsFor({ bucketSeconds: 300 }).asksNovelty, false);
    assert.equal(settingsFor({ bucketSeconds: 60, preset: 'quiet' }).asksNovelty, false);
  });

  it('take a given threshold as it is', () => {
    assert.equal(settingsFor({ bucketSeconds: 10, preset: 'quiet', threshold: 7 }).threshold, 7);
  });

  it('refuse what the detector cannot work with', () => {
    assert.throws(() => settingsFor({ bucketSeconds: 0 }), RangeError);
    assert.throws(() => settingsFor({ bucketSeconds: 1.5 }), RangeError);
    assert.throws(() => settingsFor({ bucketSeconds: 60, threshold: 0 }), RangeError);
    assert.throws(() => settingsFor({ bucketSeconds: 60, falsePagesPerWeek: 0 }), RangeError);
  });
});

describe('windows', () => {
  it('are the same minutes whatever the bucket, and none twice', () => {
    assert.deepEqual(
      windowShapesFor(10).map((shape) => shape.bucketCount),
      [6, 12, 18, 30, 48, 78, 120, 180, 270, 360],
    );
    assert.deepEqual(
      windowShapesFor(300).map((shape) => shape.bucketCount),
      [1, 2, 3, 4, 6, 9, 12],
    );
  });

  it('keep less of a deviation and let the rate wander more the longer they are', () => {
    const shapes = windowShapesFor(60);
    for (const [index, shape] of shapes.slice(1).entries()) {
      const shorter = shapes[index];
      for (const [pace, kept] of shape.deviationKept.entries()) assert.ok(kept < (shorter?.deviationKept[pace] ?? 0));
      // Of the slowest pace: a rate that wanders fast has wandered back within the longest windows.
      const variance = shape.wanderVariance.at(-1) ?? 0;
      assert.ok(variance > (shorter?.wanderVariance.at(-1) ?? 1) && variance < 1);
    }
  });
});
