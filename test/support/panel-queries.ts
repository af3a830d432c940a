/**
 * Every query of a committed dashboard, as Grafana would send it: for checking names against the registry, for promtool,
 * and for running each one against a real Prometheus.
 */
import { readFile } from 'node:fs/promises';

export const DASHBOARD_FILES = ['api-errors.json', 'surgewatch.json'] as const;
export type DashboardFile = (typeof DASHBOARD_FILES)[number];

export interface PanelQuery {
  readonly dashboard: DashboardFile;
  /** The panel's title, or the annotation's name. */
  readonly panel: string;
  readonly kind: 'panel' | 'annotation';
  readonly refId: string;
  /** PromQL with Grafana's variables in it. */
  readonly expr: string;
}

export interface Target {
  readonly refId?: string;
  readonly expr?: string;
  readonly legendFormat?: string;
  readonly datasource?: { readonly uid?: string };
}

export interface PanelJson {
  readonly type: string;
  readonly id: number;
  readonly title?: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: { readonly uid?: string };
  readonly targets?: readonly Target[];
  readonly panels?: readonly PanelJson[];
  readonly collapsed?: boolean;
  readonly fieldConfig?: {
    readonly defaults: {
      readonly unit?: string;
      readonly links?: readonly { readonly url?: string }[];
      readonly thresholds?: { readonly steps: readonly { readonly value: number | null; readonly color: string }[] };
    };
  };
}

export interface DashboardJson {
  readonly id?: unknown;
  readonly uid: string;
  readonly tags: readonly string[];
  readonly refresh: string;
  readonly graphTooltip: number;
  readonly editable: boolean;
  readonly panels: readonly PanelJson[];
  readonly templating: { readonly list: readonly VariableJson[] };
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr: string }[] };
}

export interface VariableJson {
  readonly name: string;
  readonly type: string;
  readonly label?: string;
  readonly multi?: boolean;
  readonly allValue?: string;
  readonly query?: string | { readonly query: string };
}

export async function readDashboard(file: DashboardFile): Promise<DashboardJson> {
  const text = await readFile(new URL(`../../dashboards/${file}`, import.meta.url), 'utf8');
  // A parser's cast: the file is generated, and the lint test says what must be in it.
  return JSON.parse(text) as DashboardJson;
}

/** Panels without rows; those inside a closed row too. */
export function panelsOf(dashboard: DashboardJson): readonly PanelJson[] {
  return dashboard.panels.flatMap((panel) => (panel.type === 'row' ? (panel.panels ?? []) : [panel]));
}

export async function readPanelQueries(file: DashboardFile): Promise<readonly PanelQuery[]> {
  const dashboard = await readDashboard(file);
  const fromPanels = panelsOf(dashboard).flatMap(({ title = '', targets = [] }) =>
    targets.map(({ refId = '', expr = '' }) => ({ dashboard: file, panel: title, kind: 'panel', refId, expr }) as const),
  );
  const fromAnnotations = dashboard.annotations.list.map(
    ({ name, expr }) => ({ dashboard: file, panel: name, kind: 'annotation', refId: name, expr }) as const,
  );
  return [...fromPanels, ...fromAnnotations];
}

export interface VariableValues {
  readonly job?: string;
  readonly instance?: string;
  readonly code?: string;
  readonly rateInterval?: string;
}

/** The query as Grafana sends it. Variables left out stand for "All". */
export function withVariables(expr: string, values: VariableValues = {}): string {
  const { job = '.+', instance = '.+', code = '.+', rateInterval = '1m' } = values;
  const filled = expr
    .replaceAll('$__rate_interval', rateInterval)
    .replaceAll('$instance', instance)
    .replaceAll('$job', job)
    .replaceAll('$code', code);
  if (filled.includes('$')) throw new Error(`a variable is left in ${filled}`);
  return filled;
}
