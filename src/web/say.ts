/** Times, spans and numbers as people say them. Times are UTC, as in the logs that they are compared with. */
import { type Html, html } from './html.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** '3 errors', '1 error'. */
export function sayCount(count: number, one: string, many = `${one}s`): string {
  return `${sayNumber(count)} ${count === 1 ? one : many}`;
}

/** Thousands apart by a thin space; one decimal below ten where it says something. */
export function sayNumber(value: number): string {
  const rounded = Math.abs(value) < 10 ? Math.round(value * 10) / 10 : Math.round(value);
  const [whole = '0', decimal] = String(Math.abs(rounded)).split('.');
  const grouped = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, '\u2009') : whole;
  return `${rounded < 0 ? '−' : ''}${grouped}${decimal === undefined ? '' : `.${decimal}`}`;
}

/** '4 minutes', '1 hour', '3 days': the largest unit that fits. */
export function saySpan(ms: number): string {
  if (ms < MINUTE_MS) return sayCount(Math.max(0, Math.round(ms / 1000)), 'second');
  if (ms < HOUR_MS) return sayCount(Math.round(ms / MINUTE_MS), 'minute');
  if (ms < 2 * DAY_MS) return sayCount(Math.round(ms / HOUR_MS), 'hour');
  return sayCount(Math.round(ms / DAY_MS), 'day');
}

export function sayAgo(ms: number, nowMs: number): string {
  const span = nowMs - ms;
  if (Math.abs(span) < 1000) return 'just now';
  return span > 0 ? `${saySpan(span)} ago` : `in ${saySpan(-span)}`;
}

/** 'today 14:03:12 UTC', 'yesterday …', 'Mon 3 Nov …'; the year when it is another. */
export function sayMoment(ms: number, nowMs: number): string {
  const date = new Date(ms);
  const time = `${date.toISOString().slice(11, 19)} UTC`;
  const daysBack = Math.floor(nowMs / DAY_MS) - Math.floor(ms / DAY_MS);
  if (daysBack === 0) return `today ${time}`;
  if (daysBack === 1) return `yesterday ${time}`;
  const year = date.getUTCFullYear() === new Date(nowMs).getUTCFullYear() ? '' : ` ${date.getUTCFullYear()}`;
  return `${DAYS[date.getUTCDay()]} ${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}${year} ${time}`;
}

export function sayMomentAndAgo(ms: number, nowMs: number): Html {
  return html`<time datetime="${new Date(ms).toISOString()}">${sayMoment(ms, nowMs)}, ${sayAgo(ms, nowMs)}</time>`;
}

/** '34 times as many', for a spike that is told against what is normal. */
export function sayFactor(observed: number, expected: number): string | null {
  const factor = observed / expected;
  if (!(expected > 0) || factor < 1.05) return null;
  return `${sayNumber(factor)} times as many`;
}
