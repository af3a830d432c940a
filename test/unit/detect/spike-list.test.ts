/** From transitions to spikes, and what a list of spikes comes to. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Transition } from '../../../src/detect/detector.ts';
import { createSpikeList, type ReplayedSpike } from '../../../src/detect/spike-list.ts';
import { compareSpikes, summariseCodes } from '../../../src/detect/spike-summary.ts';

const HOLD = 300;
const WEEK = 7 * 24 * 3600;

function transition(event: 'open' | 'close', at: number): Transition {
  return {
    event,
    bucketStartSeconds: at,
    startsAtSeconds: at - 60,
    observed: 50,
    expected: 5,
    ratio: 10,
    windowSeconds: 60,
    score: 9,
  };
}
function listOf(transitions: readonly (readonly [code: string, event: 'open' | 'close', at: number])[], fromSeconds = 0) {
  const list = createSpikeList({ fromSeconds, holdSeconds: HOLD });
  for (const [code, event, at] of transitions) list.add(code, transition(event, at));
  return list.spikes();
}
const brief = (spikes: readonly ReplayedSpike[]) => spikes.map((each) => [each.code, each.openedAtSeconds, each.closedAtSeconds]);

describe('a list of spikes', () => {
  test('pairs each opening with its close, in the order of opening', () => {
    const spikes = listOf([
      ['B', 'open', 1000],
      ['A', 'open', 1000],
      ['B', 'close', 2000],
      ['A', 'close', 1500],
      ['B', 'open', 9000],
    ]);
    assert.deepEqual(brief(spikes), [
      ['A', 1000, 1500],
      ['B', 1000, 2000],
      ['B', 9000, null],
    ]);
    assert.equal(spikes[0]?.startsAtSeconds, 940);
  });
  test('takes a code that opens again within the hold for the same spike, and later for another', () => {
    const again = (at: number) =>
      [
        ['A', 'open', 1000],
        ['A', 'close', 2000],
        ['A', 'open', at],
        ['A', 'close', at + 60],
      ] as const;
    assert.deepEqual(brief(listOf(again(2000 + HOLD - 1))), [['A', 1000, 2000 + HOLD + 59]]);
    assert.equal(listOf(again(2000 + HOLD)).length, 2);
  });
  test('leaves out what opened in the warm-up, and what continues it', () => {
    const transitions = [
      ['A', 'open', 900],
      ['A', 'close', 1100],
      ['A', 'open', 1200],
      ['A', 'close', 1300],
    ] as const;
    assert.deepEqual(listOf(transitions, 1000), []);
    assert.equal(listOf([['A', 'open', 1000]], 1000).length, 1);
  });
});

describe('a summary by code', () => {
  const spikes = listOf([
    ['QUIET', 'open', 1000],
    ['QUIET', 'close', 1060],
    ['LONG', 'open', 2000],
    ['LONG', 'close', 9000],
    ['NOISY', 'open', 1000],
    ['NOISY', 'close', 1100],
    ['NOISY', 'open', 5000],
  ]);
  test('has the noisiest first, then the one that lasts longest', () => {
    const summaries = summariseCodes(spikes, { endSeconds: 5500, collectedSeconds: WEEK });
    assert.deepEqual(
      summaries.map(({ code, spikes: own, totalSeconds }) => [code, own.length, totalSeconds]),
      [
        ['NOISY', 2, 160 + 560],
        ['LONG', 1, 7060],
        ['QUIET', 1, 120],
      ],
    );
  });
  test('tells pages a week of the time that was collected', () => {
    const weekly = (collectedSeconds: number) => summariseCodes(spikes, { endSeconds: 5500, collectedSeconds })[0]?.pagesPerWeek;
    assert.deepEqual([weekly(WEEK), weekly(WEEK / 4), weekly(0)], [2, 8, 0]);
  });
});

describe('two lists side by side', () => {
  test('have in common what overlaps in time, whoever opened first', () => {
    const now = listOf([
      ['A', 'open', 1000],
      ['A', 'close', 2000],
      ['B', 'open', 1000],
      ['B', 'close', 2000],
    ]);
    const next = listOf([
      ['A', 'open', 1500],
      ['A', 'close', 1700],
      ['A', 'open', 4000],
      ['A', 'close', 5000],
    ]);
    assert.deepEqual(
      compareSpikes(next, now).map(({ spike, change }) => [spike.code, spike.openedAtSeconds, change]),
      [
        ['B', 1000, 'goes'],
        ['A', 1500, 'stays'],
        ['A', 4000, 'comes'],
      ],
    );
  });
  test('that are the same change nothing', () => {
    const list = listOf([['A', 'open', 1000]]);
    assert.deepEqual(
      compareSpikes(list, list).map(({ change }) => change),
      ['stays'],
    );
  });
});
