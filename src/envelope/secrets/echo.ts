/**
 * Words that repeat what an end user typed: `"hunter2" is too short` gives the rejected password away as surely as `value`.
 * Looked up by their first characters, at the beginnings of words only, so that many of them cost one pass over a text.
 */
import { type Span, withoutSpans } from './span.ts';

/** Takes what was typed out of a text. */
export type WithoutEchoes = (text: string) => string;

/** Shorter ones are part of too many innocent words. */
const MIN_ECHO_LENGTH = 3;
/** Of longer ones the beginning is looked for, so that one that was cut short is found too. */
const MAX_ECHO_LENGTH = 64;
/** An envelope repeats a few values. Where more were typed, or more that begin alike, no text is kept at all. */
export const MAX_TYPED_COUNT = 1000;
const MAX_ALIKE = 200;
const MARK = '[redacted]';
const NOT_ASCII = 0x80;
const FIRSTS = 129;
const PLAIN = /^[A-Za-z0-9_.-]*$/;
const WORD = /[\p{L}\p{N}]/u;

const KEEP_ALL: WithoutEchoes = (text) => text;
const KEEP_NONE: WithoutEchoes = (text) => (text === '' ? text : MARK);

/** @param typed texts as they were typed, at most `MAX_TYPED_COUNT` and one more. */
export function createWithoutEchoes(typed: readonly string[]): WithoutEchoes {
  if (typed.length === 0) return KEEP_ALL;
  if (typed.length > MAX_TYPED_COUNT) return KEEP_NONE;
  const firsts = new Uint8Array(FIRSTS);
  const byStart = new Map<number, string[]>();
  for (const text of typed) {
    for (const echo of spellingsOf(text)) {
      if (echo.length < MIN_ECHO_LENGTH) continue;
      firsts[lowerUnit(echo, 0)] = 1;
      const start = startOf(echo, 0);
      const alike = byStart.get(start);
      if (alike === undefined) byStart.set(start, [echo]);
      else if (!alike.includes(echo)) alike.push(echo);
      if (alike !== undefined && alike.length > MAX_ALIKE) return KEEP_NONE;
    }
  }
  return byStart.size === 0 ? KEEP_ALL : (text) => withoutEchoes(text, firsts, byStart);
}

/** @param firsts 1 for each first unit that an echo may have: a quick no for nearly every place in a text. */
function withoutEchoes(text: string, firsts: Uint8Array, byStart: ReadonlyMap<number, readonly string[]>): string {
  let spans: Span[] | null = null;
  for (let start = 0; start + MIN_ECHO_LENGTH <= text.length; start++) {
    if (firsts[lowerUnit(text, start)] === 0) continue;
    const echo = byStart.get(startOf(text, start))?.find((each) => isEcho(text, start, each));
    if (echo === undefined) continue;
    spans ??= [];
    spans.push({ start, end: start + echo.length, mark: MARK });
    start += echo.length - 1;
  }
  return spans === null ? text : withoutSpans(text, spans);
}

/** As it was typed, and as JSON and URLs write it; in lower case. */
function spellingsOf(typed: string): readonly string[] {
  const clipped = lower(typed.length > MAX_ECHO_LENGTH ? typed.slice(0, MAX_ECHO_LENGTH) : typed);
  if (PLAIN.test(clipped)) return [clipped];
  return [
    clipped,
    clipped.trim(),
    JSON.stringify(clipped).slice(1, -1),
    encodeURIComponent(clipped.toWellFormed()).toLowerCase(),
  ];
}

/** Whether the echo stands there, and not as part of a longer word. One that was cut is followed by the rest of itself. */
function isEcho(text: string, start: number, echo: string): boolean {
  const end = start + echo.length;
  if (lower(text.slice(start, end)) !== echo) return false;
  if (WORD.test(text.charAt(start)) && WORD.test(text.charAt(start - 1))) return false;
  return echo.length >= MAX_ECHO_LENGTH || !WORD.test(text.charAt(end - 1)) || !WORD.test(text.charAt(end));
}

/** In lower case, unless that makes another length: indexes must hold for the text itself. */
function lower(text: string): string {
  const lowered = text.toLowerCase();
  return lowered.length === text.length ? lowered : text;
}

/** The unit in lower case where it is a letter of ASCII; all others count as one, which `isEcho` tells apart. */
function lowerUnit(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  if (unit >= 0x41 && unit <= 0x5a) return unit | 0x20;
  return unit < NOT_ASCII ? unit : NOT_ASCII;
}

/** The first three units as one number. */
function startOf(text: string, start: number): number {
  return (lowerUnit(text, start) << 16) | (lowerUnit(text, start + 1) << 8) | lowerUnit(text, start + 2);
}
