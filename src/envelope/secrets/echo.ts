/** Words that repeat what an end user typed: `"hunter2" is too short` gives the rejected password away as surely as `value`. */
import { type Span, withoutSpans } from './span.ts';

/** Shorter ones are part of too many innocent words. */
const MIN_ECHO_LENGTH = 3;
/** An envelope repeats one value or two; bounds the work for hostile ones. */
const MAX_ECHO_COUNT = 200;
const WORD = /[\p{L}\p{N}]/u;

/** The text without the echoes that stand in it as whole words. */
export function withoutEchoes(text: string, echoes: readonly string[]): string {
  if (echoes.length === 0) return text;
  let spans: Span[] | null = null;
  let count = 0;
  for (const echo of echoes) {
    count += 1;
    if (count > MAX_ECHO_COUNT) break;
    if (echo.length < MIN_ECHO_LENGTH) continue;
    for (let start = text.indexOf(echo); start !== -1; start = text.indexOf(echo, start + echo.length)) {
      const end = start + echo.length;
      if (WORD.test(text.charAt(start - 1)) || WORD.test(text.charAt(end))) continue;
      spans ??= [];
      spans.push({ start, end, mark: '[redacted]' });
    }
  }
  return spans === null ? text : withoutSpans(text, spans);
}
