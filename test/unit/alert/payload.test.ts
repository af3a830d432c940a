/** Labels are an identity, annotations are read at three in the morning: both are asserted word for word. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type AlertLinks, blindAlert, spikeAlert, spikeLabels, watchdogAlert } from '../../../src/alert/payload.ts';
import { NO_EVIDENCE, type SpikeRecord } from '../../../src/alert/spike.ts';
import type { Catalogue, CodeEntry } from '../../../src/catalogue/catalogue.ts';

const NOW = Date.UTC(2026, 10, 24, 14, 8, 20);
const words = { meaning: '', callerAdvice: '', supportWords: '', isRetryable: false };
const credentials: CodeEntry = {
  ...words,
  code: 'INVALID_CREDENTIALS',
  status: 401,
  fault: null,
  severity: null,
  team: 'identity',
  detailKeys: [],
  expectedMinimum: null,
};
const upstream: CodeEntry = {
  ...credentials,
  code: 'UPSTREAM_GONE',
  status: 404,
  fault: 'server',
  severity: 'warning',
  team: null,
};
const catalogue: Catalogue = { codes: new Map([credentials, upstream].map((entry) => [entry.code, entry])), statuses: new Map() };
const links: AlertLinks = {
  publicUrl: 'https://errors.example/watch',
  alertmanagerPublicUrl: 'https://alerts.example/am/',
  dashboardUrl: 'https://grafana.example/d/surgewatch',
  runbookUrl: 'https://runbooks.example/surge',
};
const noLinks: AlertLinks = {
  publicUrl: 'http://127.0.0.1:8080',
  alertmanagerPublicUrl: null,
  dashboardUrl: null,
  runbookUrl: null,
};

const spike: SpikeRecord = {
  id: '7',
  kind: 'surge',
  code: 'INVALID_CREDENTIALS',
  status: '401',
  state: 'firing',
  startsAtMs: Date.UTC(2026, 10, 24, 14, 3),
  openedAtMs: Date.UTC(2026, 10, 24, 14, 7, 50),
  closedAtMs: null,
  closeReason: null,
  detectedAtMs: NOW,
  firstAcceptedAtMs: null,
  resolvedAtMs: null,
  isLate: false,
  observed: 412,
  expected: 41.3,
  windowSeconds: 300,
  score: 12,
  labels: spikeLabels({ kind: 'surge', code: 'INVALID_CREDENTIALS', status: 401 }, catalogue, {}),
  evidence: {
    requestIds: ['req/1', 'req-2', 'req-3'],
    dominantDetail: { key: 'release', value: '4.2.0', shareRatio: 0.934, beforeRatio: 0.03 },
    winner: { windowSeconds: 480, observed: 436, expected: 66 },
    falseAlarmsPerYear: 0.02,
    clients: { count: 1, isLeast: false, only: 'acme-mobile', hourBeforeCount: 9 },
    otherCodes: { observed: 610, expected: 590 },
    traffic: null,
    missing: [],
  },
  pair: null,
  lastSeenAtMs: null,
  breadth: null,
  coveredBy: null,
  escalation: null,
};
const pair = { field: 'items[].sku', code: 'REQUIRED' };
const firing = { nowMs: NOW, phase: 'firing', isLate: false } as const;

describe('labels', () => {
  test('name the field and the sub-code that surge inside a code, whatever is configured', () => {
    const labels = spikeLabels({ kind: 'surge', code: 'VALIDATION_ERROR', pair, status: 422 }, catalogue, { field: 'mine' });
    assert.deepEqual([labels['field'], labels['field_code']], ['items[].sku', 'REQUIRED']);
    assert.ok(!('field' in spikeLabels({ kind: 'surge', code: 'VALIDATION_ERROR', status: 422 }, catalogue, { field: 'mine' })));
  });
  const labelsOf = (code: string, status: number | null, given = {}) =>
    spikeLabels({ kind: 'surge', code, status }, catalogue, given);

  test('name the code, whose fault it is and who looks after it', () => {
    assert.deepEqual(labelsOf('INVALID_CREDENTIALS', 401), {
      alertname: 'ApiErrorSpike',
      code: 'INVALID_CREDENTIALS',
      status: '401',
      fault: 'client',
      severity: 'warning',
      team: 'identity',
    });
  });
  test('take fault and severity from the catalogue where it states them, and leave out an empty team', () => {
    const { fault, severity, team } = labelsOf('UPSTREAM_GONE', 404);
    assert.deepEqual({ fault, severity, team }, { fault: 'server', severity: 'warning', team: undefined });
  });
  test('of a code and status nobody knows are a critical server fault', () => {
    const { status, fault, severity } = labelsOf('WHO_KNOWS', null);
    assert.deepEqual({ status, fault, severity }, { status: 'unknown', fault: 'server', severity: 'critical' });
  });
  test('of the installation are added and lose to ours, even to one of ours that is absent', () => {
    const labels = labelsOf('UPSTREAM_GONE', 404, {
      env: 'prod',
      code: 'MINE',
      team: 'mine',
      severity: 'none',
      'not-valid': 'x',
      empty: '',
    });
    assert.deepEqual(labels, {
      env: 'prod',
      alertname: 'ApiErrorSpike',
      code: 'UPSTREAM_GONE',
      status: '404',
      fault: 'server',
      severity: 'warning',
    });
  });
  test('hold no character that a receiver could take as more than text', () => {
    assert.equal(labelsOf('A\u0000B\r\nC\u202eD\ud800', null)['code'], 'A B C D\ufffd');
    assert.equal([...(labelsOf('X'.repeat(1000), null)['code'] ?? '')].length, 256);
  });
});

describe('a firing alert', () => {
  test('says what happens, how much, since when, and where to look next', () => {
    assert.deepEqual(spikeAlert(spike, firing, links), {
      labels: spike.labels,
      annotations: {
        summary: 'INVALID_CREDENTIALS (401, client fault): 412 errors in 5 minutes, 10 times the expected 41, since 14:03 UTC',
        description:
          '412 errors in 5 minutes, 10 times the expected 41, since about 14:03 UTC. release=4.2.0: 93 % of the errors since the onset, 3 % before. From 1 client (acme-mobile); 9 in the hour before. Other codes are as usual (1.0 times expected): this code alone. It stood out most over 8 minutes: 436 errors, 66 expected. By chance a surprise of this size comes less than once in 10 years in this installation. By its status each caller is at fault; so many at once may mean a change on our side or a partner’s.',
        request_ids: 'req/1, req-2, req-3',
        dominant_detail: 'release=4.2.0: 93 % of the errors since the onset, 3 % before',
        runbook_url: 'https://runbooks.example/surge',
        dashboard_url: 'https://grafana.example/d/surgewatch',
        lookup_url: 'https://errors.example/watch/requests/req%2F1',
        silence_url: `https://alerts.example/am/#/silences/new?filter=${encodeURIComponent('{alertname="ApiErrorSpike",code="INVALID_CREDENTIALS",status="401"}')}`,
      },
      startsAt: '2026-11-24T14:03:00.000Z',
      endsAt: '2026-11-24T14:23:20.000Z',
      generatorURL: 'https://errors.example/watch/spikes/7',
    });
  });
  test('names the pair that surges inside a code, and silences that alone', () => {
    const ofCode = { code: 'VALIDATION_ERROR', status: '422', kind: 'surge' } as const;
    const labels = spikeLabels({ ...ofCode, pair, status: 422 }, catalogue, {});
    const { summary, description, silence_url } = spikeAlert({ ...spike, ...ofCode, pair, labels }, firing, links).annotations;
    assert.equal(
      summary,
      'VALIDATION_ERROR on items[].sku (REQUIRED): 412 errors in 5 minutes, 10 times the expected 41, since 14:03 UTC: a client release or a tightened schema',
    );
    assert.match(
      description ?? '',
      /^412 errors in 5 minutes, .* Errors on items\[\]\.sku alone: so it looks when a client release/,
    );
    assert.match(
      decodeURIComponent(silence_url ?? ''),
      /code="VALIDATION_ERROR",field="items\[\]\.sku",field_code="REQUIRED",status="422"/,
    );
  });
  test('says how bad it is now where it got worse, beside what it opened with, and leaves the warning as it was', () => {
    const escalation = { atMs: NOW, observed: 6200, expected: 40, windowSeconds: 300 };
    const worse = { ...spike, escalation };
    const critical = spikeAlert({ ...worse, labels: { ...spike.labels, severity: 'critical' } }, firing, links);
    assert.equal(
      critical.annotations['summary'],
      'INVALID_CREDENTIALS (401, client fault) got worse: 6,200 errors in 5 minutes, 155 times the expected 40, since 14:03 UTC',
    );
    assert.match(
      critical.annotations['description'] ?? '',
      /^6,200 errors .*, since about 14:03 UTC\. It opened as a warning at 14:07 UTC, with 10 times the expected\. /,
    );
    const warning = spikeAlert(spike, firing, links);
    assert.deepEqual(spikeAlert(worse, firing, links), warning);
    assert.equal(critical.annotations['silence_url'], warning.annotations['silence_url'], 'one silence holds for both');
  });
  test('leaves out every link and every piece of evidence that there is not', () => {
    const bare = { ...spike, evidence: NO_EVIDENCE };
    assert.deepEqual(Object.keys(spikeAlert(bare, firing, noLinks).annotations), ['summary', 'description']);
  });
  test('says that it is late, and that it is over', () => {
    const over = { ...spike, openedAtMs: NOW - 40 * 60_000, closedAtMs: NOW - 30 * 60_000 };
    const { lateness, description } = spikeAlert(over, { ...firing, isLate: true }, noLinks).annotations;
    assert.equal(lateness, 'Told 40 minutes late: surgewatch or Alertmanager was held up. It was over at 13:38 UTC.');
    assert.match(description ?? '', /It is back to normal since 13:38 UTC\./);
  });
});

describe('a resolved alert', () => {
  test('ends when it was resolved, the same at every repeat', () => {
    const resolved = { ...spike, state: 'resolved', resolvedAtMs: NOW - 60_000 } as const;
    assert.equal(spikeAlert(resolved, { ...firing, phase: 'resolved' }, noLinks).endsAt, '2026-11-24T14:07:20.000Z');
  });
  test('never ends before it starts, which Alertmanager refuses', () => {
    const ahead = { ...spike, startsAtMs: NOW + 1000, resolvedAtMs: NOW };
    const { startsAt, endsAt } = spikeAlert(ahead, { ...firing, phase: 'resolved' }, noLinks);
    assert.equal(endsAt, startsAt);
  });
});

test('the watchdog lapses 90 s after it was last pushed', () => {
  const { labels, endsAt } = watchdogAlert({ nowMs: NOW, startedAtMs: NOW - 1000 }, links, { env: 'prod' });
  assert.deepEqual(labels, { env: 'prod', alertname: 'SurgewatchWatchdog', severity: 'none' });
  assert.equal(endsAt, '2026-11-24T14:09:50.000Z');
});

test('blindness says since when, and ends when it ended', () => {
  const blindSinceMs = NOW - 600_000;
  const blind = blindAlert({ nowMs: NOW, blindSinceMs, endedAtMs: null }, links, {});
  assert.equal(blind.labels['alertname'], 'SurgewatchDetectorBlind');
  assert.equal(blind.annotations['summary'], 'surgewatch has been blind since 13:58 UTC: newer errors are not evaluated yet');
  assert.equal(blind.endsAt, '2026-11-24T14:23:20.000Z');
  assert.equal(blindAlert({ nowMs: NOW, blindSinceMs, endedAtMs: NOW - 1000 }, links, {}).endsAt, '2026-11-24T14:08:19.000Z');
});
