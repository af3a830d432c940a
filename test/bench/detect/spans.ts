/** From openings and closings to the stretches in which an alert was open, per series. */

/** Epoch seconds; `close` null: still open at the end. */
export interface Span {
  readonly open: number;
  readonly close: number | null;
}

export type SpansBySeries = ReadonlyMap<string, readonly Span[]>;

/** Takes what one series' detector said, in order of time; a second opening while one is open changes nothing. */
export function createSpanCollector(): {
  readonly note: (series: string, seconds: number, isOpen: boolean) => void;
  readonly spans: SpansBySeries;
} {
  const spans = new Map<string, Span[]>();
  return {
    spans,
    note(series, seconds, isOpen) {
      const own = spans.get(series) ?? [];
      spans.set(series, own);
      const last = own.at(-1);
      const isOpenNow = last !== undefined && last.close === null;
      if (isOpen && !isOpenNow) own.push({ open: seconds, close: null });
      if (!isOpen && isOpenNow) own[own.length - 1] = { open: last.open, close: seconds };
    },
  };
}
