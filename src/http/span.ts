/** A span of time as a link or a query states it: RFC 3339 or, as Grafana's links do, epoch milliseconds. */
const RFC_3339 = /^\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d))?$/;
const EPOCH_MS = /^\d{12,14}$/;
const DEFAULT_SPAN_MS = 6 * 3_600_000;
const LONGEST_SPAN_MS = 400 * 86_400_000;
const STEPS_SECONDS = [10, 30, 60, 300, 600, 1_800, 3_600, 21_600, 86_400];
/** As many points as a chart can still show apart. */
const MOST_POINTS = 400;
/** What an explicit step may lead to. */
const MOST_ANSWERED_POINTS = 11_000;

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepSeconds: number;
}

/** Epoch milliseconds, or null when the text is no moment. */
export function readMoment(text: string): number | null {
  if (EPOCH_MS.test(text)) return Number(text);
  const ms = RFC_3339.test(text) && isDay(text.slice(0, 'YYYY-MM-DD'.length)) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? null : ms;
}

/** Date.parse takes 30 February, as a day of March. */
function isDay(day: string): boolean {
  const ms = Date.parse(day);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day);
}

/** The span asked for, the last six hours by default; or a sentence that says what is wrong with it. */
export function readSpan(asked: { from?: string; to?: string; step?: number }, nowMs: number): Span | string {
  const toMs = asked.to === undefined ? nowMs : readMoment(asked.to);
  const fromMs = asked.from === undefined ? (toMs ?? nowMs) - DEFAULT_SPAN_MS : readMoment(asked.from);
  if (toMs === null || fromMs === null) return 'from and to must be RFC 3339 moments or epoch milliseconds.';
  if (fromMs >= toMs) return 'from must lie before to.';
  if (toMs - fromMs > LONGEST_SPAN_MS) return 'from and to may lie at most 400 days apart.';
  const stepSeconds = asked.step ?? stepFor(toMs - fromMs);
  if ((toMs - fromMs) / 1000 / stepSeconds > MOST_ANSWERED_POINTS) return 'step is too small for this span.';
  return { fromMs, toMs, stepSeconds };
}

function stepFor(spanMs: number): number {
  return STEPS_SECONDS.find((step) => spanMs / 1000 / step <= MOST_POINTS) ?? 86_400;
}
