/** Every kind of spike in a sentence, and what is going on at a glance, however much of it there is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SpikeRecord } from '../../../src/alert/spike.ts';
import { render } from '../../../src/web/html.ts';
import { drawActiveSpikes, saySpike } from '../../../src/web/spike-card.ts';
import { createLink } from '../../../src/web/view.ts';
import { spikeRecord } from '../../support/spike-record.ts';

const START = Date.UTC(2026, 10, 24, 14, 3);
const DAY_MS = 86_400_000;
const view = { nowMs: START + 60_000, retentionDays: 30, link: createLink(null), siteUrl: 'http://s.test' };
const say = (parts: Partial<SpikeRecord>) => saySpike(spikeRecord({ observed: 2, expected: 0, windowSeconds: 10, ...parts }));

test('each kind says what it has seen against what', () => {
  const breadth = { risenCount: 8, fairCount: 10, codes: ['A'] };
  assert.equal(
    say({ observed: 412, expected: 41.2, windowSeconds: 300 }),
    '412 errors in 5 minutes, where 41 are normal: 10 times as many.',
  );
  assert.equal(
    say({ kind: 'all_codes', observed: 90, expected: 30, breadth }),
    '8 of 10 codes rose together: 90 errors in 10 seconds, where 30 are normal: 3 times as many.',
  );
  assert.equal(say({ kind: 'new_code' }), '2 errors in 10 seconds; this code had never come before.');
  assert.equal(
    say({ kind: 'returning_code', lastSeenAtMs: START - 12 * DAY_MS }),
    '2 errors in 10 seconds; the first after 12 days.',
  );
  assert.equal(say({ kind: 'returning_code' }), '2 errors in 10 seconds; none had come for a week or more.');
  assert.equal(
    say({ kind: 'silent_code', observed: 1, expected: 5, windowSeconds: 3600 }),
    '1 error in 1 hour, where at least 5 always come, while other codes flow.',
  );
});

test('thousands of new codes are thirty cards and a number, and hide no surge', () => {
  const fresh = Array.from({ length: 4_000 }, (_, n) => spikeRecord({ id: String(n + 2), kind: 'new_code', code: `NEW_${n}` }));
  const drawn = render(drawActiveSpikes(view, [...fresh, spikeRecord({ id: '1', code: 'SURGING' })]));
  assert.equal(drawn.match(/<article/g)?.length, 30);
  assert.ok(drawn.indexOf('SURGING') < drawn.indexOf('never seen before'));
  assert.match(drawn, /And 3971 more spikes/);
});

test('a surge that is told with all codes has no card of its own', () => {
  const all = spikeRecord({ id: '9', kind: 'all_codes', code: '_all' });
  const drawn = render(drawActiveSpikes(view, [all, spikeRecord({ id: '10', coveredBy: '9' })]));
  assert.equal(drawn.match(/<article/g)?.length, 1);
  assert.match(drawn, /All codes together/);
});
