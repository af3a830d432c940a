/** What is said over the spikes while the detector may see less than there is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawHomePage } from '../../../src/web/home-page.ts';
import { render } from '../../../src/web/html.ts';
import { drawSpikesPage } from '../../../src/web/spike-pages.ts';
import { createLink } from '../../../src/web/view.ts';
import { drawWatchNotes, type Watch } from '../../../src/web/watch-notes.ts';

const NOW = Date.UTC(2026, 10, 24, 14, 10);
const MINUTE_MS = 60_000;
const view = { nowMs: NOW, retentionDays: 30, link: createLink(null), siteUrl: 'http://s.test' };
const well: Watch = { evaluatedUntilMs: NOW - 20_000, trafficKnownUntilMs: NOW - MINUTE_MS, isTrafficAsked: true, paused: [] };
const textOf = (watch: Partial<Watch>) =>
  render(drawWatchNotes(view, { ...well, ...watch }))
    .replace(/<[^>]+>/g, '')
    .trim();

test('nothing, while the detector keeps up and the traffic is known', () => {
  assert.equal(textOf({ evaluatedUntilMs: NOW - 2 * MINUTE_MS, trafficKnownUntilMs: NOW - 5 * MINUTE_MS }), '');
});

test('that a spike may be missing, once the detector is more than two minutes behind', () => {
  assert.equal(
    textOf({ evaluatedUntilMs: NOW - 9 * MINUTE_MS }),
    'The detector stands at today 14:01:00 UTC, 9 minutes ago. What came since is not judged yet: a spike may be going on that is not shown here.',
  );
  assert.match(textOf({ evaluatedUntilMs: null }), /^The detector has judged nothing yet: /);
});

test('that the traffic is not known, only where it is asked for', () => {
  assert.match(
    textOf({ trafficKnownUntilMs: NOW - 9 * MINUTE_MS }),
    /^Prometheus last told the traffic of today 14:01:00 UTC, 9 minutes ago\. It counts less and less/,
  );
  assert.match(textOf({ trafficKnownUntilMs: null }), /^Prometheus has not told the traffic yet: /);
  assert.equal(textOf({ trafficKnownUntilMs: null, isTrafficAsked: false }), '');
});

test('that a Kafka partition waits, since when, and where to read what to do', () => {
  const paused = {
    topic: 'errors',
    partition: 3,
    cause: 'rejected_in_a_row',
    detail: '100 in a row, mostly syntax',
    offset: '100',
    pausedAtMs: NOW - 9 * MINUTE_MS,
    skipTo: null,
  } as const;
  assert.equal(
    textOf({ paused: [paused] }),
    'The Kafka partition errors / 3 is not read since today 14:01:00 UTC, 9 minutes ago: its errors are neither stored nor watched until somebody decides. Why, and what to do.',
  );
  assert.match(textOf({ paused: [paused, paused] }), /^2 Kafka partitions are not read: their errors are neither stored/);
});

test('both stand where spikes are listed', () => {
  const watch = { ...well, evaluatedUntilMs: null, trafficKnownUntilMs: null };
  const past = { items: [], nextCursor: null };
  for (const page of [
    drawSpikesPage(view, { active: [], past, watch }),
    drawHomePage(view, { asked: null, candidates: [], isEmpty: false, spikes: [], codes: [], watch }),
  ]) {
    assert.match(page, /The detector has judged nothing yet/);
    assert.match(page, /Prometheus has not told the traffic yet/);
  }
});
