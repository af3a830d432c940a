/**
 * The watched API's errors. The first screen answers "is anything wrong now, and which code"; below it stand what is
 * normal, whose fault it is, the spikes, and each code on its own.
 */
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import { fault, spikes } from './api-errors-inside.ts';
import { againstNormal, eachCode } from './api-errors-normal.ts';
import { now } from './api-errors-now.ts';
import { SPIKE } from './api-errors-queries.ts';
import type { DashboardSpec } from './layout.ts';
import { COLOUR, DATASOURCE } from './panels.ts';
import { CODES, maxBy } from './queries.ts';

const spikeSpans = new dashboard.AnnotationQueryBuilder()
  .name('Spikes')
  .datasource(DATASOURCE)
  .enable(true)
  .iconColor(COLOUR.bad)
  .target(
    new prometheus.DataqueryBuilder()
      .refId('Spikes')
      .expr(`${maxBy('code, status', SPIKE, CODES)} == 1`)
      .range(),
  )
  .expr(`${maxBy('code, status', SPIKE, CODES)} == 1`)
  .titleFormat('{{code}} {{status}} surges')
  .step('60s');

export const apiErrors: DashboardSpec = {
  uid: 'surgewatch-api-errors',
  title: 'API errors',
  description: 'What errors the API answers, against what is normal, code by code; a click leads to the requests behind them.',
  span: '6h',
  hasCodeVariable: true,
  annotations: [spikeSpans],
  link: new dashboard.DashboardLinkBuilder('surgewatch itself')
    .type(dashboard.DashboardLinkType.Link)
    .url('/d/surgewatch-itself')
    .keepTime(true)
    .tooltip('Is the watcher well?'),
  sections: [now, againstNormal, fault, spikes, eachCode],
};
