/**
 * The shipped routing: who is told what, by Alertmanager's own tool; and what mutes what, by a real Alertmanager, since no
 * tool can say that.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { parse } from 'yaml';
import { type Alertmanager, startAlertmanager } from '../support/alertmanager.ts';
import { amtool } from '../support/prometheus.ts';
import { alertmanagerMissing, amtoolMissing, skipReason } from '../support/requirements.ts';
import { waitFor } from '../support/wait-for.ts';

const CONFIG = fileURLToPath(new URL('../../deploy/alertmanager/alertmanager.yml', import.meta.url));
const DEADLINE_MS = 20_000;

type Labels = Readonly<Record<string, string>>;

suite('the shipped routes', { skip: skipReason(amtoolMissing) }, () => {
  test('Alertmanager takes the configuration', async () => {
    const { code, output } = await amtool(['check-config', CONFIG]);
    assert.equal(code, 0, output);
  });

  const routes: readonly (readonly [receiver: string, labels: Labels])[] = [
    ['page', { alertname: 'ApiErrorSpike', code: 'GATEWAY_TIMEOUT', status: '504', severity: 'critical' }],
    ['channel', { alertname: 'ApiErrorSpike', code: 'TOKEN_EXPIRED', status: '401', severity: 'warning' }],
    ['page', { alertname: 'SurgewatchDatabaseDown', severity: 'critical' }],
    ['channel', { alertname: 'SurgewatchDlqGrowing', severity: 'warning' }],
    ['channel', { alertname: 'SomethingWithoutSeverity' }],
    ['dead-man', { alertname: 'SurgewatchWatchdog' }],
    ['dead-man', { alertname: 'SurgewatchWatchdog', severity: 'critical' }],
  ];
  for (const [receiver, labels] of routes) {
    const pairs = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
    test(`${pairs.join(' ')} goes to ${receiver}, and to nobody else`, async () => {
      const { code, output } = await amtool([
        'config',
        'routes',
        'test',
        `--config.file=${CONFIG}`,
        `--verify.receivers=${receiver}`,
        ...pairs,
      ]);
      assert.equal(code, 0, output);
    });
  }
});

suite('what mutes what', { skip: skipReason(alertmanagerMissing) }, () => {
  let alertmanager: Alertmanager;
  before(async () => {
    // A parser's cast: amtool checks the file's shape.
    const { inhibit_rules } = parse(readFileSync(CONFIG, 'utf8')) as { inhibit_rules: unknown };
    // JSON is YAML.
    alertmanager = await startAlertmanager({ extraConfig: `inhibit_rules: ${JSON.stringify(inhibit_rules)}\n` });
  });
  after(() => alertmanager.stop());

  const spike = { alertname: 'ApiErrorSpike', code: 'PAYMENT_FAILED', status: '402' };
  const byRule = { alertname: 'ApiErrorSurgeByRule', severity: 'warning' };
  const cases: readonly (readonly [name: string, source: Labels, muted: readonly Labels[], told: readonly Labels[]])[] = [
    [
      'a spike that got worse mutes its own warning and no other code, status or alert',
      { ...spike, severity: 'critical' },
      [{ ...spike, severity: 'warning' }],
      [
        { ...spike, code: 'TOKEN_EXPIRED', severity: 'warning' },
        { ...spike, status: '503', severity: 'warning' },
        { ...spike, alertname: 'ApiErrorReturningCode', severity: 'warning' },
        { alertname: 'SurgewatchDlqGrowing', severity: 'warning' },
      ],
    ],
    [
      'a spike of a whole code mutes those of its fields, and not the other way round',
      { ...spike, code: 'VALIDATION_ERROR', status: '422', severity: 'warning' },
      [{ ...spike, code: 'VALIDATION_ERROR', status: '422', severity: 'warning', field: 'email', field_code: 'REQUIRED' }],
      [{ ...spike, severity: 'warning', field: 'email', field_code: 'REQUIRED' }],
    ],
    [
      'a spike of a field leaves other fields of its code alone',
      { ...spike, severity: 'warning', field: 'email', field_code: 'REQUIRED' },
      [],
      [
        { ...spike, severity: 'warning', field: 'email', field_code: 'TOO_LONG' },
        { ...spike, severity: 'warning', field: 'phone', field_code: 'REQUIRED' },
      ],
    ],
    [
      'a field that got worse mutes its own warning and no other field',
      { ...spike, severity: 'critical', field: 'email', field_code: 'REQUIRED' },
      [{ ...spike, severity: 'warning', field: 'email', field_code: 'REQUIRED' }],
      [
        { ...spike, severity: 'warning', field: 'phone', field_code: 'REQUIRED' },
        { ...spike, severity: 'warning', field: 'email', field_code: 'TOO_LONG' },
      ],
    ],
    [
      'a field that got worse leaves its code alone',
      { ...spike, severity: 'critical', field: 'email', field_code: 'REQUIRED' },
      [],
      [{ ...spike, severity: 'warning' }],
    ],
    [
      'a code that is a warning does not mute its field that got worse',
      { ...spike, severity: 'warning' },
      [],
      [{ ...spike, severity: 'critical', field: 'email', field_code: 'REQUIRED' }],
    ],
    [
      'a code that got worse mutes all its fields',
      { ...spike, severity: 'critical' },
      [
        { ...spike, severity: 'warning', field: 'email', field_code: 'REQUIRED' },
        { ...spike, severity: 'critical', field: 'email', field_code: 'REQUIRED' },
      ],
      [],
    ],
    [
      'a spike mutes the plain rule for the same code, whatever the status',
      { ...spike, severity: 'warning' },
      [
        { ...byRule, code: 'PAYMENT_FAILED', status: '402' },
        { ...byRule, code: 'PAYMENT_FAILED', status: '503', severity: 'critical' },
      ],
      [{ ...byRule, code: 'TOKEN_EXPIRED', status: '401' }],
    ],
    [
      'a spike of all codes mutes the plain rule for each',
      { alertname: 'ApiErrorSpike', code: '_all', status: '_all', severity: 'critical' },
      [{ ...byRule, code: 'TOKEN_EXPIRED', status: '401' }],
      [{ ...spike, severity: 'warning' }],
    ],
    [
      'an alert on surgewatch itself mutes no code',
      { alertname: 'SurgewatchDown', severity: 'critical' },
      [{ alertname: 'SurgewatchReplicaDown', severity: 'warning' }, { alertname: 'SurgewatchDetectorBlind' }],
      [
        { ...spike, severity: 'warning' },
        { ...byRule, code: 'TOKEN_EXPIRED' },
        { alertname: 'SurgewatchDlqGrowing', severity: 'warning' },
      ],
    ],
    [
      'without a database only the database is told',
      { alertname: 'SurgewatchDatabaseDown', severity: 'critical' },
      [
        { alertname: 'SurgewatchConsumerLagHigh', severity: 'warning' },
        { alertname: 'SurgewatchDetectorStale', severity: 'critical' },
        { alertname: 'SurgewatchDetectorNoLeader', severity: 'critical' },
        { alertname: 'SurgewatchPartitionPaused', severity: 'critical' },
      ],
      [{ alertname: 'SurgewatchRecordsSkipped', severity: 'critical' }],
    ],
    [
      'the detector that says it is behind mutes the rule that says so',
      { alertname: 'SurgewatchDetectorBlind', severity: 'warning' },
      [{ alertname: 'SurgewatchDetectorBehind', severity: 'critical' }],
      [{ alertname: 'SurgewatchConsumerLagHigh', severity: 'warning' }],
    ],
  ];
  for (const [index, [name, source, muted, told]] of cases.entries()) {
    test(name, async () => {
      // `env` tells the cases apart in a failure; the last case's alerts have ended, since the rules do not look at it.
      const alerts = [source, ...muted, ...told].map((labels) => ({ ...labels, env: `case-${index}` }));
      const expected = ['active', ...muted.map(() => 'suppressed'), ...told.map(() => 'active')];
      await push(alertmanager.url, alerts, 300_000);
      let states: readonly string[] = [];
      try {
        const isSettled = async () => {
          states = await statesOf(alerts);
          return isDeepStrictEqual(states, expected);
        };
        await waitFor(isSettled, { deadlineMs: DEADLINE_MS, what: 'each alert to be told or muted' }).catch(() => {});
        assert.deepEqual(states, expected, JSON.stringify(alerts));
      } finally {
        await push(alertmanager.url, alerts, -1);
        await waitFor(async () => (await alertmanager.listAlerts()).length === 0, {
          deadlineMs: DEADLINE_MS,
          what: 'all alerts to end',
        });
      }
    });
  }

  async function statesOf(alerts: readonly Labels[]): Promise<readonly string[]> {
    const listed = new Map((await alertmanager.listAlerts()).map(({ labels, status }) => [keyOf(labels), status.state]));
    return alerts.map((labels) => listed.get(keyOf(labels)) ?? 'unprocessed');
  }
});

function keyOf(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort());
}

async function push(url: string, alerts: readonly Labels[], endsInMs: number): Promise<void> {
  const startsAt = new Date(Date.now() - 60_000).toISOString();
  const endsAt = new Date(Date.now() + endsInMs).toISOString();
  const response = await fetch(`${url}/api/v2/alerts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(alerts.map((labels) => ({ labels, startsAt, endsAt }))),
  });
  if (!response.ok) throw new Error(`Alertmanager answered ${response.status}: ${await response.text()}`);
}
