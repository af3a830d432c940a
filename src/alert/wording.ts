/** PURE. Numbers, spans and moments as a person woken at three reads them. */

const SECONDS_PER_MINUTE = 60;
const SECONDS_PER_HOUR = 3600;
/** Above this a factor says nothing more. */
const MOST_TIMES = 1000;
/** Expectations below this are told as "almost none". */
const ALMOST_NONE = 0.05;
/** Smaller shares are told as less than this. */
const LEAST_PERCENT = 0.001;
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/** 0.4 · 7.2 · 41 · 12,000 */
export function countText(count: number): string {
  if (count < 10 && !Number.isInteger(count)) return count.toFixed(1);
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** "412 errors in 5 minutes, 10 times the expected 41" */
export function surgeText(observed: number, expected: number, windowSeconds: number): string {
  const seen = `${countText(observed)} ${observed === 1 ? 'error' : 'errors'} in ${spanText(windowSeconds)}`;
  return expected < ALMOST_NONE
    ? `${seen}, where almost none are expected`
    : `${seen}, ${timesText(observed / expected)} the expected ${countText(expected)}`;
}

/** "7.2 times", "41 times" */
export function timesText(ratio: number): string {
  if (ratio > MOST_TIMES) return `more than ${countText(MOST_TIMES)} times`;
  return `${ratio < 10 ? ratio.toFixed(1).replace(/\.0$/, '') : countText(ratio)} times`;
}

/** "0.4 %", "0.04 %", "12 %": of a share from 0 to 1. */
export function shareText(ratio: number): string {
  const percent = ratio * 100;
  return percent > 0 && percent < LEAST_PERCENT ? `less than ${LEAST_PERCENT} %` : `${Number(percent.toPrecision(2))} %`;
}

/** "10 seconds", "1 minute", "90 minutes", "2 hours" */
export function spanText(seconds: number): string {
  const [count, unit] =
    seconds % SECONDS_PER_HOUR === 0 && seconds > 0
      ? [seconds / SECONDS_PER_HOUR, 'hour']
      : seconds >= SECONDS_PER_MINUTE
        ? [Math.round(seconds / SECONDS_PER_MINUTE), 'minute']
        : [Math.round(seconds), 'second'];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

/** "14:03 UTC", with its day when that is not today: "23 November 14:03 UTC". */
export function momentText(atMs: number, nowMs: number): string {
  const at = new Date(atMs);
  const clock = `${at.toISOString().slice(11, 16)} UTC`;
  if (at.toISOString().slice(0, 10) === new Date(nowMs).toISOString().slice(0, 10)) return clock;
  return `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()] ?? ''} ${clock}`;
}

/**
 * One line without anything that a terminal, a chat or a page could take as more than text: no control, format or
 * direction characters, no half characters, clipped.
 */
export function plainText(text: string, mostCharacters: number): string {
  const flat = text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim();
  const characters = [...flat];
  return characters.length <= mostCharacters ? flat : `${characters.slice(0, mostCharacters - 1).join('')}…`;
}
