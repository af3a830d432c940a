/**
 * PURE. A code that its catalogue entry expects to come, and that stopped while others flow: the requests that end in it
 * may no longer get that far. It takes others in each quarter of the span to tell silence of one code from a quiet hour,
 * and from errors that no longer reach us at all.
 */
import { collectedSeconds, type Span } from '../detect/collected.ts';

/** Of the span, at least so much must have been collected; the minimum shrinks with what was not. */
const LEAST_COLLECTED_SHARE = 0.9;
const PARTS = 4;

export interface SilenceInput {
  /** As many seconds as the minimum is stated for, up to where the detector has read. */
  readonly range: Span;
  /** All that was collected until then. */
  readonly spans: readonly Span[];
  readonly observed: number;
  readonly minimum: number;
}

/** `scarce`: silent, if others flow; null: it cannot be said. */
export function judgeSilence({ range, spans, observed, minimum }: SilenceInput): 'flows' | 'scarce' | null {
  if (observed >= minimum) return 'flows';
  // The first span after the start of all history: who began to listen within it has not heard enough.
  if (collectedSeconds(spans, { startSeconds: 0, endSeconds: range.startSeconds }) === 0) return null;
  const share = collectedSeconds(spans, range) / (range.endSeconds - range.startSeconds);
  return share >= LEAST_COLLECTED_SHARE && observed < minimum * share ? 'scarce' : null;
}

/** The parts of the span in each of which an error of another code must have come. */
export function partsOf({ startSeconds, endSeconds }: Span): readonly Span[] {
  const lengthSeconds = (endSeconds - startSeconds) / PARTS;
  return Array.from({ length: PARTS }, (_, part) => ({
    startSeconds: startSeconds + part * lengthSeconds,
    endSeconds: startSeconds + (part + 1) * lengthSeconds,
  }));
}
