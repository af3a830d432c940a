/** What is called normal on a page: the middle of the same time on the days before. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSpan } from '../../../src/http/span.ts';
import { median, spansBefore, withUsual } from '../../../src/http/usual.ts';

const DAY_MS = 86_400_000;
const FROM_MS = Date.UTC(2026, 0, 20, 12);
const TO_MS = FROM_MS + 3_600_000;
const STEP_SECONDS = 600;

/** One error in each minute of all spans, and `extra` ones of which the test knows. */
function steadyBuckets(extra: readonly { readonly startMs: number; readonly count: number }[] = []) {
  const steady = spansBefore(FROM_MS, TO_MS).flatMap(({ fromMs, toMs }) =>
    Array.from({ length: (toMs - fromMs) / 60_000 }, (_each, minute) => ({ startMs: fromMs + minute * 60_000, count: 1 })),
  );
  return [...steady, ...extra].sort((a, b) => a.startMs - b.startMs);
}

test('the middle of no numbers is unknown', () => {
  assert.equal(median([]), null);
  assert.equal(median([5, 1, 3]), 3);
  assert.equal(median([4, 1, 3, 2]), 2.5);
});

test('a steady code is expected as it always was, and every step of the span is there', () => {
  const points = withUsual({
    buckets: steadyBuckets(),
    fromMs: FROM_MS,
    toMs: TO_MS,
    stepSeconds: STEP_SECONDS,
    knownSinceMs: 0,
  });
  assert.deepEqual(
    points.map(({ count, expected }) => [count, expected]),
    Array(6).fill([10, 10]),
  );
  assert.ok(
    points.every(
      ({ expectedLow, expectedHigh }) => expectedLow !== null && expectedHigh !== null && expectedLow < 10 && expectedHigh > 10,
    ),
  );
});

test('a spike on one day before moves neither the middle nor the band', () => {
  const spike = { startMs: FROM_MS - 2 * DAY_MS, count: 5_000 };
  const points = withUsual({
    buckets: steadyBuckets([spike]),
    fromMs: FROM_MS,
    toMs: TO_MS,
    stepSeconds: STEP_SECONDS,
    knownSinceMs: 0,
  });
  assert.ok(points.every(({ expected, expectedHigh }) => expected === 10 && (expectedHigh ?? 0) < 20));
});

test('less than a day of knowledge expects nothing', () => {
  const [point] = withUsual({
    buckets: [],
    fromMs: FROM_MS,
    toMs: TO_MS,
    stepSeconds: STEP_SECONDS,
    knownSinceMs: FROM_MS - DAY_MS,
  });
  assert.deepEqual(point, { startMs: FROM_MS, count: 0, expected: null, expectedLow: null, expectedHigh: null });
});

test('spans are in order, do not overlap, and become one when they would', () => {
  const spans = spansBefore(FROM_MS, TO_MS);
  assert.equal(spans.length, 8);
  assert.ok(spans.every(({ fromMs }, index) => index === 0 || fromMs >= (spans[index - 1]?.toMs ?? 0)));
  assert.equal(spansBefore(FROM_MS, FROM_MS + DAY_MS).length, 1);
});

test('a span is read from RFC 3339 and from epoch milliseconds, or refused in words', () => {
  const span = { fromMs: FROM_MS, toMs: TO_MS, stepSeconds: 10 };
  assert.deepEqual(readSpan({ from: '2026-01-20T12:00:00Z', to: String(TO_MS) }, 0), span);
  assert.deepEqual(readSpan({ to: '2026-01-20T14:00:00+01:00' }, 0), {
    fromMs: TO_MS - 6 * 3_600_000,
    toMs: TO_MS,
    stepSeconds: 60,
  });
  for (const asked of [
    { from: 'yesterday' },
    { from: String(TO_MS), to: String(FROM_MS) },
    { from: '1970-01-01' },
    { from: '2026-01-01', to: '2026-01-20', step: 10 },
  ]) {
    assert.equal(typeof readSpan(asked, TO_MS), 'string', JSON.stringify(asked));
  }
});
