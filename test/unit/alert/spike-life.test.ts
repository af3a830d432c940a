/** Every rule of how a spike lives, state by state. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SpikeRecord } from '../../../src/alert/spike.ts';
import {
  BUCKET_MS,
  isLateToTell,
  judgeOpening,
  judgePush,
  judgeState,
  LATE_AFTER_MS,
  type LifeTime,
  NEWS_MS,
  RESOLVE_REPEAT_MS,
} from '../../../src/alert/spike-life.ts';
import { spikeRecord } from '../../support/spike-record.ts';

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;
const HOLD = 5 * MINUTE;
const LAG = 15_000;
const time: LifeTime = { nowMs: NOW, evaluatedUntilMs: NOW - LAG, holdMs: HOLD };

function spike(parts: Partial<SpikeRecord> = {}): SpikeRecord {
  return spikeRecord({
    state: 'pending',
    startsAtMs: NOW - MINUTE,
    openedAtMs: NOW - 30_000,
    detectedAtMs: NOW - 10_000,
    ...parts,
  });
}

describe('a pending spike', () => {
  test('that is open is pushed, and waits for the acceptance', () => {
    assert.equal(judgePush(spike(), time, []), 'firing');
    assert.equal(judgeState(spike(), time, true), null);
  });
  test('fires at once when there is no Alertmanager', () => {
    assert.deepEqual(judgeState(spike(), time, false), { state: 'firing', isLate: false });
  });
  test('that is over but news is still told as firing', () => {
    const over = spike({ closedAtMs: NOW - NEWS_MS });
    assert.equal(judgePush(over, time, []), 'firing');
    assert.equal(judgeState(over, time, true), null);
    assert.deepEqual(judgeState(over, time, false), { state: 'firing', isLate: true });
  });
  test('that is over and no longer news is resolved, late, and told to nobody', () => {
    const old = spike({ closedAtMs: NOW - NEWS_MS - 1 });
    assert.equal(judgePush(old, time, []), null);
    assert.deepEqual(judgeState(old, time, true), { state: 'resolved', isLate: true });
    assert.deepEqual(judgeState(old, time, false), { state: 'resolved', isLate: true });
  });
  test('that is open while the detector reads far behind waits: it may be over long since', () => {
    const behind = { ...time, evaluatedUntilMs: NOW - NEWS_MS - 1 };
    assert.equal(judgePush(spike(), behind, []), null);
    assert.equal(judgeState(spike(), behind, true), null);
    assert.equal(judgeState(spike(), behind, false), null);
  });
});

describe('a firing spike', () => {
  const told = { state: 'firing', firstAcceptedAtMs: NOW - 2 * HOLD } as const;
  test('is pushed for as long as it is firing, open or not', () => {
    assert.equal(judgePush(spike(told), time, []), 'firing');
    assert.equal(judgePush(spike({ ...told, closedAtMs: NOW - 1 }), time, []), 'firing');
    assert.equal(judgeState(spike(told), time, true), null);
  });
  test('is resolved once event time has stayed calm for the whole hold', () => {
    const closedAtMs = time.evaluatedUntilMs - HOLD;
    assert.deepEqual(judgeState(spike({ ...told, closedAtMs }), time, true), { state: 'resolved', isLate: false });
    assert.equal(judgeState(spike({ ...told, closedAtMs: closedAtMs + 1 }), time, true), null);
  });
  test('is not resolved while the detector does not read on, however long by the clock', () => {
    const blind = { ...time, evaluatedUntilMs: NOW - 10 * MINUTE };
    assert.equal(judgeState(spike({ ...told, closedAtMs: blind.evaluatedUntilMs - 10_000 }), blind, true), null);
  });
  test('is resolved only when Alertmanager has known it for the hold, so that it gets to notify it', () => {
    const over = { state: 'firing', closedAtMs: NOW - 4 * HOLD } as const;
    assert.equal(judgeState(spike({ ...over, firstAcceptedAtMs: NOW - HOLD + 1 }), time, true), null);
    assert.deepEqual(judgeState(spike({ ...over, firstAcceptedAtMs: NOW - HOLD, isLate: true }), time, true), {
      state: 'resolved',
      isLate: true,
    });
  });
  test('that no Alertmanager knows is resolved by event time alone', () => {
    const alone = spike({ state: 'firing', closedAtMs: NOW - 2 * HOLD });
    assert.deepEqual(judgeState(alone, time, false), { state: 'resolved', isLate: false });
  });
});

describe('a resolved spike', () => {
  const over = { state: 'resolved', closedAtMs: NOW - HOLD, firstAcceptedAtMs: NOW - 2 * HOLD } as const;
  test('stays resolved', () => {
    assert.equal(judgeState(spike({ ...over, resolvedAtMs: NOW }), time, true), null);
  });
  test('is pushed as resolved for a quarter of an hour', () => {
    assert.equal(judgePush(spike({ ...over, resolvedAtMs: NOW - RESOLVE_REPEAT_MS }), time, []), 'resolved');
    assert.equal(judgePush(spike({ ...over, resolvedAtMs: NOW - RESOLVE_REPEAT_MS - 1 }), time, []), null);
  });
  test('is no longer pushed once a spike with the same labels is on, which it would resolve', () => {
    const resolved = spike({ ...over, resolvedAtMs: NOW });
    assert.equal(judgePush(resolved, time, [spike({ id: '2' })]), null);
    const other = spike({ id: '2', labels: { ...resolved.labels, status: '500' } });
    assert.equal(judgePush(resolved, time, [other]), 'resolved');
  });
  test('that was never told is not told as resolved', () => {
    assert.equal(judgePush(spike({ ...over, firstAcceptedAtMs: null, resolvedAtMs: NOW }), time, []), null);
  });
});

describe('late to tell', () => {
  test('is what is over, or was found more than a minute ago', () => {
    const openedAtMs = NOW - BUCKET_MS - LATE_AFTER_MS;
    assert.equal(isLateToTell({ openedAtMs, closedAtMs: null }, time), false);
    assert.equal(isLateToTell({ openedAtMs: openedAtMs - 1, closedAtMs: null }, time), true);
    assert.equal(isLateToTell({ openedAtMs: NOW, closedAtMs: NOW }, time), true);
  });
});

describe('an opening', () => {
  test('begins a spike when none of its code lives', () => {
    assert.equal(judgeOpening(null, NOW, time), 'begin');
  });
  test('continues a spike that is not resolved yet, however long it was calm', () => {
    for (const state of ['pending', 'firing'] as const) {
      assert.equal(judgeOpening({ state, openedAtMs: NOW - 3 * NEWS_MS, closedAtMs: null }, NOW, time), 'continue');
      assert.equal(judgeOpening({ state, openedAtMs: NOW - 3 * NEWS_MS, closedAtMs: NOW - NEWS_MS }, NOW, time), 'continue');
    }
  });
  test('of history ends a spike that was calm for the hold and that nobody will be told of', () => {
    const closedAtMs = NOW - 2 * NEWS_MS;
    const old = { state: 'pending', openedAtMs: closedAtMs - MINUTE, closedAtMs } as const;
    assert.equal(judgeOpening(old, closedAtMs + HOLD, time), 'end_and_begin');
    assert.equal(judgeOpening(old, closedAtMs + HOLD - 1, time), 'continue');
    assert.equal(judgeOpening({ ...old, state: 'firing' }, closedAtMs + HOLD, time), 'continue');
  });
});
