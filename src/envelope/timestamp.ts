/**
 * Reads the moment an envelope occurred. Written by hand because `Date.parse` rolls 30 February into March, refuses leap
 * seconds and lets other formats pass, and PostgreSQL believes in 'now' and 'infinity'.
 *
 * Accepted: RFC 3339 with any number of fractional digits, and the years past 9999 that ECMAScript writes with six digits
 * and a sign (a broken clock is kept and flagged, not refused).
 */
import { DAY_MS } from './limits.ts';

export interface Timestamp {
  /** RFC 3339, UTC, at most six fractional digits; a year past 9999 stands without sign, as PostgreSQL reads it. */
  readonly text: string;
  /** Epoch milliseconds, rounded down. */
  readonly epochMs: number;
  /** UTC day, `YYYY-MM-DD`. */
  readonly day: string;
  readonly fix: 'leap_second' | 'micros' | null;
}

const MAX_LENGTH = 64;
const MAX_EPOCH_MS = 8_640_000_000_000_000;
const MINUTE_MS = 60_000;
const SHORTEST_TAIL = '-MM-DDTHH:MM:SSZ'.length;

export function parseTimestamp(text: string): Timestamp | null {
  const yearEnd = endOfYear(text);
  if (yearEnd === 0 || text.length > MAX_LENGTH || text.length < yearEnd + SHORTEST_TAIL) return null;
  const year = Number(text.slice(0, yearEnd));
  const month = twoDigits(text, yearEnd + 1);
  const dayOfMonth = twoDigits(text, yearEnd + 4);
  const hour = twoDigits(text, yearEnd + 7);
  const minute = twoDigits(text, yearEnd + 10);
  const second = twoDigits(text, yearEnd + 13);
  if (text[yearEnd] !== '-' || text[yearEnd + 3] !== '-' || text[yearEnd + 9] !== ':' || text[yearEnd + 12] !== ':') return null;
  if (month < 1 || month > 12 || dayOfMonth < 1 || dayOfMonth > daysInMonth(year, month)) return null;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return null;

  const secondEnd = yearEnd + 15;
  const fractionEnd = endOfFraction(text, secondEnd);
  const offsetMinutes = parseOffset(text, fractionEnd);
  if (offsetMinutes === null) return null;
  const fraction = text.slice(secondEnd + 1, Math.min(fractionEnd, secondEnd + 7));
  const epochMinutes = daysSinceEpoch(year, month, dayOfMonth) * 1440 + hour * 60 + minute - offsetMinutes;
  if (second === 60) return leapSecond(epochMinutes);

  const epochMs = epochMinutes * MINUTE_MS + second * 1000 + milliseconds(fraction);
  if (Math.abs(epochMs) > MAX_EPOCH_MS) return null;
  const fix = fractionEnd - secondEnd > 7 ? 'micros' : null;
  const isCanonical =
    fix === null && text.length === fractionEnd + 1 && text[fractionEnd] === 'Z' && text[yearEnd + 6] === 'T' && yearEnd === 4;
  if (isCanonical) return { text, epochMs, day: dayOf(text), fix };
  if (text[yearEnd + 6] !== 'T' && text[yearEnd + 6] !== 't') return null;
  return canonical(epochMs, fraction, fix);
}

/** One text for all envelopes of a day, not one for each. */
let lastDay = '';
function dayOf(text: string): string {
  if (lastDay === '' || !text.startsWith(lastDay)) lastDay = text.slice(0, 'YYYY-MM-DD'.length);
  return lastDay;
}

function canonical(epochMs: number, fraction: string, fix: Timestamp['fix']): Timestamp {
  const iso = new Date(epochMs).toISOString().replace(/^\+0*/, '');
  const upToSeconds = iso.slice(0, -'.000Z'.length);
  return {
    text: `${upToSeconds}${fraction === '' ? '' : `.${fraction}`}Z`,
    epochMs,
    day: upToSeconds.slice(0, -'T00:00:00'.length),
    fix,
  };
}

/** A leap second is the last of a UTC day or it is none; it is kept as that day's last microsecond. */
function leapSecond(epochMinutes: number): Timestamp | null {
  const nextMinuteMs = (epochMinutes + 1) * MINUTE_MS;
  if (nextMinuteMs % DAY_MS !== 0 || Math.abs(nextMinuteMs) > MAX_EPOCH_MS) return null;
  return canonical(nextMinuteMs - 1, '999999', 'leap_second');
}

/** Index behind the year: four to six digits, or a sign and six digits; 0 when there is no year. */
function endOfYear(text: string): number {
  const first = text.charCodeAt(0);
  const isSigned = first === 0x2b || first === 0x2d;
  let end = isSigned ? 1 : 0;
  while (isDigit(text.charCodeAt(end)) && end < 8) end++;
  if (isSigned) return end === 7 ? end : 0;
  return end >= 4 && end <= 6 ? end : 0;
}

/** Index behind `.digits`; `from` itself when there is no fraction. A lone dot is left for the zone to trip over. */
function endOfFraction(text: string, from: number): number {
  if (text[from] !== '.') return from;
  let end = from + 1;
  while (isDigit(text.charCodeAt(end))) end++;
  return end === from + 1 ? from : end;
}

/** Minutes east of UTC, or null when what stands from here to the end is no zone. */
function parseOffset(text: string, from: number): number | null {
  const sign = text[from];
  if (sign === 'Z' || sign === 'z') return text.length === from + 1 ? 0 : null;
  if ((sign !== '+' && sign !== '-') || text.length !== from + 6 || text[from + 3] !== ':') return null;
  const hours = twoDigits(text, from + 1);
  const minutes = twoDigits(text, from + 4);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return null;
  return (sign === '-' ? -1 : 1) * (hours * 60 + minutes);
}

function milliseconds(fraction: string): number {
  if (fraction === '') return 0;
  return Number(fraction.length > 3 ? fraction.slice(0, 3) : fraction.padEnd(3, '0'));
}

/** -1 when either character is not a digit. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at);
  const ones = text.charCodeAt(at + 1);
  return isDigit(tens) && isDigit(ones) ? (tens - 0x30) * 10 + ones - 0x30 : -1;
}

function isDigit(charCode: number): boolean {
  return charCode >= 0x30 && charCode <= 0x39;
}

const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function daysInMonth(year: number, month: number): number {
  if (month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)) return 29;
  return DAYS_IN_MONTH[month - 1] ?? 0;
}

/** Proleptic Gregorian day number; Howard Hinnant, chrono-compatible low-level date algorithms, `days_from_civil`. */
function daysSinceEpoch(year: number, month: number, dayOfMonth: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + dayOfMonth - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}
