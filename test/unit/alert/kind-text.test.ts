/** What the kinds beside a surge say at three in the morning, word for word. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { allCodesText, newCodesText, returningText, silentText } from '../../../src/alert/kind-text.ts';
import { newCodesAlert, spikeAlert, spikeLabels } from '../../../src/alert/payload.ts';
import { spikeRecord } from '../../support/spike-record.ts';

const START = Date.UTC(2026, 10, 24, 14, 3);
const NOW = START + 10 * 60_000;
const DAY = 24 * 3_600_000;
const links = { publicUrl: 'http://s.test', alertmanagerPublicUrl: 'http://a.test', dashboardUrl: null, runbookUrl: null };
const catalogue = { codes: new Map(), statuses: new Map() };
const firing = { nowMs: NOW, phase: 'firing', isLate: false } as const;
const labels = spikeLabels({ kind: 'new_code', code: 'GONE', status: 502 }, catalogue, { env: 'prod' });
const fresh = (code: string, parts = {}) =>
  spikeRecord({ kind: 'new_code', code, status: '502', observed: 2, expected: 0, windowSeconds: 10, labels, ...parts });

describe('the digest of new codes', () => {
  test('has labels that name no code', () => {
    assert.deepEqual(labels, {
      alertname: 'ApiErrorNewCode',
      code: '_new',
      status: '_new',
      fault: 'server',
      severity: 'warning',
      env: 'prod',
    });
  });
  test('names one code, its errors and what to do', () => {
    assert.deepEqual(newCodesText([fresh('GONE')], NOW), {
      summary: 'A code never seen before: GONE (502), since 14:03 UTC',
      description:
        'The API answers a code that no error had before and the catalogue does not list: GONE (502), 2 errors at 14:03 UTC. Most often a release brought it; many at once may be a sender who makes codes up. Add to the catalogue what is meant to be, so that support has words for it. Each is told for an hour.',
      codes: 'GONE',
    });
  });
  test('names three of many, lists twenty, and keeps hostile ones to a short line', () => {
    const many = Array.from({ length: 4_000 }, (_, n) => fresh(`X${n}\u202e\n${'y'.repeat(300)}`, { status: 'unknown' }));
    const { summary, description, codes } = newCodesText(many, NOW);
    assert.match(summary, /^4,000 codes never seen before: X0 y+…, X1 y+…, X2 y+… and 3,997 more, since 14:03 UTC$/);
    assert.match(description, /; and 3,980 more\. Most often/);
    assert.ok(summary.length < 300 && description.length < 3_000 && codes.length < 1_500);
    assert.doesNotMatch(summary + description + codes, /[\n\u202e]/);
  });
  test('starts with the oldest, shows a request of each of the newest, and ends with the last', () => {
    const evidence = (id: string) => ({ evidence: { ...spikeRecord().evidence, requestIds: [id, 'older'] } });
    const codes = [
      fresh('A', { id: '4', startsAtMs: START, resolvedAtMs: NOW - 120_000, ...evidence('a') }),
      fresh('B', { id: '5', startsAtMs: START + 60_000, resolvedAtMs: NOW - 60_000, ...evidence('b') }),
    ];
    const alert = newCodesAlert(codes, { ...firing, phase: 'resolved' }, links);
    assert.equal(alert?.startsAt, new Date(START).toISOString());
    assert.equal(alert?.endsAt, new Date(NOW - 60_000).toISOString());
    assert.equal(alert?.annotations['request_ids'], 'a, b');
    assert.equal(alert?.annotations['codes'], 'A, B');
    assert.equal(alert?.generatorURL, 'http://s.test/spikes/4');
    assert.match(alert?.annotations['silence_url'] ?? '', /code%3D%22_new%22/);
  });
  test('is no alert when there is no code', () => {
    assert.equal(newCodesAlert([], firing, links), null);
  });
});

describe('a returning code', () => {
  const back = spikeRecord({ kind: 'returning_code', code: 'GONE', status: '502', observed: 1, labels: { fault: 'server' } });
  test('says for how long it was away', () => {
    assert.deepEqual(returningText({ ...back, lastSeenAtMs: START - 12.5 * DAY }, NOW), {
      summary: 'GONE (502, server fault) is back after 12 days without one, since 14:03 UTC',
      description:
        'The API answers GONE again: 1 error at 14:03 UTC, the first after 12 days. What had been mended or switched off may be undone, by a release, a changed setting or a caller who is back. This alert ends by itself after an hour; should the errors grow, their surge is told apart.',
    });
  });
  test('says no more than is known', () => {
    assert.match(returningText(back, NOW).summary, /is back after a week or more without one/);
  });
});

describe('a silent code', () => {
  const silent = spikeRecord({ kind: 'silent_code', code: 'DECLINED', observed: 0, expected: 5, windowSeconds: 3600 });
  test('says what is missing, and that other errors do come', () => {
    assert.deepEqual(silentText({ ...silent, lastSeenAtMs: START - 600_000 }, NOW), {
      summary: 'No DECLINED in 1 hour, where at least 5 always come, while other codes flow',
      description:
        'No DECLINED came in 1 hour; the catalogue expects at least 5. The last one came at 13:53 UTC. Other codes come as ever, so errors do reach us: the requests that end in this one may no longer get that far, or the check that answers it is off.',
    });
  });
  test('says how few came, and since when it flows again', () => {
    const { summary, description } = silentText({ ...silent, observed: 2, closedAtMs: NOW }, NOW);
    assert.match(summary, /^Only 2 of DECLINED in 1 hour, where at least 5/);
    assert.match(description, /It flows again since 14:13 UTC\.$/);
  });
});

describe('all codes together', () => {
  const breadth = { risenCount: 8, fairCount: 10, codes: ['A', 'B', 'C'] };
  const all = spikeRecord({
    kind: 'all_codes',
    code: '_all',
    status: '_all',
    observed: 1240,
    expected: 400,
    windowSeconds: 180,
    breadth,
  });
  test('say how many of how many, by how much, and that it is no fault of one', () => {
    assert.deepEqual(allCodesText(all, NOW), {
      summary: 'All codes rose together (8 of 10 codes): 1,240 errors in 3 minutes, 3.1 times the expected 400, since 14:03 UTC',
      description:
        '8 of 10 codes that are common enough to tell rose by about the same factor: 1,240 errors in 3 minutes, 3.1 times the expected 400, taken together. It began about 14:03 UTC. So many at once are more traffic, or a fault that all requests share, and not a fault of one code; look at the number of requests first. Risen: A, B, C and 5 more. They are not told one by one; a code that rises much more than the others still is.',
    });
  });
});

test('each kind is told in its own words', () => {
  const said = (['surge', 'all_codes', 'new_code', 'returning_code', 'silent_code'] as const).map((kind) => {
    return spikeAlert(spikeRecord({ kind }), firing, links).annotations['summary'];
  });
  assert.equal(new Set(said).size, 5);
});
