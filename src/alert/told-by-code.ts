/**
 * PURE. Whether the surge of a pair of field and sub-code is news of its own. While its whole code surges, or all codes do,
 * that is the news, and the pair is only part of the evidence: a pair that opens meanwhile, or in the same stretch of event
 * time, gets no spike. One that opened before has been told, and lives its own life.
 */
import type { CodeTransition } from './code-states.ts';
import type { SpikeRecord } from './spike.ts';

export interface ToldNews {
  /** Spikes that are not resolved, and those resolved within the time that an opening is news. */
  readonly recent: readonly SpikeRecord[];
  /** Everything that opened and closed in the same stretch. */
  readonly transitions: readonly CodeTransition[];
  /** A spike of all codes begins in it. */
  readonly isAllBeginning: boolean;
}

export function isToldByCode(
  { code, atMs }: { readonly code: string; readonly atMs: number },
  { recent, transitions, isAllBeginning }: ToldNews,
): boolean {
  return (
    isAllBeginning ||
    transitions.some((other) => other.code === code && other.transition.event === 'open') ||
    recent.some((spike) => isWhole(spike, code) && (spike.state !== 'resolved' || wasOnAt(spike, atMs)))
  );
}

function isWhole(spike: SpikeRecord, code: string): boolean {
  return spike.kind === 'all_codes' || (spike.kind === 'surge' && spike.code === code && spike.pair === null);
}

function wasOnAt({ startsAtMs, closedAtMs }: SpikeRecord, atMs: number): boolean {
  return startsAtMs <= atMs && (closedAtMs === null || atMs <= closedAtMs);
}
