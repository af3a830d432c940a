/**
 * A dashboard as sections of bands on Grafana's grid of 24 columns: a band's panels stand side by side at one height.
 * Places, ids and the shell (variables, refresh, links) are filled in here, so that a dashboard's file holds questions only.
 */
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import { DATASOURCE } from './panels.ts';
import { select } from './queries.ts';

const COLUMNS = 24;
const ROW_HEIGHT = 1;
const LOOKUP_URL = 'http://127.0.0.1:8080';

export interface Band {
  readonly height: number;
  readonly panels: readonly (readonly [columns: number, panel: Builder<dashboard.Panel>])[];
}

export interface Section {
  readonly title: string;
  /** Closed until clicked; its panels are not queried before. */
  readonly isCollapsed?: boolean;
  readonly bands: readonly Band[];
}

export interface DashboardSpec {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  /** Time shown at first, back from now. */
  readonly span: string;
  readonly hasCodeVariable: boolean;
  readonly annotations: readonly Builder<dashboard.AnnotationQuery>[];
  readonly link: Builder<dashboard.DashboardLink>;
  readonly sections: readonly Section[];
}

/** @returns the dashboard's JSON text, the same for the same spec, ending in a newline. */
export function renderDashboard(spec: DashboardSpec): string {
  const shell = new dashboard.DashboardBuilder(spec.title)
    .uid(spec.uid)
    .description(spec.description)
    .tags(['surgewatch'])
    .readonly()
    .refresh('30s')
    .time({ from: `now-${spec.span}`, to: 'now' })
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .variables(variables(spec.hasCodeVariable))
    .annotations([...spec.annotations])
    .links([spec.link])
    .build();
  return `${JSON.stringify({ ...shell, panels: place(spec.sections) }, withoutNewPlacement, 2)}\n`;
}

/** The SDK writes a placement for links that only the newest Grafana knows; every version reads a link without one. */
function withoutNewPlacement(key: string, value: unknown): unknown {
  return key === 'placement' && value === 'inControlsMenu' ? undefined : value;
}

function place(sections: readonly Section[]): (dashboard.Panel | dashboard.RowPanel)[] {
  const placed: (dashboard.Panel | dashboard.RowPanel)[] = [];
  let id = 0;
  let y = 0;
  for (const { title, isCollapsed = false, bands } of sections) {
    const row = new dashboard.RowBuilder(title).id(++id).collapsed(isCollapsed).build();
    row.gridPos = { x: 0, y, w: COLUMNS, h: ROW_HEIGHT };
    placed.push(row);
    y += ROW_HEIGHT;
    // A closed row holds its panels; an open one stands before them.
    const shelf = isCollapsed ? row.panels : placed;
    for (const { height, panels } of bands) {
      let x = 0;
      for (const [columns, panel] of panels) {
        shelf.push({ ...panel.build(), id: ++id, gridPos: { x, y, w: columns, h: height } });
        x += columns;
      }
      y += height;
    }
  }
  return placed;
}

function variables(hasCode: boolean): Builder<dashboard.VariableModel>[] {
  const datasource = new dashboard.DatasourceVariableBuilder('datasource').label('Data source').type('prometheus');
  const job = fromLabel('job', 'Job', 'surgewatch_build_info');
  const instance = fromLabel('instance', 'Instance', 'surgewatch_build_info{job=~"$job"}');
  const code = fromLabel('code', 'Code', select('surgewatch_errors_total'));
  const lookupUrl = new dashboard.TextBoxVariableBuilder('lookup_url')
    .label('surgewatch URL')
    .description('Where a click on a code leads: the PUBLIC_URL of surgewatch, without a slash at the end.')
    .defaultValue(LOOKUP_URL)
    .current({ selected: true, text: LOOKUP_URL, value: LOOKUP_URL });
  return [datasource, job, instance, ...(hasCode ? [code] : []), lookupUrl];
}

function fromLabel(name: string, label: string, from: string): dashboard.QueryVariableBuilder {
  return new dashboard.QueryVariableBuilder(name)
    .label(label)
    .datasource(DATASOURCE)
    .query({ query: `label_values(${from}, ${name})`, refId: `variable-${name}` })
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.+')
    .current({ selected: true, text: ['All'], value: ['$__all'] });
}
