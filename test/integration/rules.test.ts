/** The shipped rules and every query of the dashboards, judged by Prometheus's own tool. */
import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DASHBOARD_FILES, readPanelQueries, withVariables } from '../support/panel-queries.ts';
import { promtool } from '../support/prometheus.ts';
import { promtoolMissing, skipReason } from '../support/requirements.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const PROMETHEUS = fileURLToPath(new URL('../../deploy/prometheus/', import.meta.url));

suite('what Prometheus says of our rules', { skip: skipReason(promtoolMissing) }, () => {
  test('the configuration and its rules are valid', async () => {
    assertPassed(await promtool(['check', 'config', join(PROMETHEUS, 'prometheus.yml')]));
    assertPassed(await promtool(['check', 'rules', join(PROMETHEUS, 'rules/surgewatch.yml')]));
  });

  for (const file of globSync('tests/*.yml', { cwd: PROMETHEUS })) {
    test(`every alert fires when it should and keeps quiet when it should: ${file}`, async () => {
      assertPassed(await promtool(['test', 'rules', join(PROMETHEUS, file)]));
    });
  }

  test('every query of the dashboards is PromQL', async () => {
    const queries = (await Promise.all(DASHBOARD_FILES.map(readPanelQueries))).flat();
    assert.ok(queries.length > 50);
    assertPassed(await checkQueries(queries.map(({ expr }) => withVariables(expr))));
  });

  test('a query that is not is found', async () => {
    const { code, output } = await checkQueries(['sum by (code) (rate(surgewatch_errors_total))']);
    assert.notEqual(code, 0);
    assert.match(output, /expected type range vector/);
  });
});

async function checkQueries(exprs: readonly string[]) {
  const rules = exprs.map((expr, index) => ({ record: `query:number_${index}:checked`, expr }));
  const dir = makeTempDir('queries');
  const file = join(dir.path, 'rules.yml');
  // JSON is YAML, and needs no care with quoting.
  await writeFile(file, JSON.stringify({ groups: [{ name: 'queries', rules }] }));
  const checked = await promtool(['check', 'rules', file]);
  dir.remove();
  return checked;
}

function assertPassed({ code, output }: { readonly code: number; readonly output: string }): void {
  assert.equal(code, 0, output);
}
