import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CodeTransition } from '../../../src/alert/code-states.ts';
import { isToldByCode, type ToldNews } from '../../../src/alert/told-by-code.ts';
import { spikeRecord } from '../../support/spike-record.ts';

const CODE = 'VALIDATION_ERROR';
const AT = 1_800_000_000_000;
const MINUTE = 60_000;
const pair = { field: 'items[].sku', code: 'REQUIRED' };
const opening = { code: CODE, atMs: AT };
const ofCode = (parts: Parameters<typeof spikeRecord>[0] = {}) =>
  spikeRecord({ code: CODE, startsAtMs: AT - 10 * MINUTE, openedAtMs: AT - 9 * MINUTE, ...parts });
const isTold = (recent: ToldNews['recent'], transitions: ToldNews['transitions'], isAllBeginning = false) =>
  isToldByCode(opening, { recent, transitions, isAllBeginning });
const transition = (code: string, event: 'open' | 'close'): CodeTransition => ({
  code,
  transition: {
    event,
    bucketStartSeconds: AT / 1000 + 60,
    startsAtSeconds: AT / 1000,
    observed: 1,
    expected: 1,
    ratio: 1,
    windowSeconds: 10,
    score: 1,
  },
});

test('a pair is news of its own while its code is calm, whatever else goes on', () => {
  assert.equal(isTold([], []), false);
  const others = [ofCode({ code: 'TIMEOUT' }), ofCode({ pair }), ofCode({ kind: 'returning_code' })];
  assert.equal(isTold(others, [transition(CODE, 'close'), transition('TIMEOUT', 'open')]), false);
});

test('a pair is not told while its code or all codes surge, or are about to resolve', () => {
  assert.equal(isTold([ofCode({ state: 'pending' })], []), true);
  assert.equal(isTold([ofCode({ state: 'firing', closedAtMs: AT - MINUTE })], []), true);
  assert.equal(isTold([ofCode({ kind: 'all_codes', code: '_all' })], []), true);
});

test('a pair that opens when a spike of all codes begins is not told', () => {
  assert.equal(isTold([], [], true), true);
});

test('a pair that opens in the same stretch as its code is not told, whichever came first', () => {
  assert.equal(isTold([], [transition(`${CODE} items[].sku REQUIRED`, 'open'), transition(CODE, 'open')]), true);
});

test('a pair that opened during a surge of its code is old news when that has been resolved', () => {
  const resolved = { state: 'resolved', resolvedAtMs: AT + 30 * MINUTE } as const;
  assert.equal(isTold([ofCode({ ...resolved, closedAtMs: AT + MINUTE })], []), true);
  assert.equal(isTold([ofCode({ ...resolved, closedAtMs: AT - MINUTE })], []), false);
});
