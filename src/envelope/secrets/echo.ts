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
const WORD = /[\p{L}\p{N}]/u;

const KEEP_ALL: WithoutEchoes = (text) => text;
const KEEP_NONE: WithoutEchoes = (text) => (text === '' ? text : MARK);

/** @param typed texts as they were typed, at most `MAX_TYPED_COUNT` and one more. */
export function createWithoutEchoes(typed: readonly string[]): WithoutEchoes {
  if (typed.length === 0) return KEEP_ALL;
  if (typed.length > MAX_TYPED_COUNT) return KEEP_NONE;
  const echoes = new Set(typed.flatMap(spellingsOf).filter((echo) => echo.length >= MIN_ECHO_LENGTH));
  const byStart = Map.groupBy(echoes, (echo) => startOf(echo, 0));
  if ([...byStart.values()].some((alike) => alike.length > MAX_ALIKE)) return KEEP_NONE;
  return byStart.size === 0 ? KEEP_ALL : (text) => withoutEchoes(text, byStart);
}

function withoutEchoes(text: string, byStart: ReadonlyMap<number, readonly string[]>): string {
  const spans: Span[] = [];
  const lowered = lower(text);
  for (let start = 0; start + MIN_ECHO_LENGTH <= lowered.length; start++) {
    const alike = byStart.get(startOf(lowered, start));
    const echo = alike?.find((each) => lowered.startsWith(each, start) && isWhole(lowered, start, start + each.length));
    if (echo === undefined) continue;
    spans.push({ start, end: start + echo.length, mark: MARK });
    start += echo.length - 1;
  }
  return spans.length === 0 ? text : withoutSpans(text, spans);
}

/** As it was typed, and as JSON and URLs write it. */
function spellingsOf(typed: string): readonly string[] {
  const clipped = lower(typed.slice(0, MAX_ECHO_LENGTH));
  return [
    clipped,
    clipped.trim(),
    JSON.stringify(clipped).slice(1, -1),
    encodeURIComponent(clipped.toWellFormed()).toLowerCase(),
  ];
}

/** Whether the stretch is no part of a longer word. One that was cut is followed by the rest of itself. */
function isWhole(text: string, start: number, end: number): boolean {
  const isBegun = !WORD.test(text.charAt(start)) || !WORD.test(text.charAt(start - 1));
  return isBegun && (end - start >= MAX_ECHO_LENGTH || !WORD.test(text.charAt(end - 1)) || !WORD.test(text.charAt(end)));
}

/** In lower case, unless that makes another length: indexes must hold for the text itself. */
function lower(text: string): string {
  const lowered = text.toLowerCase();
  return lowered.length === text.length ? lowered : text;
}

/** The first three units as one number. */
function startOf(text: string, start: number): number {
  return ((text.charCodeAt(start) * 0x1003f) ^ (text.charCodeAt(start + 1) << 8) ^ text.charCodeAt(start + 2)) | 0;
}
