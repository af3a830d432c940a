/** A panel turns red at the number at which its alert fires: dashboards and rules hold the same ones. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as thresholds from '../../../dashboards/thresholds.ts';
import { type DashboardFile, panelsOf, readDashboard } from '../../support/panel-queries.ts';
import { alertRules, readRules } from './rules.ts';

/** Panel -> the rule whose number it shows, and how the rule writes it. */
const SAME_NUMBER: readonly (readonly [file: DashboardFile, panel: string, rule: string, text: string, value: number])[] = [
  ['surgewatch.json', "Detector's last tick, ago", 'SurgewatchDetectorStale', '> 60', thresholds.DETECTOR_STALE_SECONDS],
  ['surgewatch.json', 'Last tick of the detector, ago', 'SurgewatchDetectorStale', '> 60', thresholds.DETECTOR_STALE_SECONDS],
  ['surgewatch.json', 'Kafka records waiting', 'SurgewatchConsumerLagHigh', '> 10000', thresholds.CONSUMER_LAG_RECORDS],
  [
    'surgewatch.json',
    'Records waiting, by Kafka partition',
    'SurgewatchConsumerLagHigh',
    '> 10000',
    thresholds.CONSUMER_LAG_RECORDS,
  ],
  ['surgewatch.json', 'Rejected for what they are', 'SurgewatchRejectRateHigh', '> 0.05', thresholds.REJECTED_RATIO],
  ['surgewatch.json', 'New dead letters, most of one reason', 'SurgewatchDlqGrowing', '> 10', thresholds.DEAD_LETTERS_COUNT],
  ['surgewatch.json', 'New dead letters, by reason', 'SurgewatchDlqGrowing', '> 10', thresholds.DEAD_LETTERS_COUNT],
  ['surgewatch.json', 'Pushes that failed', 'SurgewatchAlertmanagerUnreachable', '> 0.1', thresholds.PUSHES_FAILED_RATIO],
  ['surgewatch.json', 'Kafka partitions paused', 'SurgewatchPartitionPaused', '== 1', 1],
  ['api-errors.json', 'Times normal, by code', 'code_status:surgewatch_errors:rate5m_surging', '> 5 *', thresholds.SURGE_FACTOR],
];

test('a panel turns red at the number of its alert', async () => {
  for (const [file, title, name, text, value] of SAME_NUMBER) {
    const exprs = readRules().flatMap(({ alert, record, expr }) => (name === (alert ?? record) ? [expr] : []));
    assert.ok(exprs.length > 0, `${name} is gone`);
    for (const expr of exprs) assert.ok(expr.includes(text), `${name} has no "${text}" in ${expr}`);
    assert.equal(Number(text.replaceAll(/[^\d.]/g, '')), value, `${name}: the rule's number is not that of thresholds.ts`);
    const panel = panelsOf(await readDashboard(file)).find((each) => each.title === title);
    assert.equal(panel?.fieldConfig?.defaults.thresholds?.steps.at(-1)?.value, value, title);
  }
});

test('every number that both know is held', () => {
  const numbers = Object.entries(thresholds).flatMap(([name, value]) =>
    typeof value === 'number' ? [[name, value] as const] : [],
  );
  const held = new Set(SAME_NUMBER.map(([, , , , value]) => value));
  const surging = readRules().find(({ record }) => record === 'code_status:surgewatch_errors:rate5m_surging');
  assert.equal(
    surging?.expr.split(`rate5m > ${thresholds.SURGE_FLOOR_PER_SECOND}`).length,
    3,
    'both kinds of surge have the floor',
  );
  for (const [name, value] of numbers.filter(([each]) => each !== 'SURGE_FLOOR_PER_SECOND')) assert.ok(held.has(value), name);
});

test('rules and dashboards agree on what is harmless and what is the client', () => {
  const harmless = `reason!~"${thresholds.HARMLESS_REASONS.join('|')}"`;
  const narrowed = readRules().filter(({ expr }) => expr.includes('reason!~'));
  assert.ok(narrowed.length >= 3);
  for (const { expr } of narrowed) {
    for (const [matcher] of expr.matchAll(/reason!~"[^"]*"/g)) assert.equal(matcher, harmless);
  }
  const paging = alertRules().filter(
    ({ alert, labels }) => alert === 'ApiErrorSurgeByRule' && labels?.['severity'] === 'critical',
  );
  assert.deepEqual(
    paging.map(({ expr }) => expr.includes(`status!~"${thresholds.CLIENT_STATUS}"`)),
    [true],
  );
});
