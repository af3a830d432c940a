/**
 * surgewatch watching itself: whether it is well, what came in and what became of it, how fast, what waits in Kafka,
 * whether the detector ticks and its alerts get out, and what the process costs.
 */
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import type { DashboardSpec } from './layout.ts';
import { DATASOURCE } from './panels.ts';
import { select } from './queries.ts';
import { intake, speed } from './surgewatch-flow.ts';
import { cost, detector, kafka } from './surgewatch-outside.ts';
import { well } from './surgewatch-well.ts';

const restarts = new dashboard.AnnotationQueryBuilder()
  .name('Restarts')
  .datasource(DATASOURCE)
  .enable(true)
  .iconColor('purple')
  .target(new prometheus.DataqueryBuilder().refId('Restarts').expr(restartsExpression()).range())
  .expr(restartsExpression())
  .titleFormat('{{instance}} restarted')
  .step('60s');

function restartsExpression(): string {
  return `changes(${select('process_start_time_seconds')}[$__rate_interval]) > 0`;
}

export const surgewatch: DashboardSpec = {
  uid: 'surgewatch-itself',
  title: 'surgewatch itself',
  description: 'Is the watcher well? What came in, what became of it, how fast, and whether alerts get out.',
  span: '3h',
  hasCodeVariable: false,
  annotations: [restarts],
  link: new dashboard.DashboardLinkBuilder('API errors')
    .type(dashboard.DashboardLinkType.Link)
    .url('/d/surgewatch-api-errors')
    .keepTime(true)
    .tooltip('What the API answers, against what is normal'),
  sections: [well, intake, speed, kafka, detector, cost],
};
