/**
 * Moments as people type them: RFC 3339 or a date, epoch seconds, or relative to now (`now`, `-7d`, `30d`). A time without
 * a zone is UTC, as everywhere else here.
 */
import { UsageFault } from '../errors.ts';
import type { RowSpan } from '../store/row-span.ts';

const MS_PER_SECOND = 1000;
const EPOCH_SECONDS = /^\d{9,11}(\.\d+)?$/;
const ISO_8601 = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:?\d{2})?)?$/i;
const RELATIVE = /^-?(\d{1,8})([smhdw])$/;
const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 24 * 3600, w: 7 * 24 * 3600 };

/** @throws UsageFault that names the option and what is allowed. */
export function parseMoment(option: string, text: string, nowSeconds: number): number {
  const trimmed = text.trim();
  if (trimmed === 'now') return nowSeconds;
  const [, amount, unit = ''] = RELATIVE.exec(trimmed) ?? [];
  if (amount !== undefined) return nowSeconds - Number(amount) * (UNIT_SECONDS[unit] ?? 0);
  const seconds = EPOCH_SECONDS.test(trimmed) ? Number(trimmed) : parseIsoSeconds(trimmed);
  if (seconds !== null) return seconds;
  throw new UsageFault(
    `${option} must be a time such as 2026-01-05T08:00:00Z or 2026-01-05 (UTC), or an age such as 30d or 12h, or now`,
  );
}

/** The span of `--from` and `--to`, either of which may be left out. @throws UsageFault. */
export function parseSpan({ from, to }: { readonly from?: string; readonly to?: string }, nowMs: number): RowSpan {
  const parse = (option: string, text: string | undefined) =>
    text === undefined ? null : parseMoment(option, text, nowMs / MS_PER_SECOND) * MS_PER_SECOND;
  const [fromMs, toMs] = [parse('--from', from), parse('--to', to)];
  if (fromMs !== null && toMs !== null && fromMs >= toMs) throw new UsageFault('--from must be before --to');
  return { fromMs, toMs };
}

/** Epoch seconds of a date or an ISO 8601 time with `T` or a space, UTC without a zone; null when it is neither, or no day. */
export function parseIsoSeconds(text: string): number | null {
  const match = ISO_8601.exec(text);
  if (match === null) return null;
  const [, day = '', time = '00:00', zone = 'Z'] = match;
  if (!isDay(day)) return null;
  const ms = Date.parse(`${day}T${time}${zone.toUpperCase()}`);
  return Number.isNaN(ms) ? null : ms / MS_PER_SECOND;
}

/** Date.parse takes 30 February, as a day of March. */
function isDay(day: string): boolean {
  const ms = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day);
}
