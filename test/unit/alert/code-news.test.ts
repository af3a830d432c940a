/** When a code that comes is news, and when that news is over. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  AWAY_SECONDS,
  endsOfNews,
  FIRST_DAY_SECONDS,
  judgeSighting,
  NEWS_LASTS_MS,
  type Sighting,
} from '../../../src/alert/code-news.ts';
import { spikeRecord } from '../../support/spike-record.ts';

const AT = 1_800_000_000;
const always = [{ startSeconds: AT - 60 * 24 * 3600, endSeconds: AT }];
const judge = (parts: Partial<Sighting>, { isCatalogued = false, spans = always } = {}) =>
  judgeSighting({ code: 'CARRIER_GONE', atSeconds: AT, count: 1, lastSeenSeconds: null, ...parts }, { isCatalogued, spans });

describe('a code that nobody has seen before', () => {
  test('is new', () => {
    assert.equal(judge({}), 'new_code');
  });
  test('is no news when the catalogue lists it', () => {
    assert.equal(judge({}, { isCatalogued: true }), null);
  });
  test('is no news when it stands for codes past the cap', () => {
    assert.equal(judge({ code: '_other' }), null);
  });
  test('teaches the first day that was collected, however often that was interrupted, and is new after it', () => {
    const half = FIRST_DAY_SECONDS / 2;
    const apart = (missing: number) => [
      { startSeconds: AT - 10 * half, endSeconds: AT - 9 * half },
      { startSeconds: AT - half + missing, endSeconds: AT + half },
    ];
    assert.equal(judge({}, { spans: apart(1) }), null);
    assert.equal(judge({}, { spans: apart(0) }), 'new_code');
  });
});

describe('a code that was seen before', () => {
  test('returns when it was gone for a week', () => {
    assert.equal(judge({ lastSeenSeconds: AT - AWAY_SECONDS }), 'returning_code');
    assert.equal(judge({ lastSeenSeconds: AT - AWAY_SECONDS + 1 }), null);
  });
  test('returns also when the catalogue lists it', () => {
    assert.equal(judge({ lastSeenSeconds: AT - AWAY_SECONDS }, { isCatalogued: true }), 'returning_code');
  });
  test('was not gone while nobody listened', () => {
    const spans = [
      { startSeconds: AT - 2 * AWAY_SECONDS, endSeconds: AT - AWAY_SECONDS },
      { startSeconds: AT - 60, endSeconds: AT },
    ];
    assert.equal(judge({ lastSeenSeconds: AT - AWAY_SECONDS - 60 }, { spans }), null);
  });
});

test('news is over after an hour; a surge is not, and what is closed is not closed again', () => {
  const opened = { openedAtMs: AT * 1000, closedAtMs: null };
  const active = [
    spikeRecord({ ...opened, kind: 'new_code', code: 'A' }),
    spikeRecord({ ...opened, kind: 'returning_code', code: 'B' }),
    spikeRecord({ ...opened, kind: 'surge', code: 'C' }),
    spikeRecord({ ...opened, kind: 'new_code', code: 'D', closedAtMs: AT * 1000 + 1 }),
  ];
  const endMs = AT * 1000 + NEWS_LASTS_MS;
  assert.deepEqual(endsOfNews(active, endMs - 1), []);
  const close = { kind: 'close', closedAtMs: endMs, reason: 'told_for_an_hour' };
  assert.deepEqual(endsOfNews(active, endMs), [
    { ...close, of: 'new_code', code: 'A' },
    { ...close, of: 'returning_code', code: 'B' },
  ]);
});
