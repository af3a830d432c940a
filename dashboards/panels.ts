/**
 * One function a kind of panel, so that the conventions (a sentence under every title, a unit, the chosen data source,
 * zero at the bottom, the same legend) are said once and a dashboard reads as a list of questions and queries.
 */
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import * as common from '@grafana/grafana-foundation-sdk/common';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as heatmap from '@grafana/grafana-foundation-sdk/heatmap';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as statetimeline from '@grafana/grafana-foundation-sdk/statetimeline';
import * as table from '@grafana/grafana-foundation-sdk/table';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';

export const DATASOURCE = { type: 'prometheus', uid: `\${datasource}` } as const;

/** Red = a person must act, orange = the server's fault or not yet red, blue = the client's fault, grey = what is normal. */
export const COLOUR = {
  good: 'green',
  bad: 'red',
  watch: 'orange',
  server: 'orange',
  client: 'blue',
  normal: '#8e8e8e',
  off: 'text',
} as const;
type Colour = (typeof COLOUR)[keyof typeof COLOUR];

export interface Query {
  readonly expr: string;
  readonly legend?: string;
  /** Draws the requestIds behind the counts as dots that open the lookup. */
  readonly hasExemplars?: boolean;
}

export interface PanelSpec {
  readonly title: string;
  readonly description: string;
  readonly unit: 'cps' | 'reqps' | 's' | 'short' | 'percentunit' | 'bytes';
  readonly queries: readonly Query[];
  /** The value at which it turns bad: a rule's number. */
  readonly badFrom?: number;
  /** The lowest value that is good, where low is bad. */
  readonly goodFrom?: number;
  /** Words for exact values. */
  readonly words?: Readonly<Record<string, readonly [text: string, colour: Colour]>>;
  /** Each series carries `code`: a click opens its page. */
  readonly opensCode?: boolean;
  readonly decimals?: number;
  /** Least width of one point; with it `$__rate_interval` never covers less. */
  readonly interval?: string;
}

/** What all builders of the SDK share; it has no common class. */
interface Dressable {
  title(title: string): this;
  description(description: string): this;
  unit(unit: string): this;
  decimals(decimals: number): this;
  interval(interval: string): this;
  datasource(datasource: common.DataSourceRef): this;
  withTarget(target: prometheus.DataqueryBuilder): this;
  mappings(mappings: dashboard.ValueMapping[]): this;
  thresholds(thresholds: dashboard.ThresholdsConfigBuilder): this;
  dataLinks(links: Builder<dashboard.DashboardLink>[]): this;
}

type QueryShape = 'range' | 'instant' | 'table' | 'heatmap';

function dress<Panel extends Dressable>(panel: Panel, spec: PanelSpec, shape: QueryShape): Panel {
  panel.title(spec.title).description(spec.description).unit(spec.unit).datasource(DATASOURCE);
  for (const [index, query] of spec.queries.entries()) panel.withTarget(target(query, String.fromCharCode(65 + index), shape));
  if (spec.decimals !== undefined) panel.decimals(spec.decimals);
  if (spec.interval !== undefined) panel.interval(spec.interval);
  if (spec.words !== undefined) panel.mappings([wordsMapping(spec.words)]);
  if (spec.opensCode === true) panel.dataLinks([codeLink('series')]);
  return panel.thresholds(new dashboard.ThresholdsConfigBuilder().mode(dashboard.ThresholdsMode.Absolute).steps(steps(spec)));
}

function target(query: Query, refId: string, shape: QueryShape): prometheus.DataqueryBuilder {
  const built = new prometheus.DataqueryBuilder().refId(refId).datasource(DATASOURCE).expr(query.expr);
  built.editorMode(prometheus.QueryEditorMode.Code).legendFormat(query.legend ?? '__auto');
  if (query.hasExemplars === true) built.exemplar(true);
  if (shape === 'table') return built.instant().format(prometheus.PromQueryFormat.Table);
  if (shape === 'heatmap') return built.range().format(prometheus.PromQueryFormat.Heatmap);
  return (shape === 'instant' ? built.instant() : built.range()).format(prometheus.PromQueryFormat.TimeSeries);
}

function steps({ badFrom, goodFrom }: PanelSpec): dashboard.Threshold[] {
  if (goodFrom !== undefined) {
    return [
      { value: null, color: COLOUR.bad },
      { value: goodFrom, color: COLOUR.good },
    ];
  }
  const base = { value: null, color: COLOUR.good };
  return badFrom === undefined ? [base] : [base, { value: badFrom, color: COLOUR.bad }];
}

export function wordsMapping(words: NonNullable<PanelSpec['words']>): dashboard.ValueMapping {
  const options = Object.entries(words).map(([value, [text, color]], index) => [value, { text, color, index }] as const);
  return { type: dashboard.MappingType.ValueToText, options: Object.fromEntries(options) };
}

/** Opens a code's page over the time shown. A graph's series has the code as a label, a table's row has it in the cell. */
export function codeLink(where: 'series' | 'cell'): dashboard.DashboardLinkBuilder {
  const code = where === 'series' ? '__field.labels.code' : '__value.raw';
  return new dashboard.DashboardLinkBuilder('Open this code in surgewatch')
    .url(`\${lookup_url}/codes/\${${code}}?from=\${__from}&to=\${__to}`)
    .targetBlank(true);
}

export interface GraphSpec extends PanelSpec {
  readonly stacking?: 'normal' | 'percent';
  readonly style?: 'bars' | 'line';
  /** Legend beside the graph with the last and the highest value; else one line under it. */
  readonly hasLegendTable?: boolean;
}

