/**
 * Every metric and label that a dashboard, a rule or an annotation names must exist in the registry. A name that does not
 * makes a panel empty and an alert silent, and nothing else would say so.
 */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { addProcessMetrics, createMetrics, createRegistry } from '../../../src/metrics.ts';
import { DASHBOARD_FILES, readDashboard, readPanelQueries } from '../../support/panel-queries.ts';
import { readRules } from './rules.ts';

/** Labels that the scrape adds to everything. */
const TARGET_LABELS = ['job', 'instance', 'pod'];

const known = registeredLabels();
const rules = readRules();
/** A recorded series says its labels in front: `code_status:…` has code and status. */
const recorded = new Map(
  rules.flatMap(({ record = '' }) => (record === '' ? [] : [[record, new Set(record.split(':', 1)[0]?.split('_'))] as const])),
);

suite('names in dashboards and rules', () => {
  for (const file of DASHBOARD_FILES) {
    test(`${file} asks only for what is exposed`, async () => {
      for (const { panel, expr } of await readPanelQueries(file)) assertKnown(expr, `panel "${panel}"`);
      for (const { name, query } of (await readDashboard(file)).templating.list) {
        if (typeof query === 'object') assertKnown(query.query, `variable ${name}`);
      }
    });
  }

  test('the rules ask only for what is exposed, in their wording too', () => {
    for (const { alert, record, expr, annotations = {} } of rules) {
      const name = alert ?? record ?? '';
      assertKnown(expr, name);
      for (const text of Object.values(annotations)) {
        for (const [, query = ''] of text.matchAll(/query (?:\(printf )?"((?:[^"\\]|\\.)*)"/g)) {
          assertKnown(query.replaceAll('\\"', '"').replaceAll('%q', '"x"'), name);
        }
      }
    }
  });

  test('a name or a label that does not exist is found', () => {
    assert.throws(() => assertKnown('sum by (code) (rate(surgewatch_eror_total[5m]))', 'a slip'), /surgewatch_eror_total/);
    assert.throws(() => assertKnown('surgewatch_errors_total{cod="x"}', 'a slip'), /cod\b/);
    assert.throws(() => assertKnown('sum by (stauts) (surgewatch_errors_total)', 'a slip'), /stauts/);
  });

  test('every metric of ours is drawn somewhere', async () => {
    const all = await Promise.all(DASHBOARD_FILES.map(readPanelQueries));
    const text = all.flat().map(({ expr }) => expr);
    const ours = [...known.keys()].filter((name) => name.startsWith('surgewatch_') && !/_(bucket|sum|count)$/.test(name));
    const undrawn = ours.filter((name) => !text.some((expr) => expr.includes(name)));
    assert.deepEqual(undrawn, []);
  });
});

/** Name of each series as Prometheus sees it -> its label names. */
function registeredLabels(): ReadonlyMap<string, ReadonlySet<string>> {
  const registry = createRegistry();
  createMetrics(registry);
  addProcessMetrics(registry);
  const found = new Map<string, ReadonlySet<string>>([['up', new Set()]]);
  for (const metric of registry.getMetricsAsArray()) {
    // prom-client keeps them in a field that its types leave out.
    const labels = 'labelNames' in metric && Array.isArray(metric.labelNames) ? metric.labelNames.map(String) : [];
    found.set(metric.name, new Set(labels));
    for (const suffix of ['_bucket', '_sum', '_count']) found.set(metric.name + suffix, new Set([...labels, 'le']));
  }
  return found;
}

function assertKnown(expr: string, where: string): void {
  const plain = expr.replaceAll(/\[[^\]]*\]/g, '');
  const names = metricsIn(plain);
  assert.ok(names.length > 0, `${where} names no metric: ${expr}`);
  const allowed = new Set(TARGET_LABELS);
  for (const name of names) {
    const labels = known.get(name) ?? recorded.get(name);
    assert.ok(labels !== undefined, `${where} names ${name}, which is not exposed`);
    for (const label of labels) allowed.add(label);
  }
  for (const [, name = '', matchers = ''] of plain.matchAll(/([a-zA-Z_:][\w:]*)\{([^}]*)\}/g)) {
    const labels = recorded.get(name) ?? known.get(name) ?? new Set();
    for (const [, label = ''] of matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)) {
      assert.ok(labels.has(label) || TARGET_LABELS.includes(label), `${where}: ${name} has no label ${label}`);
    }
  }
  for (const label of labelsIn(plain)) assert.ok(allowed.has(label), `${where} groups by ${label}, which nothing in it carries`);
}

/** Metric names, recorded ones included: words with our prefixes, or `up`. */
function metricsIn(expr: string): readonly string[] {
  const withoutText = expr.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');
  return withoutText.match(/(?:\b\w+:)?\b(?:surgewatch|process|nodejs)_[\w:]+|\bup\b(?=\{| )/g) ?? [];
}

/** Labels named in `by (…)`, `without (…)`, `on (…)` and their like. */
function labelsIn(expr: string): ReadonlySet<string> {
  const lists = [...expr.matchAll(/\b(?:by|without|on|ignoring|group_left)\s*\(([^)]*)\)/g)];
  const named = lists.flatMap(([, list = '']) => list.split(',')).map((label) => label.trim());
  return new Set(named.filter((label) => label !== ''));
}
