/** What whoever is woken at three finds: a severity that routes, words, a runbook that exists, and a case that proves it. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { alertRules, DEPLOY } from './rules.ts';

/** Fires at the first sight on purpose: what is lost is lost. */
const AT_ONCE = new Set(['SurgewatchRecordsSkipped']);

interface AlertCase {
  readonly alertname: string;
  readonly exp_alerts?: readonly { readonly exp_annotations: Readonly<Record<string, string>> }[];
}

suite('the alerts', () => {
  test('each has a severity, a waiting time, a summary of one line and a description that says what it means', () => {
    for (const { alert, labels = {}, annotations = {}, ...rule } of alertRules()) {
      assert.match(labels['severity'] ?? '', /^(critical|warning)$/, alert);
      assert.deepEqual(Object.keys(labels), ['severity'], `${alert}: a label more would be another alert`);
      assert.ok(rule.for !== undefined || AT_ONCE.has(alert), `${alert} fires at the first sight`);
      assert.ok((annotations['summary'] ?? '').length < 120 && !annotations['summary']?.includes('\n'), alert);
      assert.ok((annotations['description'] ?? '').length > 80, alert);
    }
  });

  test("each names a runbook whose heading is the alert's own name", () => {
    for (const { alert, annotations = {} } of alertRules()) {
      const [path = '', anchor = ''] = (annotations['runbook_url'] ?? '').split('#');
      const file = new URL(`../${path}`, DEPLOY);
      assert.ok(existsSync(file), `${alert}: ${path} does not exist`);
      const headings = [...readFileSync(file, 'utf8').matchAll(/^## (.+)$/gm)].map(([, heading = '']) => heading);
      assert.ok(headings.includes(alert), `${path} has no heading ${alert}`);
      assert.equal(anchor, alert.toLowerCase(), alert);
    }
  });

  test('each has a case that fires and one that does not', () => {
    const cases = testCases();
    for (const { alert } of alertRules()) {
      const own = cases.filter(({ alertname }) => alertname === alert);
      assert.ok(
        own.some(({ exp_alerts = [] }) => exp_alerts.length > 0),
        `no case lets ${alert} fire`,
      );
      assert.ok(
        own.some(({ exp_alerts = [] }) => exp_alerts.length === 0),
        `no case keeps ${alert} quiet`,
      );
    }
  });

  test('no wording has a hole where a value should stand', () => {
    for (const { alertname, exp_alerts = [] } of testCases()) {
      for (const text of exp_alerts.flatMap(({ exp_annotations }) => Object.values(exp_annotations))) {
        assert.doesNotMatch(text, /no value|NaN|error calling|\(\)|: \.| {2}|^ | $/, alertname);
      }
    }
  });
});

function testCases(): readonly AlertCase[] {
  return globSync('prometheus/tests/*.yml', { cwd: fileURLToPath(DEPLOY) }).flatMap((file) => {
    // A parser's cast: promtool checks the file's shape.
    const { tests } = parse(readFileSync(new URL(file, DEPLOY), 'utf8')) as { tests: { alert_rule_test?: AlertCase[] }[] };
    return tests.flatMap(({ alert_rule_test = [] }) => alert_rule_test);
  });
}
