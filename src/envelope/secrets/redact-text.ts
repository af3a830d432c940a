/**
 * Takes secrets out of a text that is otherwise kept: out of the text as it is, as it reads once its escapes and look-alikes
 * are undone, and out of what is written in it in base64.
 */
import { memoized } from '../memo.ts';
import { findEncoded } from './encoded.ts';
import { findSecrets } from './find-secrets.ts';
import { isFull, type Span, withoutSpans } from './span.ts';
import { unfold } from './unfold.ts';

/** No secret that a finder knows is shorter. */
const MIN_SECRET_LENGTH = 6;
/** How often base64 within base64 is opened. */
const MAX_ENCODINGS = 2;

/** Where a secret was, what stood around it may be one by itself; a text that goes on like that is not kept at all. */
const MAX_PASSES = 4;
/** Of longer texts, in UTF-16 units, nothing is kept when they hold a secret: there is no time for a second look. */
const LONGEST_PARTLY_KEPT = 65_536;
const NOTHING_KEPT = '[redacted]';

/** Only texts without a secret are remembered. */
const MEMO = { mostTexts: 2_000, longestText: 128, mayKeep: (text: string, redacted: string) => text === redacted };

/**
 * The text without secrets; an equal one when it holds none. Given again what it answered, it leaves it alone, so that
 * what was exported can be imported.
 */
export const redactText: (text: string) => string = memoized(lookThrough, MEMO);

function lookThrough(text: string): string {
  let kept = text;
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const next = kept.length < MIN_SECRET_LENGTH ? kept : withoutSecrets(kept);
    if (next === kept) return kept;
    kept = next;
  }
  return NOTHING_KEPT;
}

function withoutSecrets(text: string): string {
  const spans: Span[] = [];
  findAll(text, spans, MAX_ENCODINGS);
  if (spans.length === 0) return text;
  return isFull(spans) || text.length > LONGEST_PARTLY_KEPT ? NOTHING_KEPT : withoutSpans(text, spans);
}

function findAll(text: string, spans: Span[], encodings: number): void {
  const mayReadOtherwise = findSecrets(text, spans);
  if (isFull(spans)) return;
  if (encodings > 0) findEncoded(text, spans, (decoded) => holdsSecret(decoded, encodings - 1));
  if (!mayReadOtherwise) return;
  const unfolded = unfold(text);
  if (unfolded === null) return;
  const found: Span[] = [];
  findSecrets(unfolded.text, found);
  const { starts } = unfolded;
  for (const { start, end, mark } of found) spans.push({ start: starts[start] ?? 0, end: starts[end] ?? text.length, mark });
}

function holdsSecret(text: string, encodings: number): boolean {
  const spans: Span[] = [];
  findAll(text, spans, encodings);
  return spans.length > 0;
}
