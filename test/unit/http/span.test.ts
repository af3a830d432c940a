import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readMoment, readSpan } from '../../../src/http/span.ts';

const DAY_MS = 86_400_000;

test('a moment is RFC 3339, a day or epoch milliseconds', () => {
  const moment = Date.UTC(2028, 1, 29, 8, 30);
  for (const text of ['2028-02-29T08:30:00Z', '2028-02-29 08:30Z', '2028-02-29T10:30:00.000+02:00', String(moment)]) {
    assert.equal(readMoment(text), moment, text);
  }
  assert.equal(readMoment('2028-02-29'), Date.UTC(2028, 1, 29));
});

test('a day that its month does not have, and a time without a zone, are no moments', () => {
  for (const text of ['2026-02-29', '2026-02-30T08:00:00Z', '2026-04-31', '2026-13-01', '2026-02-03T08:00', 'now', '']) {
    assert.equal(readMoment(text), null, text);
  }
});

test('a span is the last six hours by default, and says what is wrong with it otherwise', () => {
  const nowMs = Date.UTC(2026, 10, 28);
  assert.deepEqual(readSpan({}, nowMs), { fromMs: nowMs - DAY_MS / 4, toMs: nowMs, stepSeconds: 60 });
  assert.match(String(readSpan({ from: '2026-02-30' }, nowMs)), /must be RFC 3339/);
  assert.match(String(readSpan({ from: '2026-11-29' }, nowMs)), /must lie before/);
  assert.match(String(readSpan({ from: '2020-01-01' }, nowMs)), /400 days/);
  assert.match(String(readSpan({ from: '2026-11-01', step: 10 }, nowMs)), /step is too small/);
});
