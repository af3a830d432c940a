/** Times and numbers as a table has room for them. */

const MINUTE_SECONDS = 60;
const HOUR_SECONDS = 3600;
const DAY_SECONDS = 24 * 3600;
const MS_PER_SECOND = 1000;

/** '45s', '35m', '2h 10m', '3d 4h': the largest unit that fits and the next, without a zero. */
export function sayLasting(seconds: number): string {
  const whole = Math.max(Math.round(seconds), 0);
  if (whole < MINUTE_SECONDS) return `${whole}s`;
  const minutes = Math.round(whole / MINUTE_SECONDS);
  if (minutes < HOUR_SECONDS / MINUTE_SECONDS) return `${minutes}m`;
  if (minutes < DAY_SECONDS / MINUTE_SECONDS) return twoUnits(minutes, HOUR_SECONDS / MINUTE_SECONDS, 'h', 'm');
  return twoUnits(Math.round(whole / HOUR_SECONDS), DAY_SECONDS / HOUR_SECONDS, 'd', 'h');
}

function twoUnits(small: number, each: number, largeUnit: string, smallUnit: string): string {
  const rest = small % each;
  return `${Math.floor(small / each)}${largeUnit}${rest === 0 ? '' : ` ${rest}${smallUnit}`}`;
}

/** '2026-11-03 14:02', UTC. */
export function sayMinute(epochSeconds: number): string {
  return new Date(epochSeconds * MS_PER_SECOND).toISOString().slice(0, 16).replace('T', ' ');
}

/** Two decimals below one, one below a hundred, none above. */
export function sayFigure(value: number): string {
  if (!Number.isFinite(value)) return '-';
  if (value >= 100) return String(Math.round(value));
  return String(Number(value.toFixed(value >= 1 ? 1 : 2)));
}

/** '1 spike', '3 spikes'. */
export function sayCount(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`;
}
