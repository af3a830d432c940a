/**
 * PURE. A code that comes is news when nobody has seen it before, or not for a week. The first day that is collected
 * teaches which codes there are: only what comes new after it is told. Time that was not collected is no silence.
 */
import { collectedSeconds, type Span } from '../detect/collected.ts';
import type { SpikeChange } from './ports.ts';
import type { SpikeKind, SpikeRecord } from './spike.ts';

export const FIRST_DAY_SECONDS = 24 * 3600;
/** So long without one, and the next is told. */
export const AWAY_SECONDS = 7 * 24 * 3600;
/** News is over after so long, whether or not the code still comes: what it does then is for its surge to say. */
export const NEWS_LASTS_MS = 3_600_000;
/** Stands for codes past the cap: which they are is not known. */
const OTHER_CODES = '_other';

/** The first errors of a code, or the first after a while. */
export interface Sighting {
  readonly code: string;
  readonly atSeconds: number;
  /** Errors that were read with it. */
  readonly count: number;
  /** Of the last error before; null: there was none. */
  readonly lastSeenSeconds: number | null;
}

export interface SightingTerms {
  readonly isCatalogued: boolean;
  /** All that was collected until then. */
  readonly spans: readonly Span[];
}

export function judgeSighting(
  { code, atSeconds, lastSeenSeconds }: Sighting,
  { isCatalogued, spans }: SightingTerms,
): 'new_code' | 'returning_code' | null {
  if (code === OTHER_CODES) return null;
  if (lastSeenSeconds !== null) {
    const awaySeconds = collectedSeconds(spans, { startSeconds: lastSeenSeconds, endSeconds: atSeconds });
    return awaySeconds >= AWAY_SECONDS ? 'returning_code' : null;
  }
  if (isCatalogued) return null;
  return collectedSeconds(spans, { startSeconds: 0, endSeconds: atSeconds }) >= FIRST_DAY_SECONDS ? 'new_code' : null;
}

/** The ends of what was told as news for its hour. */
export function endsOfNews(active: readonly SpikeRecord[], evaluatedUntilMs: number): readonly SpikeChange[] {
  return active
    .filter(({ kind, closedAtMs, openedAtMs }) => {
      return isNews(kind) && closedAtMs === null && evaluatedUntilMs - openedAtMs >= NEWS_LASTS_MS;
    })
    .map(({ kind, code, openedAtMs }) => {
      return { kind: 'close', of: kind, code, closedAtMs: openedAtMs + NEWS_LASTS_MS, reason: 'told_for_an_hour' };
    });
}

function isNews(kind: SpikeKind): boolean {
  return kind === 'new_code' || kind === 'returning_code';
}
