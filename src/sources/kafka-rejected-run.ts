/**
 * PURE. How many records of a Kafka partition were rejected in a row, and where that is too many: a producer that sends
 * nothing but garbage must stop the reading, or it is eaten silently. What says nothing of the producer neither counts nor
 * ends a row.
 */
import type { RejectReason } from '../envelope/schema.ts';
import type { Outcome } from '../ingest/outcome.ts';

export const MOST_REJECTED_IN_A_ROW = 100;

const SAYS_NOTHING: ReadonlySet<RejectReason> = new Set(['too_old', 'tombstone', 'erased']);

export interface RejectedRun {
  readonly rejectedCount: number;
  /** Records before it are counted already: a redelivery or a replay counts none again. */
  readonly nextOffset: bigint;
}

export interface TooMany {
  /** Behind the record that made it too many: the next one to read. */
  readonly offset: bigint;
  /** The records before it are known to be rejected. */
  readonly knownBadUntil: bigint;
  /** What was met, in words that hold nothing of a record. */
  readonly detail: string;
}

/** An outcome of a record, null where none is known. */
export interface Judged {
  readonly offset: bigint;
  readonly outcome: Outcome | null;
}

/** `records` in offset order. With `tooMany` the run begins anew at its offset. */
export function stepRun(run: RejectedRun, records: readonly Judged[]): { run: RejectedRun; tooMany: TooMany | null } {
  let { rejectedCount, nextOffset } = run;
  const reasons = new Map<RejectReason, number>();
  for (const [place, { offset, outcome }] of records.entries()) {
    if (offset < nextOffset || outcome === null) continue;
    nextOffset = offset + 1n;
    if (outcome.kind !== 'rejected') {
      rejectedCount = 0;
      reasons.clear();
    } else if (!SAYS_NOTHING.has(outcome.reason)) {
      rejectedCount += 1;
      reasons.set(outcome.reason, (reasons.get(outcome.reason) ?? 0) + 1);
    }
    if (rejectedCount < MOST_REJECTED_IN_A_ROW) continue;
    const knownBadUntil = endOfRejected(records.slice(place + 1), nextOffset);
    const detail = `${MOST_REJECTED_IN_A_ROW} in a row, mostly ${commonest(reasons)}`;
    return { run: { rejectedCount: 0, nextOffset }, tooMany: { offset: nextOffset, knownBadUntil, detail } };
  }
  return { run: { rejectedCount, nextOffset }, tooMany: null };
}

function endOfRejected(records: readonly Judged[], from: bigint): bigint {
  let end = from;
  for (const { offset, outcome } of records) {
    if (outcome?.kind !== 'rejected') break;
    end = offset + 1n;
  }
  return end;
}

function commonest(reasons: ReadonlyMap<RejectReason, number>): string {
  return [...reasons].toSorted(([, one], [, other]) => other - one)[0]?.[0] ?? 'unknown';
}
