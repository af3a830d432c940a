import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deserialise, serialise, settingsFor } from '../../../src/detect/detector.ts';
import { bucketIndexOf, MONDAY_SECONDS, runSeries } from '../../fixtures/detect/run-series.ts';
import { createDice } from '../../fixtures/detect/seeded-counts.ts';

const SETTINGS = settingsFor({ bucketSeconds: 10 });
const DAY_OF_TENS = 8640;
const LARGEST_STATE_BYTES = 12_000;

/** Two days with bursts, two surges, a gap and a step of the level. */
function eventfulSeries(): readonly (number | null)[] {
  const dice = createDice(4);
  return Array.from({ length: 2 * DAY_OF_TENS }, (_, index) => {
    if (index >= 9000 && index < 9100) return null;
    const isSurge = (index >= 5000 && index < 5060) || (index >= 12_000 && index < 12_400);
    const level = index >= 14_000 ? 3 : 1;
    return dice.negativeBinomial(2 * level * (isSurge ? 6 : 1), 2);
  });
}

describe('a state', () => {
  it('written and read back at any moment continues identically', () => {
    const counts = eventfulSeries();
    const whole = runSeries(SETTINGS, counts);
    assert.ok(whole.transitions.length >= 5, `only ${whole.transitions.length} transitions to compare`);
    for (const cut of [1, 100, 359, 4999, 5003, 5030, 5100, 9050, 12_010, 12_390, 12_500, 14_100, 16_000]) {
      const before = runSeries(SETTINGS, counts.slice(0, cut));
      const state = deserialise(serialise(before.state), SETTINGS);
      const after = runSeries(SETTINGS, counts.slice(cut), { state, startSeconds: MONDAY_SECONDS + cut * 10 });
      assert.deepEqual([...before.transitions, ...after.transitions], whole.transitions, `cut at ${cut}`);
      assert.equal(serialise(after.state), serialise(whole.state), `cut at ${cut}`);
    }
  });

  it('depends on nothing later: a series cut at any moment gives the same transitions up to the cut', () => {
    const counts = eventfulSeries();
    const whole = runSeries(SETTINGS, counts).transitions;
    for (let cut = 1; cut < counts.length; cut += 997) {
      const upToCut = whole.filter((transition) => bucketIndexOf(transition, SETTINGS) < cut);
      assert.deepEqual(runSeries(SETTINGS, counts.slice(0, cut)).transitions, upToCut, `cut at ${cut}`);
    }
  });

  it('stays small as text, also at hundreds of errors a bucket', () => {
    const dice = createDice(6);
    for (const mean of [0.01, 3, 700]) {
      const counts = Array.from({ length: 2 * DAY_OF_TENS }, (_, index) =>
        dice.negativeBinomial(mean * (1 + 0.4 * Math.sin(index / 1000)), 1.5),
      );
      const bytes = Buffer.byteLength(serialise(runSeries(SETTINGS, counts).state));
      assert.ok(bytes <= LARGEST_STATE_BYTES, `${bytes} bytes at ${mean} a bucket`);
    }
  });

  it('of another version or bucket width is refused', () => {
    const { state } = runSeries(SETTINGS, [1, 2, 3]);
    assert.throws(() => deserialise(serialise(state), settingsFor({ bucketSeconds: 60 })), TypeError);
    assert.throws(() => deserialise(JSON.stringify({ ...state, version: 1 }), SETTINGS), TypeError);
    assert.throws(() => deserialise('null', SETTINGS), TypeError);
  });
});
