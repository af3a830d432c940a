/** The conventions every panel must keep, and the places on the grid. What no tool at hand checks. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DASHBOARD_FILES, type PanelJson, panelsOf, readDashboard, readPanelQueries } from '../../support/panel-queries.ts';

const UNITS = new Set(['cps', 'reqps', 's', 'short', 'percentunit', 'bytes']);
const COLUMNS = 24;
const CODE_LINK = `\${lookup_url}/codes/\${__field.labels.code}?from=\${__from}&to=\${__to}`;
/** A range selector, and whether it looks at another day. */
const RANGE = /\[([^\]]+)\](\s*offset)?/g;

test('the committed dashboards are what their TypeScript writes', () => {
  const build = fileURLToPath(new URL('../../../dashboards/build.ts', import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [build, '--check'], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
});

for (const file of DASHBOARD_FILES) {
  suite(file, async () => {
    const dashboard = await readDashboard(file);
    const panels = panelsOf(dashboard);

    test('the shell has a fixed uid, no id, and the same refresh and cursor for all', () => {
      assert.match(dashboard.uid, /^[a-z0-9-]{1,40}$/);
      assert.equal(dashboard.id, undefined);
      assert.deepEqual(dashboard.tags, ['surgewatch']);
      assert.equal(dashboard.refresh, '30s');
      assert.equal(dashboard.graphTooltip, 1);
      assert.equal(dashboard.editable, false);
    });

    test('the variables choose the data source, the job and the instance, and where a click leads', () => {
      const byName = new Map(dashboard.templating.list.map((variable) => [variable.name, variable]));
      assert.deepEqual(
        [...byName.keys()].filter((name) => name !== 'code'),
        ['datasource', 'job', 'instance', 'lookup_url'],
      );
      assert.equal(byName.get('datasource')?.label, 'Data source');
      assert.equal(byName.get('datasource')?.query, 'prometheus');
      assert.equal(byName.get('lookup_url')?.type, 'textbox');
      for (const name of ['job', 'instance', 'code'].filter((each) => byName.has(each))) {
        assert.equal(byName.get(name)?.multi, true, name);
        assert.equal(byName.get(name)?.allValue, '.+', name);
      }
    });

    test('each panel says what it shows, in which unit, from the chosen data source', () => {
      for (const panel of panels) {
        assert.ok((panel.title ?? '').length > 2, `panel ${panel.id} has no title`);
        assert.ok((panel.description ?? '').length > 40, `"${panel.title}" has no description`);
        assert.ok(
          UNITS.has(panel.fieldConfig?.defaults.unit ?? ''),
          `"${panel.title}" has unit ${panel.fieldConfig?.defaults.unit}`,
        );
        assert.equal(panel.datasource?.uid, `\${datasource}`, panel.title);
        assert.ok((panel.targets ?? []).length > 0, `"${panel.title}" asks nothing`);
        for (const target of panel.targets ?? []) assert.equal(target.datasource?.uid, `\${datasource}`, panel.title);
      }
    });

    test('ids are unique and start at 1, and so are the refIds within a panel', () => {
      const all = dashboard.panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]);
      assert.deepEqual(
        all.map(({ id }) => id),
        all.map((_, index) => index + 1),
      );
      for (const { title, targets = [] } of panels) {
        const refIds = targets.map(({ refId }) => refId);
        assert.ok(!refIds.includes(undefined) && new Set(refIds).size === refIds.length, `${title}: ${refIds.join(', ')}`);
      }
    });

    test('panels fill the grid from left to right and lie on nobody', () => {
      const open = dashboard.panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]);
      for (const { title, gridPos } of open) {
        assert.ok(gridPos.x >= 0 && gridPos.x + gridPos.w <= COLUMNS, `"${title}" leaves the grid`);
      }
      for (const [index, panel] of open.entries()) {
        for (const other of open.slice(index + 1)) assert.ok(!overlap(panel, other), `"${panel.title}" lies on "${other.title}"`);
      }
    });

    test('each query matches the job and the instance, and takes rates over the interval that fits the zoom', async () => {
      for (const { panel, refId, expr } of await readPanelQueries(file)) {
        const selectors = expr.match(/\b(surgewatch|process|nodejs)_[a-z0-9_]+(\{[^}]*\})?|\bup\{[^}]*\}/g) ?? [];
        assert.ok(selectors.length > 0, `"${panel}" ${refId} selects nothing`);
        for (const selector of selectors) {
          assert.match(selector, /\{job=~"\$job", instance=~"\$instance"/, `"${panel}" ${refId}: ${selector}`);
        }
        for (const [, range, offset] of expr.matchAll(RANGE)) {
          // A fixed width is right for one thing: the hour of another day.
          assert.ok(range === '$__rate_interval' || (range === '1h' && offset !== undefined), `"${panel}" ${refId}: [${range}]`);
        }
      }
    });

    test('a series that carries a code leads to its page', () => {
      for (const panel of panels.filter(({ type }) => type !== 'table')) {
        const hasCode = (panel.targets ?? []).some(({ legendFormat = '' }) => legendFormat.startsWith('{{code}}'));
        if (hasCode)
          assert.deepEqual(
            panel.fieldConfig?.defaults.links?.map(({ url }) => url),
            [CODE_LINK],
            panel.title,
          );
      }
    });
  });
}

test('the first screen of the errors says whether anything is wrong and which code it is', async () => {
  const FIRST_SCREEN_HEIGHT = 16;
  const { panels } = await readDashboard('api-errors.json');
  const first = panels.filter(({ type, gridPos }) => type !== 'row' && gridPos.y + gridPos.h <= FIRST_SCREEN_HEIGHT);
  assert.deepEqual(
    first.map(({ title }) => title),
    [
      'Open spikes',
      'Is the detector watching?',
      'Server errors now',
      'Client errors now',
      'All errors, of normal',
      'Which codes, the most unusual first',
      'Errors per second, by code and status',
    ],
  );
});

function overlap(a: PanelJson, b: PanelJson): boolean {
  const [p, q] = [a.gridPos, b.gridPos];
  return p.x < q.x + q.w && q.x < p.x + p.w && p.y < q.y + q.h && q.y < p.y + p.h;
}
