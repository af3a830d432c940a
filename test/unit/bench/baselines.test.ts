import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Baseline, grafanaRule, ratioRule } from '../../bench/detect/baselines.ts';

const SURGE_AT = 3000;

/** Two days and more at ten a minute, then ten minutes at four times that. */
function surging(): (number | null)[] {
  return Array.from({ length: SURGE_AT + 30 }, (_, minute) => (minute >= SURGE_AT && minute < SURGE_AT + 10 ? 40 : 10));
}

function onAt(rule: Baseline, counts: readonly (number | null)[]): readonly number[] {
  return [...rule(counts, 1).entries()].flatMap(([minute, isOn]) => (isOn ? [minute] : []));
}

describe('the anchors', () => {
  it('ratio: is on once five minutes hold three times what the hour before them held', () => {
    // 4 minutes of 40 and one of 10 are 34 a minute against 10.
    const on = onAt(ratioRule, surging());
    assert.equal(on[0], SURGE_AT + 3);
    assert.ok(on.every((minute) => minute >= SURGE_AT && minute < SURGE_AT + 15));
  });

  it('grafana: is on once the level has been above its widest band for more than five minutes', () => {
    // One minute of 40 lifts the five minutes to 16, above 1.5 times the hour's 10.5.
    assert.equal(onAt(grafanaRule, surging())[0], SURGE_AT + 5);
  });

  it('take a bucket that was not collected as nothing seen', () => {
    const counts = surging().map((count, minute) => (minute >= SURGE_AT && minute < SURGE_AT + 4 ? null : count));
    assert.ok((onAt(ratioRule, counts)[0] ?? 0) > SURGE_AT + 3);
  });
});
