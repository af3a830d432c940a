import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CAUGHT_UP_FOR_MS, createPositions } from '../../../src/sources/kafka-positions.ts';
import { createRefusals } from '../../../src/sources/kafka-refusals.ts';

describe('the positions in Kafka partitions', () => {
  test('what was never learnt has no standing, and a commit does not bring it in', () => {
    const positions = createPositions();
    positions.noteCommit({ partition: 0, committed: 5n, end: 5n, atMs: 0 });
    assert.equal(positions.standing(0, 0), null);
  });

  test('a partition is caught up when it is committed to its end, for as long as that end is fresh', () => {
    const positions = createPositions();
    positions.learn(0, 4n);
    assert.equal(positions.standing(0, 0)?.isCaughtUp, false);
    positions.noteCommit({ partition: 0, committed: 9n, end: 9n, atMs: 100 });
    assert.deepEqual(positions.standing(0, 100 + CAUGHT_UP_FOR_MS), { committed: 9n, lag: 0, isCaughtUp: true });
    assert.equal(positions.standing(0, 101 + CAUGHT_UP_FOR_MS)?.isCaughtUp, false);
  });

  test('lag is what lies between, and never negative', () => {
    const positions = createPositions();
    positions.learn(0, 10n);
    positions.noteEnd(0, 25n, 1);
    assert.equal(positions.standing(0, 1)?.lag, 15);
    positions.noteEnd(0, 3n, 2);
    assert.deepEqual(positions.standing(0, 2), { committed: 10n, lag: 0, isCaughtUp: false });
  });

  test('an end that was asked for earlier does not replace a later one', () => {
    const positions = createPositions();
    positions.learn(0, 0n);
    positions.noteEnd(0, 20n, 10);
    positions.noteEnd(0, 15n, 9);
    assert.equal(positions.standing(0, 10)?.lag, 20);
  });

  test('a new assignment starts from nothing', () => {
    const positions = createPositions();
    positions.learn(0, 0n);
    positions.clear();
    assert.deepEqual(positions.partitions(), []);
  });
});

describe('a batch that cannot be opened', () => {
  const refusedBatch = { partition: null, firstOffset: 10n, lastOffset: 19n, reason: 'GZIP: too large' };

  /** Partition 0 stands before the batch and moves no more; 1 is beyond it; 2 is idle at the same offset. */
  function scene() {
    const positions = createPositions();
    for (const [partition, committed, end] of [
      [0, 10n, 30n],
      [1, 25n, 30n],
      [2, 10n, 10n],
    ] as const) {
      positions.learn(partition, committed);
      positions.noteEnd(partition, end, 0);
    }
    return { positions, refusals: createRefusals(positions) };
  }

  test('it convicts the one partition that stands there, has more to read and does not move', () => {
    const { refusals } = scene();
    const found = [0, 500, 1000, 1500, 2000].map((atMs) => refusals.noteRefused(refusedBatch, new Set(), atMs));
    assert.deepEqual(found, [[], [], [], [], [0]]);
    assert.deepEqual(refusals.noteRefused(refusedBatch, new Set(), 2500), []);
    refusals.release(0);
    const again = [3000, 3500, 4000, 4500, 5000].map((atMs) => refusals.noteRefused(refusedBatch, new Set(), atMs));
    assert.deepEqual(again, [[], [], [], [], [0]]);
  });

  test('many refusals in a moment, or few over a long time, are not enough', () => {
    const { refusals } = scene();
    for (let count = 0; count < 100; count += 1) assert.deepEqual(refusals.noteRefused(refusedBatch, new Set(), 0), []);
    const other = scene().refusals;
    for (const atMs of [0, 60_000]) assert.deepEqual(other.noteRefused(refusedBatch, new Set(), atMs), []);
  });

  test('a partition whose batch is being stored, or was just opened, is not suspected', () => {
    const { refusals } = scene();
    for (const atMs of [0, 500, 1000, 1500, 2000]) refusals.noteRefused(refusedBatch, new Set([0]), atMs);
    for (const atMs of [2000, 2500, 3000, 3500]) refusals.noteRefused(refusedBatch, new Set(), atMs);
    refusals.noteOpened(0);
    assert.deepEqual(refusals.noteRefused(refusedBatch, new Set(), 4500), []);
  });
});
