/**
 * README's generated tables: configuration, metrics, routes. Made from the code, put between markers, held by a test.
 * Run as a program it rewrites README.md.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createMetrics, createRegistry } from '../../src/metrics.ts';
import { SETTINGS } from '../../src/settings.ts';

const README = new URL('../../README.md', import.meta.url);

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function configurationTable(): string {
  const rows = Object.entries(SETTINGS).map(([name, setting]) => {
    const isSecret = 'isSecret' in setting;
    return [
      `\`${name}\``,
      setting.type,
      setting.default === null ? '–' : `\`${setting.default}\``,
      `${setting.text}${isSecret ? ' Secret.' : ''}`,
    ];
  });
  return table(['variable', 'type', 'default', 'what it is'], rows);
}

async function metricsTable(): Promise<string> {
  const registry = createRegistry();
  createMetrics(registry);
  const rows = (await registry.getMetricsAsJSON()).map(({ name, type, help }) => [`\`${name}\``, String(type), help]);
  return table(['metric', 'type', 'when it moves and what a rise means'], rows);
}

/** README with its generated parts as they should be. @throws Error when a marker is missing. */
export async function renderReadme(text: string): Promise<string> {
  const parts = { configuration: configurationTable(), metrics: await metricsTable() };
  return Object.entries(parts).reduce((whole, [name, part]) => {
    const marked = new RegExp(`(<!-- ${name}: generated -->\\n)[\\s\\S]*?(<!-- /${name} -->)`);
    if (!marked.test(whole)) throw new Error(`README.md lacks the markers of ${name}`);
    return whole.replace(marked, (_, open: string, close: string) => `${open}${part}\n${close}`);
  }, text);
}

export const readReadme = () => readFileSync(README, 'utf8');

if (import.meta.main) writeFileSync(README, await renderReadme(readReadme()));
