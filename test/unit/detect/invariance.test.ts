/** What must hold of any series: nothing later changes what was said, and a restart changes nothing at all. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  createCodeState,
  type DetectorSettings,
  deserialise,
  isOpen,
  serialise,
  settingsFor,
  step,
  type Transition,
} from '../../../src/detect/detector.ts';
import { createReplay } from '../../../src/detect/replay.ts';
import { MONDAY_SECONDS } from '../../fixtures/detect/run-series.ts';
import { createDice } from '../../fixtures/worlds/dice.ts';
import { generateWorlds } from '../../fixtures/worlds/worlds.ts';

type Counts = readonly (number | null)[];

const RESTARTS = 100;
const WIDTHS = [60, 10] as const;

/** Through a replay, as a backtest runs it. */
function replayed(settings: DetectorSettings, counts: Counts): readonly Transition[] {
  const replay = createReplay(settings);
  return counts.flatMap((count, index) => {
    const { transition } = replay.feed('CODE', MONDAY_SECONDS + index * settings.bucketSeconds, count);
    return transition === null ? [] : [transition];
  });
}

/** Step by step, with the state written and read back before each of the buckets in `cuts`. */
function restarted(settings: DetectorSettings, counts: Counts, cuts: ReadonlySet<number>) {
  let state = createCodeState(settings);
  const transitions: Transition[] = [];
  const restarts = { inSpikes: 0, inGaps: 0 };
  for (const [index, count] of counts.entries()) {
    if (cuts.has(index)) {
      if (isOpen(state)) restarts.inSpikes += 1;
      if (count === null) restarts.inGaps += 1;
      state = deserialise(serialise(state), settings);
    }
    const transition = step(state, settings, MONDAY_SECONDS + index * settings.bucketSeconds, count);
    if (transition !== null) transitions.push(transition);
  }
  return { transitions, restarts, last: serialise(state) };
}

/** Days of surges, deploys and outages with backlogs; fewer at ten seconds, where a day holds six times as many buckets. */
function eventfulSeries(bucketSeconds: number): readonly Counts[] {
  const days = bucketSeconds === 60 ? 8 : 3;
  const names = ['backlog', 'traffic', 'tails'];
  return [...generateWorlds({ seed: 8, seriesPerWorld: 2, days, bucketSeconds, names })].map(({ counts }) => counts);
}

/** Half of them anywhere, the others while a spike is open or nothing is collected. */
function drawCuts(counts: Counts, transitions: readonly Transition[], bucketSeconds: number): ReadonlySet<number> {
  const dice = createDice(counts.length + transitions.length);
  const opens = transitions.filter(({ event }) => event === 'open');
  const gaps = [...counts.keys()].filter((index) => counts[index] === null);
  const cuts = new Set<number>();
  while (cuts.size < RESTARTS) {
    const kind = dice.whole(0, 3);
    const open = opens[dice.whole(0, opens.length - 1)];
    const gap = gaps[dice.whole(0, gaps.length - 1)];
    if (kind === 0 && open !== undefined) {
      cuts.add((open.bucketStartSeconds - MONDAY_SECONDS) / bucketSeconds + dice.whole(1, 4));
    } else if (kind === 1 && gap !== undefined) cuts.add(gap);
    else cuts.add(dice.whole(1, counts.length - 1));
  }
  return cuts;
}

describe('a restart from a snapshot', () => {
  for (const bucketSeconds of WIDTHS) {
    it(`at 100 random moments changes no transition and no digit of the state, ${bucketSeconds} s buckets`, () => {
      const settings = settingsFor({ bucketSeconds });
      let inSpikes = 0;
      let inGaps = 0;
      for (const counts of eventfulSeries(bucketSeconds)) {
        const whole = restarted(settings, counts, new Set());
        const broken = restarted(settings, counts, drawCuts(counts, whole.transitions, bucketSeconds));
        assert.deepEqual(broken.transitions, whole.transitions);
        assert.equal(broken.last, whole.last);
        inSpikes += broken.restarts.inSpikes;
        inGaps += broken.restarts.inGaps;
      }
      assert.ok(inSpikes >= RESTARTS / 2, `only ${inSpikes} restarts while a spike was open`);
      assert.ok(inGaps >= RESTARTS / 2, `only ${inGaps} restarts in gaps`);
    });
  }
});

describe('a state', () => {
  it('holds only numbers that can be written, in whatever world', () => {
    const settings = settingsFor({ bucketSeconds: 60 });
    for (const { name, counts } of generateWorlds({ seed: 1, seriesPerWorld: 5, days: 5, bucketSeconds: 60 })) {
      const state = createCodeState(settings);
      for (const [index, count] of counts.entries()) step(state, settings, MONDAY_SECONDS + index * 60, count);
      assert.deepEqual(JSON.parse(serialise(state)), state, name);
    }
  });
});

describe('a series cut at any moment', () => {
  for (const bucketSeconds of WIDTHS) {
    it(`gives the same transitions up to the cut, ${bucketSeconds} s buckets`, () => {
      const settings = settingsFor({ bucketSeconds });
      for (const counts of eventfulSeries(bucketSeconds)) {
        const whole = replayed(settings, counts);
        const dice = createDice(counts.length);
        // Also right after each opening: that is where looking ahead would pay.
        const cuts = [
          ...Array.from({ length: 5 }, () => dice.whole(1, counts.length)),
          ...whole.slice(0, 5).map(({ bucketStartSeconds }) => (bucketStartSeconds - MONDAY_SECONDS) / bucketSeconds + 1),
        ];
        for (const cut of cuts) {
          const before = whole.filter((each) => each.bucketStartSeconds < MONDAY_SECONDS + cut * bucketSeconds);
          assert.deepEqual(replayed(settings, counts.slice(0, cut)), before, `cut at ${cut}`);
        }
      }
    });
  }

  it('and restarted there, whatever the counts are', () => {
    const count = fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 0, max: 5 }) },
      { weight: 2, arbitrary: fc.integer({ min: 0, max: 400 }) },
      { weight: 1, arbitrary: fc.constant(null) },
    );
    const stretch = fc.record({ value: count, length: fc.integer({ min: 1, max: 90 }) });
    const series = fc
      .array(stretch, { minLength: 1, maxLength: 25 })
      .map((stretches) => stretches.flatMap(({ value, length }) => Array.from({ length }, () => value)));
    let transitionCount = 0;
    fc.assert(
      fc.property(series, fc.constantFrom(60, 10, 300), fc.nat(), (counts, bucketSeconds, at) => {
        const settings = settingsFor({ bucketSeconds });
        const cut = at % counts.length;
        const whole = replayed(settings, counts);
        const before = whole.filter((each) => each.bucketStartSeconds < MONDAY_SECONDS + cut * bucketSeconds);
        assert.deepEqual(replayed(settings, counts.slice(0, cut)), before);
        assert.deepEqual(restarted(settings, counts, new Set([cut])).transitions, whole);
        transitionCount += whole.length;
      }),
      { seed: 7, numRuns: 200 },
    );
    assert.ok(transitionCount >= 200, `only ${transitionCount} transitions to compare`);
  });
});
