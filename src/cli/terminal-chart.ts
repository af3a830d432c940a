/**
 * Counts over time as one line of block characters: each column is a stretch of time and shows its busiest minutes, so that
 * a surge of minutes is still seen in a month. What was not collected is a dot and never an empty bar.
 */
const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;
const NOT_COLLECTED = '·';
export const SPIKE_MARK = '^';

export interface ChartSpan {
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly columnCount: number;
}

export interface Peaks {
  /** Counts of a code come in order. */
  readonly add: (code: string, atSeconds: number, count: number) => void;
  /** The busiest slice of each column, in errors; null: nothing of it was collected. */
  readonly of: (code: string) => readonly (number | null)[];
}

/** Long enough to show a surge of a code that errs a few times an hour, short enough not to drown it. */
const SLICE_SECONDS = 600;

interface Trace {
  /** -1: not collected. */
  readonly peaks: Float64Array;
  slice: number;
  sliceCount: number;
}

/** What a column's busiest slice is long: columns that are shorter are one slice each. */
export function sliceSecondsOf({ startSeconds, endSeconds, columnCount }: ChartSpan): number {
  return Math.min(SLICE_SECONDS, (endSeconds - startSeconds) / columnCount);
}

/** Remembers the busiest slice of each column and code: a few numbers a code, however long the replay. */
export function createPeaks(span: ChartSpan): Peaks {
  const traces = new Map<string, Trace>();
  const sliceSeconds = sliceSecondsOf(span);
  return {
    add(code, atSeconds, count) {
      let trace = traces.get(code);
      if (trace === undefined) {
        trace = { peaks: new Float64Array(span.columnCount).fill(-1), slice: -1, sliceCount: 0 };
        traces.set(code, trace);
      }
      const slice = Math.floor((atSeconds - span.startSeconds) / sliceSeconds);
      if (slice !== trace.slice) trace.sliceCount = 0;
      trace.slice = slice;
      trace.sliceCount += count;
      const column = columnAt(span, atSeconds);
      if (trace.sliceCount > (trace.peaks[column] ?? Number.POSITIVE_INFINITY)) trace.peaks[column] = trace.sliceCount;
    },
    of(code) {
      const peaks = traces.get(code)?.peaks ?? new Float64Array(span.columnCount).fill(-1);
      return Array.from(peaks, (peak) => (peak < 0 ? null : peak));
    },
  };
}

/** The tallest bar is the largest peak; the lowest one is zero. */
export function drawBars(peaks: readonly (number | null)[]): string {
  const most = Math.max(...peaks.map((peak) => peak ?? 0));
  return peaks.map((peak) => (peak === null ? NOT_COLLECTED : barOf(peak, most))).join('');
}

function barOf(peak: number, most: number): string {
  return BARS[most > 0 ? Math.ceil((peak / most) * (BARS.length - 1)) : 0] ?? BARS[0];
}

/** Which columns the stretches touch. Stretches are half open; one without length still marks its column. */
export function markedColumns(
  span: ChartSpan,
  stretches: readonly { readonly startSeconds: number; readonly endSeconds: number }[],
): readonly boolean[] {
  const marked = Array.from({ length: span.columnCount }, () => false);
  for (const { startSeconds, endSeconds } of stretches) {
    const first = columnAt(span, startSeconds);
    const last = Math.max(columnAt(span, endSeconds - 1), first);
    marked.fill(true, first, last + 1);
  }
  return marked;
}

function columnAt({ startSeconds, endSeconds, columnCount }: ChartSpan, atSeconds: number): number {
  const column = Math.floor(((atSeconds - startSeconds) / (endSeconds - startSeconds)) * columnCount);
  return Math.min(Math.max(column, 0), columnCount - 1);
}
