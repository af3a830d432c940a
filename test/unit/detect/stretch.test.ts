import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCodeState, settingsFor, step } from '../../../src/detect/detector.ts';
import { sumStretch } from '../../../src/detect/stretch.ts';
import { MONDAY_SECONDS } from '../../fixtures/detect/run-series.ts';

const settings = settingsFor({ bucketSeconds: 10 });
const HOURS_3 = 1080;

function run(counts: readonly (number | null)[]) {
  const state = createCodeState(settings);
  for (const [index, count] of counts.entries()) step(state, settings, MONDAY_SECONDS + index * 10, count);
  return { state, endSeconds: MONDAY_SECONDS + counts.length * 10 };
}

test('a stretch sums what came and what was expected before it began, by bucket starts from..to', () => {
  const { state, endSeconds } = run([...Array.from({ length: HOURS_3 }, () => 2), 9, 9, 9, 9, 9, 9, 2]);
  const sum = sumStretch(state, settings, endSeconds - 70, endSeconds - 10);
  assert.equal(sum?.observed, 54);
  assert.ok(sum !== null && Math.abs(sum.expected - 12) < 1.5, `expected ${sum?.expected}`);
  assert.equal(sumStretch(state, settings, endSeconds - 10, endSeconds)?.observed, 2);
});

test('what was not collected counts on neither side, and what is not remembered is not known', () => {
  const { state, endSeconds } = run([...Array.from({ length: HOURS_3 }, () => 2), 2, null, null, 2, 2]);
  // The first bucket after a gap may hold a backlog and is not known either.
  const sum = sumStretch(state, settings, endSeconds - 50, endSeconds);
  assert.equal(sum?.observed, 4);
  assert.ok(sum !== null && Math.abs(sum.expected - 4) < 1, `expected ${sum?.expected}`);
  assert.equal(sumStretch(state, settings, endSeconds - 3 * 3600, endSeconds - 2 * 3600), null);
  assert.equal(sumStretch(state, settings, endSeconds, endSeconds + 60), null);
  assert.equal(sumStretch(createCodeState(settings), settings, 0, 60), null);
});
