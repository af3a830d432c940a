/** A chart as the page carries it: numbers in a data attribute, drawn by assets/chart.js. Without scripts, the link remains. */
import { type Html, html } from './html.ts';

export interface Chart {
  readonly label: string;
  /** Start of each step, epoch seconds. */
  readonly at: readonly number[];
  readonly observed: readonly number[];
  readonly low: readonly (number | null)[];
  readonly high: readonly (number | null)[];
  /** Spans to shade, epoch seconds. */
  readonly spikes: readonly (readonly [number, number])[];
  /** Of the vertical axis, e.g. 'errors in a minute'. */
  readonly unit: string;
  /** Where the same numbers stand as JSON. */
  readonly numbersUrl: string;
}

export function drawChart({ label, numbersUrl, ...chart }: Chart): Html {
  return html`<figure class="chart"><div class="plot" role="img" aria-label="${label}" data-chart="${JSON.stringify(chart)}"></div>
<noscript><p class="quiet">The chart needs JavaScript.</p></noscript>
<figcaption>${label} <a href="${numbersUrl}">The numbers</a></figcaption></figure>`;
}

interface Point {
  readonly startMs: number;
  readonly count: number;
  readonly expectedLow: number | null;
  readonly expectedHigh: number | null;
}

/** Steps that are not over yet are left out: a line that falls because the time is not up would tell of a calm that is none. */
export function seriesOf(
  points: readonly Point[],
  stepSeconds: number,
  nowMs: number,
): Pick<Chart, 'at' | 'observed' | 'low' | 'high'> {
  const whole = points.filter(({ startMs }) => startMs + stepSeconds * 1000 <= nowMs);
  return {
    at: whole.map(({ startMs }) => startMs / 1000),
    observed: whole.map(({ count }) => count),
    low: whole.map(({ expectedLow }) => expectedLow),
    high: whole.map(({ expectedHigh }) => expectedHigh),
  };
}

/** 'errors in 5 minutes' and the like. */
export function unitOf(stepSeconds: number): string {
  if (stepSeconds < 60) return `errors in ${stepSeconds} seconds`;
  if (stepSeconds === 60) return 'errors in a minute';
  if (stepSeconds < 3_600) return `errors in ${stepSeconds / 60} minutes`;
  if (stepSeconds === 3_600) return 'errors in an hour';
  return stepSeconds === 86_400 ? 'errors in a day' : `errors in ${stepSeconds / 3_600} hours`;
}
