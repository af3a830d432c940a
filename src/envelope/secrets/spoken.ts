/**
 * Secrets that are told without a colon: `password 'hunter2' is too short`, `with token 9f8e7d6c5b`, `--password x`. What
 * follows the word is taken when it is quoted or looks like no word of a sentence.
 */
import { isFull, isSpace, type Span } from './span.ts';

const WORD = /pass(?:word|wd|code|phrase)|passwort|pwd|secret|token|api[ _-]?key|session[ _-]?id|\b(?:pin|otp|cvv2?|cvc2?)\b/gi;
/** A few digits are a whole secret. */
const OF_DIGITS = /^(?:pin|otp|cv[vc]2?|passcode)$/i;
/** May stand between the word and its secret. */
const FILLERS = new Set('is was code number value to given provided entered supplied rejected invalid wrong bad'.split(' '));
const MAX_FILLERS = 3;
const MIN_LENGTH = 5;
const LONGEST_FILLER = 12;
/** Shortest secret that is quoted. */
const MIN_QUOTED = 3;
const DIGITS = /^\d{3,8}$/;
const MIXED = /^(?=[^\d]*\d)(?=[^A-Za-z]*[A-Za-z])|[!#$%^*~]/;
const SENTENCE_MARKS = /[.,;:!?)\]}'"]+$/;

export function findSpoken(text: string, spans: Span[]): void {
  WORD.lastIndex = 0;
  for (let word = WORD.exec(text); word !== null && !isFull(spans); word = WORD.exec(text)) {
    const end = WORD.lastIndex;
    const isOption = text.startsWith('--', word.index - 2);
    const span = secretAfter(text, end, { isOption, isOfDigits: OF_DIGITS.test(word[0]) });
    if (span === null) continue;
    spans.push(span);
    WORD.lastIndex = span.end;
  }
}

interface Announced {
  /** Of a command line: whatever follows is its value. */
  readonly isOption: boolean;
  readonly isOfDigits: boolean;
}

function secretAfter(text: string, from: number, { isOption, isOfDigits }: Announced): Span | null {
  let at = from;
  for (let fillers = 0; fillers <= MAX_FILLERS; fillers++) {
    const start = skipSpaces(text, at);
    if (start === at) return null;
    const quoted = quotedAt(text, start);
    if (quoted !== null) return quoted;
    const end = endOfBare(text, start);
    const bare = text.slice(start, end).replace(SENTENCE_MARKS, '');
    if (bare === '') return null;
    const isSecret = isOption || (isOfDigits && DIGITS.test(bare)) || (bare.length >= MIN_LENGTH && MIXED.test(bare));
    if (isSecret && !bare.startsWith('[')) return { start, end: start + bare.length, mark: '[redacted]' };
    if (bare.length > LONGEST_FILLER || !FILLERS.has(bare.toLowerCase())) return null;
    at = end;
  }
  return null;
}

function quotedAt(text: string, start: number): Span | null {
  let quoteAt = start;
  while (text[quoteAt] === '\\') quoteAt++;
  const quote = text.charAt(quoteAt);
  if (quote !== '"' && quote !== "'" && quote !== '`') return null;
  const end = text.indexOf(text.slice(start, quoteAt + 1), quoteAt + 1);
  return end - quoteAt - 1 < MIN_QUOTED ? null : { start: quoteAt + 1, end, mark: '[redacted]' };
}

function skipSpaces(text: string, from: number): number {
  let at = from;
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
}

function endOfBare(text: string, start: number): number {
  let at = start;
  while (at < text.length && !isSpace(text.charCodeAt(at)) && !'"\'<>&;,'.includes(text.charAt(at))) at++;
  return at;
}
