/**
 * What a replay of the stored counts found, as people read it: the spikes in the order of their onset, then each code with its chart, noisiest first, then one line that holds it all. Pure: lines of text come out.
 */
import { styleText } from 'node:util';
import type { Span } from '../detect/collected.ts';
import type { ReplayedSpike } from '../detect/spike-list.ts';
import {
  type Change,
  type CodeSummary,
  type ComparedSpike,
  compareSpikes,
  lastingOf,
  pagesPerWeek,
  summariseCodes,
} from '../detect/spike-summary.ts';
import type { SeverityOf } from './backtest-severity.ts';
import { type ChartSpan, drawBars, markedColumns, type Peaks, SPIKE_MARK, sliceSecondsOf } from './terminal-chart.ts';
import { type Column, renderTable, shorten } from './terminal-table.ts';
import { sayCount, sayFigure, sayLasting, sayMinute } from './terminal-words.ts';

/** One setting and what it would have raised. */
export interface Outlook {
  readonly words: string;
  readonly threshold: number;
  readonly spikes: readonly ReplayedSpike[];
}

export interface Layout {
  readonly codeColumns: number;
  readonly chartColumns: number;
}

export interface Report {
  /** What is reported, without the warm-up. */
  readonly span: Span;
  readonly warmUpSeconds: number;
  readonly collectedSeconds: number;
  readonly bucketSeconds: number;
  /** Codes with an error in the span. */
  readonly erringCodeCount: number;
  /** null: no catalogue was given. */
  readonly severityOf: SeverityOf | null;
  readonly next: Outlook;
  /** The current setting, beside another budget. */
  readonly now: Outlook | null;
  /** False pages a week that are accepted. */
  readonly budget: number;
  readonly layout: Layout;
  readonly chart: ChartSpan;
  readonly peaks: Peaks;
  readonly isColoured: boolean;
}

const MOST_CODE_COLUMNS = 32;
const LEAST_CHART_COLUMNS = 16;
/** The columns between code and chart with the gaps around them, and the one more of a comparison. */
const FIGURE_COLUMNS = 27;
const NOW_COLUMNS = 5;

const CHANGE_SIGNS: Readonly<Record<Change, string>> = { stays: '', comes: '+', goes: '-' };

/** Known before the replay, so that it can gather the charts as it goes. */
export function layOutReport(given: {
  readonly columns: number;
  readonly codes: readonly string[];
  readonly isCompared: boolean;
}): Layout {
  const longest = Math.max('code'.length, ...given.codes.map((code) => code.length));
  const codeColumns = Math.min(longest, MOST_CODE_COLUMNS);
  const left = given.columns - codeColumns - FIGURE_COLUMNS - (given.isCompared ? NOW_COLUMNS : 0);
  return { codeColumns, chartColumns: Math.max(left, LEAST_CHART_COLUMNS) };
}

export function renderReport(report: Report): readonly string[] {
  const spikes = compareSpikes(report.next.spikes, report.now?.spikes ?? report.next.spikes);
  return [
    ...headLines(report),
    '',
    ...(spikes.length === 0 ? ['No spike would have been raised.'] : spikeLines(report, spikes)),
    '',
    ...(spikes.length === 0 ? [] : [...codeLines(report), '']),
    ...totalLines(report, spikes),
  ];
}

function headLines({ span, warmUpSeconds, collectedSeconds, bucketSeconds, next, now }: Report): readonly string[] {
  const { startSeconds, endSeconds } = span;
  const missing = endSeconds - startSeconds - collectedSeconds;
  const collected = missing === 0 ? 'all of it collected' : `${sayLasting(missing)} of it not collected`;
  const warmUp = warmUpSeconds > 0 ? `${sayLasting(warmUpSeconds)} before it to warm up on` : 'nothing before it to warm up on';
  const settings = [next, ...(now === null ? [] : [now])].map(
    ({ words, threshold }) => `${words} (threshold ${sayFigure(threshold)})`,
  );
  return [
    `${sayMinute(startSeconds)} to ${sayMinute(endSeconds)} UTC, ${collected}, ${warmUp}.`,
    `Buckets of ${bucketSeconds} s, ${settings.join(' beside the current ')}.`,
  ];
}

function spikeLines({ span, layout, now, severityOf, isColoured }: Report, spikes: readonly ComparedSpike[]): readonly string[] {
  const columns: readonly Column[] = [
    ...(now === null ? [] : [{ head: '', align: 'left' } as const]),
    { head: 'code', align: 'left' },
    ...(severityOf === null ? [] : [{ head: 'severity', align: 'left' } as const]),
    { head: 'since (UTC)', align: 'left' },
    { head: 'lasting', align: 'right' },
    { head: 'observed', align: 'right' },
    { head: 'expected', align: 'right' },
    { head: 'ratio', align: 'right' },
    { head: 'score', align: 'right' },
  ];
  const rows = spikes.map(({ spike, change }) => [
    ...(now === null ? [] : [CHANGE_SIGNS[change]]),
    shorten(spike.code, layout.codeColumns),
    ...(severityOf === null ? [] : [severityOf(spike.code) ?? '–']),
    sayMinute(spike.startsAtSeconds),
    `${spike.closedAtSeconds === null ? '>' : ''}${sayLasting(lastingOf(spike, span.endSeconds))}`,
    sayFigure(spike.observed),
    sayFigure(spike.expected),
    `${sayFigure(spike.observed / spike.expected)}x`,
    sayFigure(spike.score),
  ]);
  const [head = '', ...lines] = renderTable(columns, rows);
  return [
    paint(isColoured, 'bold', head),
    ...lines.map((line, at) => {
      const change = spikes[at]?.change ?? 'stays';
      return change === 'stays' ? line : paint(isColoured, change === 'comes' ? 'green' : 'red', line);
    }),
  ];
}

