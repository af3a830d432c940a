/**
 * What a team would write in PromQL without the product, as anchors on the same data. A bucket that was not collected adds
 * nothing to a sum, as a counter that was not scraped. Each says for every bucket whether its alert is on.
 */
import { createWindowSums } from './window-sums.ts';

export type Counts = readonly (number | null)[];
export type Baseline = (counts: Counts, bucketsPerMinute: number) => readonly boolean[];

const RATIO = 3;
const LEAST_ERRORS = 10;
const LEAST_RATE = 1e-9;

/** `rate(x[5m]) > 3 * rate(x[1h] offset 5m)`, with at least 10 errors in the 5 minutes. */
export function ratioRule(counts: Counts, bucketsPerMinute: number): readonly boolean[] {
  const sums = createWindowSums(counts);
  return counts.map((_, index) => {
    const end = index + 1;
    const now = sums.total(end, 5 * bucketsPerMinute);
    const before = sums.total(end - 5 * bucketsPerMinute, 60 * bucketsPerMinute);
    const isWarm = end > 60 * bucketsPerMinute;
    return isWarm && now >= LEAST_ERRORS && now / 5 >= RATIO * Math.max(before / 60, LEAST_RATE);
  });
}

/** Hours back at which the bands of grafana/promql-anomaly-detection look, half an hour ahead of yesterday and of last week. */
const SEASONAL_HOURS = [23.5, 167.5];
const SMOOTHING_HOURS = 26;
const MARGIN = 1.5;
const DEVIATIONS = 2;
/** Only deviations above this share of the mean widen the band. */
const WIDE_SHARE = 0.5;
const HOLD_MINUTES = 5;

/** The `adaptive` strategy of grafana/promql-anomaly-detection: above its widest band for more than five minutes. */
export function grafanaRule(counts: Counts, bucketsPerMinute: number): readonly boolean[] {
  const hour = 60 * bucketsPerMinute;
  const sums = createWindowSums(counts);
  const levels = counts.map((_, index) => {
    const rate = sums.total(index + 1, 5 * bucketsPerMinute) / 5;
    return rate > 0 ? rate : null;
  });
  const levelSums = createWindowSums(levels);
  const hourly = levels.map((_, index) => levelSums.spread(index + 1, hour));
  const wideSums = createWindowSums(
    hourly.map((spread) => (spread !== null && spread.deviation > WIDE_SHARE * spread.mean ? spread.deviation : null)),
  );
  let above = 0;
  return levels.map((level, index) => {
    const mean = hourly[index]?.mean ?? 0;
    const smooth = wideSums.spread(index + 1, SMOOTHING_HOURS * hour);
    const bands = [MARGIN * mean];
    if (smooth !== null) bands.push(mean + DEVIATIONS * smooth.mean);
    for (const back of SEASONAL_HOURS) {
      const then = levelSums.spread(index + 1 - Math.floor(back * hour), hour);
      if (then !== null) bands.push(then.mean + DEVIATIONS * then.deviation);
    }
    above = level !== null && level > Math.max(...bands) ? above + 1 : 0;
    return above > HOLD_MINUTES * bucketsPerMinute;
  });
}

export const BASELINES = { ratio: ratioRule, grafana: grafanaRule } as const satisfies Readonly<Record<string, Baseline>>;
export type BaselineName = keyof typeof BASELINES;
export const BASELINE_NAMES: readonly BaselineName[] = ['ratio', 'grafana'];
