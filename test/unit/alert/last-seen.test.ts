/** Which counts are the first of a code, or the first in a while. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AWAY_SECONDS } from '../../../src/alert/code-news.ts';
import { createLastSeen } from '../../../src/alert/last-seen.ts';

const AT = 1_800_000_000;
const count = (code: string, bucketStartSeconds: number, errors = 1) => ({ code, bucketStartSeconds, count: errors });

test('a code that is not known is sighted once, at its first bucket, in whatever order the counts come', () => {
  const { note } = createLastSeen(new Map());
  const sighting = { code: 'A', atSeconds: AT, count: 5, lastSeenSeconds: null };
  assert.deepEqual(note([count('A', AT + 10, 3), count('A', AT, 2)]), [sighting]);
  assert.deepEqual(note([count('A', AT + 20)]), []);
});
test('a code that was known at the start is sighted after a week, with when it was last seen', () => {
  const seen = AT - AWAY_SECONDS;
  const { note } = createLastSeen(new Map([['A', seen]]));
  assert.deepEqual(note([count('A', AT - 10)]), [], 'a little less than a week is nothing');
  const again = AT - 10 + AWAY_SECONDS;
  assert.deepEqual(note([count('A', again)]), [{ code: 'A', atSeconds: again, count: 1, lastSeenSeconds: AT - 10 }]);
});
test('counts that came late, from before it was last seen, change nothing', () => {
  const { note } = createLastSeen(new Map([['A', AT]]));
  assert.deepEqual(note([count('A', AT - 2 * AWAY_SECONDS)]), []);
  assert.deepEqual(note([count('A', AT + 10)]), [], 'it was seen just now');
  assert.deepEqual(note([count('A', AT + 10 + AWAY_SECONDS)])[0]?.lastSeenSeconds, AT + 10);
});
test('a pair inside a code is never sighted: its surge says that it is new', () => {
  assert.deepEqual(createLastSeen(new Map()).note([count('VALIDATION_ERROR email REQUIRED', AT)]), []);
});
