/** Of which rows is asked, by when they occurred. */
export interface RowSpan {
  /** Epoch milliseconds, half open; null: from the first, to the last. */
  readonly fromMs: number | null;
  readonly toMs: number | null;
}

/** An end of a span as a statement takes it. */
export function momentOf(ms: number | null): Date | null {
  return ms === null ? null : new Date(ms);
}
