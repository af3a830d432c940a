/**
 * Counts over time as one line of block characters: each column is a stretch of time and shows its busiest bucket, so that
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
  readonly add: (code: string, atSeconds: number, count: number) => void;
  /** The busiest bucket of each column; null: nothing of it was collected. */
  readonly of: (code: string) => readonly (number | null)[];
}

/** Remembers the busiest bucket of each column and code: a few numbers a code, however long the replay. */
export function createPeaks(span: ChartSpan): Peaks {
  const byCode = new Map<string, Float64Array>();
  return {
    add(code, atSeconds, count) {
      let peaks = byCode.get(code);
      if (peaks === undefined) {
        peaks = new Float64Array(span.columnCount).fill(-1);
        byCode.set(code, peaks);
      }
      const column = columnAt(span, atSeconds);
      if (count > (peaks[column] ?? Number.POSITIVE_INFINITY)) peaks[column] = count;
    },
    of: (code) => Array.from(byCode.get(code) ?? new Float64Array(span.columnCount).fill(-1), (peak) => (peak < 0 ? null : peak)),
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
