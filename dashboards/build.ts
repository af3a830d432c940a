/**
 * Writes the committed dashboards from their TypeScript. Committed, because whoever runs Grafana should need neither
 * Node nor this repository's packages.
 * Usage: node dashboards/build.ts [--check]; with --check it writes nothing and exits 1 when a committed file differs.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { apiErrors } from './api-errors.ts';
import { renderDashboard } from './layout.ts';
import { surgewatch } from './surgewatch.ts';

const DASHBOARDS = { 'api-errors.json': apiErrors, 'surgewatch.json': surgewatch };

const isCheck = process.argv.includes('--check');
for (const [name, spec] of Object.entries(DASHBOARDS)) {
  const file = new URL(name, import.meta.url);
  const text = renderDashboard(spec);
  if (!isCheck) {
    await writeFile(file, text);
  } else if ((await readCommitted(file)) !== text) {
    process.stderr.write(`dashboards/${name} is out of date: run \`node dashboards/build.ts\` and commit what it writes.\n`);
    process.exitCode = 1;
  }
}

async function readCommitted(file: URL): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    return ''; // Absent is out of date too.
  }
}