function codeLines(report: Report): readonly string[] {
  const { span, collectedSeconds, chart, peaks, layout, now, isColoured } = report;
  const rest = { endSeconds: span.endSeconds, collectedSeconds };
  const columns: readonly Column[] = [
    { head: 'code', align: 'left' },
    { head: 'spikes', align: 'right' },
    ...(now === null ? [] : [{ head: 'now', align: 'right' } as const]),
    { head: 'lasting', align: 'right' },
    { head: 'a week', align: 'right' },
    { head: chartHead(chart), align: 'left' },
  ];
  const summaries = withThoseThatGo(summariseCodes(report.next.spikes, rest), now?.spikes ?? []);
  const rows = summaries.map(({ code, spikes, totalSeconds, pagesPerWeek: pages }) => [
    shorten(code, layout.codeColumns),
    String(spikes.length),
    ...(now === null ? [] : [String(now.spikes.filter((spike) => spike.code === code).length)]),
    sayLasting(totalSeconds),
    sayFigure(pages),
    drawBars(peaks.of(code)),
  ]);
  const [head = '', ...lines] = renderTable(columns, rows);
  const charted = lines.flatMap((line, at) => {
    const stretches = (summaries[at]?.spikes ?? []).map((spike) => ({
      startSeconds: spike.startsAtSeconds,
      endSeconds: spike.closedAtSeconds ?? span.endSeconds,
    }));
    return markLine(line, markedColumns(chart, stretches), isColoured);
  });
  const quiet = report.erringCodeCount - summaries.length;
  return [
    paint(isColoured, 'bold', head),
    ...charted,
    ...(quiet > 0 ? [`${sayCount(quiet, 'more code')} had errors and no spike.`] : []),
  ];
}

/** Codes of which the other setting keeps no spike are still told of. */
function withThoseThatGo(summaries: readonly CodeSummary[], now: readonly ReplayedSpike[]): readonly CodeSummary[] {
  const known = new Set(summaries.map(({ code }) => code));
  const gone = [...new Set(now.map(({ code }) => code))].filter((code) => !known.has(code)).sort();
  return [...summaries, ...gone.map((code) => ({ code, spikes: [], totalSeconds: 0, pagesPerWeek: 0 }))];
}

function chartHead(chart: ChartSpan): string {
  const columnSeconds = (chart.endSeconds - chart.startSeconds) / chart.columnCount;
  return `busiest ${sayLasting(sliceSecondsOf(chart))} of each ${sayLasting(columnSeconds)}`;
}

/** The chart stands at the line's end; its spikes are marked in the line below, and coloured where there is colour. */
function markLine(line: string, marked: readonly boolean[], isColoured: boolean): readonly string[] {
  if (!marked.includes(true)) return [line];
  const characters = [...line];
  const chartAt = characters.length - marked.length;
  const bars = characters.slice(chartAt).map((bar, at) => (marked[at] ? paint(isColoured, 'red', bar) : bar));
  const marks = marked.map((isMarked) => (isMarked ? SPIKE_MARK : ' ')).join('');
  return [
    `${characters.slice(0, chartAt).join('')}${bars.join('')}`,
    `${' '.repeat(chartAt)}${paint(isColoured, 'red', marks.trimEnd())}`,
  ];
}

function totalLines(report: Report, spikes: readonly ComparedSpike[]): readonly string[] {
  const { span, collectedSeconds, next, now, budget } = report;
  const rest = { endSeconds: span.endSeconds, collectedSeconds };
  const codeCount = new Set(next.spikes.map(({ code }) => code)).size;
  const weekly = (list: readonly ReplayedSpike[]) => sayFigure(pagesPerWeek(list.length, rest));
  const totals = `${sayCount(next.spikes.length, 'spike')} of ${sayCount(codeCount, 'code')} in ${sayLasting(span.endSeconds - span.startSeconds)}`;
  const pages = `${weekly(next.spikes)} pages a week, with cause or without; the budget for those without is ${sayFigure(budget)}`;
  if (now === null) return [`${totals}: ${pages}.`];
  const changed = (wanted: Change) => spikes.filter(({ change }) => change === wanted).length;
  return [
    `${totals}: ${pages}. Now ${now.spikes.length}: ${weekly(now.spikes)} pages a week.`,
    `+ ${changed('comes')} would come, - ${changed('goes')} would go, ${changed('stays')} would stay.`,
  ];
}

function paint(isColoured: boolean, style: 'bold' | 'red' | 'green', text: string): string {
  return isColoured ? styleText(style, text, { validateStream: false }) : text;
}