export function graph(spec: GraphSpec): timeseries.PanelBuilder {
  const isStacked = spec.stacking !== undefined;
  const panel = dress(new timeseries.PanelBuilder(), spec, 'range')
    .min(0)
    .lineWidth(isStacked ? 1 : 2)
    .fillOpacity(isStacked || spec.style === 'bars' ? 40 : 0)
    .showPoints(common.VisibilityMode.Never)
    .drawStyle(spec.style === 'bars' ? common.GraphDrawStyle.Bars : common.GraphDrawStyle.Line)
    .stacking(new common.StackingConfigBuilder().mode(stackingMode(spec.stacking)))
    .colorScheme(new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.PaletteClassicByName))
    .tooltip(new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending))
    .legend(legend(spec.hasLegendTable === true));
  if (spec.badFrom === undefined) return panel;
  return panel.thresholdsStyle(new common.GraphThresholdsStyleConfigBuilder().mode(common.GraphThresholdsStyleMode.Dashed));
}

function stackingMode(stacking: GraphSpec['stacking']): common.StackingMode {
  if (stacking === undefined) return common.StackingMode.None;
  return stacking === 'percent' ? common.StackingMode.Percent : common.StackingMode.Normal;
}

function legend(isTable: boolean): common.VizLegendOptionsBuilder {
  const options = new common.VizLegendOptionsBuilder().showLegend(true);
  if (!isTable) return options.displayMode(common.LegendDisplayMode.List).placement(common.LegendPlacement.Bottom);
  return options
    .displayMode(common.LegendDisplayMode.Table)
    .placement(common.LegendPlacement.Right)
    .calcs(['lastNotNull', 'max'])
    .sortBy('Last *')
    .sortDesc(true);
}

/** Observed as a line; what is normal as a grey area, the day and the week before as broken grey lines. */
export function graphAgainstNormal(spec: GraphSpec & { readonly normal: NormalQueries }): timeseries.PanelBuilder {
  const { expected, dayBefore, weekBefore } = spec.normal;
  const queries = [
    ...spec.queries,
    { expr: expected, legend: 'expected by the detector' },
    { expr: dayBefore, legend: 'this hour, a day before' },
    { expr: weekBefore, legend: 'this hour, a week before' },
  ];
  const grey = { id: 'color', value: { mode: 'fixed', fixedColor: COLOUR.normal } };
  return graph({ ...spec, queries })
    .overrideByName('expected by the detector', [
      grey,
      { id: 'custom.lineWidth', value: 0 },
      { id: 'custom.fillOpacity', value: 30 },
    ])
    .overrideByName('this hour, a day before', [grey, { id: 'custom.lineStyle', value: { fill: 'dash', dash: [10, 6] } }])
    .overrideByName('this hour, a week before', [grey, { id: 'custom.lineStyle', value: { fill: 'dot', dash: [2, 6] } }]);
}

interface NormalQueries {
  readonly expected: string;
  readonly dayBefore: string;
  readonly weekBefore: string;
}

export interface StatSpec extends PanelSpec {
  /** `name`: the series' own words, large; `value`: its number, or the words for it. */
  readonly shows?: 'name' | 'value';
  readonly hasSparkline?: boolean;
  readonly colour?: Colour;
}

export function bigNumber(spec: StatSpec): stat.PanelBuilder {
  const hasSparkline = spec.hasSparkline === true;
  const panel = dress(new stat.PanelBuilder(), spec, hasSparkline ? 'range' : 'instant')
    .textMode(spec.shows === 'name' ? common.BigValueTextMode.Name : common.BigValueTextMode.Value)
    .colorMode(hasSparkline ? common.BigValueColorMode.Value : common.BigValueColorMode.Background)
    .graphMode(hasSparkline ? common.BigValueGraphMode.Area : common.BigValueGraphMode.None)
    .justifyMode(common.BigValueJustifyMode.Center)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']));
  if (spec.colour === undefined) return panel;
  return panel.colorScheme(new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.Fixed).fixedColor(spec.colour));
}

/** One row a label set; `columns` names, in order, the label columns and then `Value #A`, `Value #B` … */
export function rows(spec: PanelSpec, columns: Readonly<Record<string, string>>): table.PanelBuilder {
  const labels = Object.keys(columns);
  const only = spec.queries.length === 1 ? [] : [{ id: 'merge', options: {} }];
  return dress(new table.PanelBuilder(), spec, 'table')
    .showHeader(true)
    .transformations([
      ...only,
      {
        id: 'organize',
        options: {
          excludeByName: { Time: true },
          indexByName: Object.fromEntries(labels.map((label, index) => [label, index])),
          renameByName: {},
        },
      },
    ])
    .overrides(
      Object.entries(columns).map(([label, name]) => ({
        matcher: { id: 'byName', options: label },
        properties: [{ id: 'displayName', value: name }],
      })),
    );
}

export function heat(spec: PanelSpec): heatmap.PanelBuilder {
  return dress(new heatmap.PanelBuilder(), spec, 'heatmap')
    .calculate(false)
    .yAxis(new heatmap.YAxisConfigBuilder().unit(spec.unit))
    .color(new heatmap.HeatmapColorOptionsBuilder().mode(heatmap.HeatmapColorMode.Scheme).scheme('Oranges').steps(64))
    .showLegend();
}

/** A lane a series, coloured by the words for its values. */
export function lanes(spec: PanelSpec): statetimeline.PanelBuilder {
  return dress(new statetimeline.PanelBuilder(), spec, 'range')
    .showValue(common.VisibilityMode.Never)
    .mergeValues(true)
    .rowHeight(0.85)
    .legend(new common.VizLegendOptionsBuilder().showLegend(true).placement(common.LegendPlacement.Bottom));
}
