/**
 * The PromQL both dashboards are made of. Every selector matches job and instance, so that the two variables at the top
 * hold for every panel, and every sum is taken over rates, never the other way round.
 */
import { CLIENT_STATUS } from './thresholds.ts';

/** A metric under the dashboard's variables. `more` = further matchers: `status=~"4.."`. */
export function select(metric: string, more = ''): string {
  return `${metric}{job=~"$job", instance=~"$instance"${more === '' ? '' : `, ${more}`}}`;
}

/** Sum of per-second rates, by the labels named. */
export function rateBy(labels: string, metric: string, more = ''): string {
  return `${sumBy(labels)} (rate(${select(metric, more)}[$__rate_interval]))`;
}

/** The same sum as it was `ago`, over an hour, whatever the zoom: normal is a level and not a sample. */
export function hourlyRateBy(labels: string, metric: string, ago: string, more = ''): string {
  return `${sumBy(labels)} (rate(${select(metric, more)}[1h] offset ${ago}))`;
}

/** How many were added within each point of the graph, by the labels named. */
export function increaseBy(labels: string, metric: string, more = ''): string {
  return `${sumBy(labels)} (increase(${select(metric, more)}[$__rate_interval]))`;
}

export function maxBy(labels: string, metric: string, more = ''): string {
  return `max${labels === '' ? '' : ` by (${labels})`} (${select(metric, more)})`;
}

export function quantile(q: number, histogram: string, labels = ''): string {
  const by = labels === '' ? 'le' : `le, ${labels}`;
  return `histogram_quantile(${q}, ${rateBy(by, `${histogram}_bucket`)})`;
}

/** The value 0 where nothing matches: what a healthy system leaves empty must not read as "no data". */
export function orZero(expression: string): string {
  return `${expression} or on() vector(0)`;
}

/** As `orZero`, as one series that says in words why there is none. */
export function orWords(expression: string, label: string, words: string): string {
  return `${expression} or on() label_replace(vector(0), "${label}", "${words}", "", "")`;
}

function sumBy(labels: string): string {
  return labels === '' ? 'sum' : `sum by (${labels})`;
}

export const CODES = 'code=~"$code"';
export const CLIENT_FAULT = `status=~"${CLIENT_STATUS}"`;
export const SERVER_FAULT = `status!~"${CLIENT_STATUS}"`;

/** Offsets that put the middle of an hour's rate at the same time of day, one day and one week before. */
export const DAY_BEFORE = '23h30m';
export const WEEK_BEFORE = '167h30m';
