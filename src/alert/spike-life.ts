/**
 * PURE. How a spike lives, as rules over its row and the time: pending -> firing -> resolved. Every decision of CONTRACT
 * section 6 about when an alert is pushed, held, resolved, or no longer worth telling is taken here and nowhere else, so
 * that whoever leads, after whatever outage, decides the same from the same row.
 *
 * Two clocks: event time says whether a spike is over (`evaluatedUntilMs`, how far the detector has read), the database's
 * clock says what is news and how long somebody has known.
 */
import type { SpikeRecord } from './spike.ts';

/** What closed longer ago than this is no longer told, only recorded. */
export const NEWS_MS = 60 * 60_000;
/** A resolve is repeated for so long, for an Alertmanager that missed it. */
export const RESOLVE_REPEAT_MS = 15 * 60_000;
/** From the end of the bucket that opened it; told later than this, a spike is marked late. */
export const LATE_AFTER_MS = 60_000;
export const BUCKET_MS = 10_000;

export interface LifeTime {
  /** The database's clock. */
  readonly nowMs: number;
  /** Event time before which every bucket is evaluated. */
  readonly evaluatedUntilMs: number;
  /** How long a spike must stay closed, and be known to Alertmanager, before it is resolved. */
  readonly holdMs: number;
}

export type StateChange = { readonly state: 'firing' | 'resolved'; readonly isLate: boolean };

/**
 * What must become of a spike whether or not anybody is told, or null. A pending spike becomes firing by an accepted push
 * (not here), unless there is no Alertmanager to wait for, or another spike tells of it.
 */
export function judgeState(spike: SpikeRecord, time: LifeTime, hasAlertmanager: boolean): StateChange | null {
  switch (spike.state) {
    case 'pending':
      if (isOldNews(spike, time)) return { state: 'resolved', isLate: true };
      if (!isTellable(spike, time) || (hasAlertmanager && spike.coveredBy === null)) return null;
      return { state: 'firing', isLate: isLateToTell(spike, time) };
    case 'firing':
      return isCalmLongEnough(spike, time) ? { state: 'resolved', isLate: spike.isLate } : null;
    case 'resolved':
      return null;
    default:
      return spike.state satisfies never;
  }
}

/**
 * What Alertmanager should be told of a spike now, or null.
 *
 * @param active the spikes that are pending or firing: one with the same labels ends the repeats of a resolve.
 */
export function judgePush(spike: SpikeRecord, time: LifeTime, active: readonly SpikeRecord[]): 'firing' | 'resolved' | null {
  if (spike.coveredBy !== null) return null;
  switch (spike.state) {
    case 'pending':
      return isTellable(spike, time) ? 'firing' : null;
    case 'firing':
      return 'firing';
    case 'resolved': {
      // Who was never told that it fires needs no resolve; Alertmanager would swallow it anyway.
      if (spike.firstAcceptedAtMs === null || spike.resolvedAtMs === null) return null;
      if (time.nowMs - spike.resolvedAtMs > RESOLVE_REPEAT_MS) return null;
      return active.some((other) => other.id !== spike.id && hasSameLabels(other, spike)) ? null : 'resolved';
    }
    default:
      return spike.state satisfies never;
  }
}

/** Whether it must be marked late when it is told for the first time now. */
export function isLateToTell(spike: Pick<SpikeRecord, 'openedAtMs' | 'closedAtMs'>, { nowMs }: Pick<LifeTime, 'nowMs'>): boolean {
  return spike.closedAtMs !== null || nowMs - (spike.openedAtMs + BUCKET_MS) > LATE_AFTER_MS;
}

export interface SpikePlace {
  readonly state: SpikeRecord['state'];
  readonly openedAtMs: number;
  readonly closedAtMs: number | null;
}

/**
 * What an opening does to the spike of its code that is not resolved yet: it goes on, or, when it was over for the whole
 * hold and nobody can be told any more, it ends and another begins. null: there is none, a new one begins.
 */
export function judgeOpening(
  live: SpikePlace | null,
  openedAtMs: number,
  time: LifeTime,
): 'begin' | 'continue' | 'end_and_begin' {
  if (live === null) return 'begin';
  if (live.closedAtMs === null || live.state !== 'pending') return 'continue';
  const wasCalm = openedAtMs - live.closedAtMs >= time.holdMs;
  return wasCalm && isOldNews(live, time) ? 'end_and_begin' : 'continue';
}

/** Closed too long ago to be told. While it is open it is never old. */
function isOldNews({ closedAtMs }: SpikePlace, { nowMs }: LifeTime): boolean {
  return closedAtMs !== null && nowMs - closedAtMs > NEWS_MS;
}

/** Known to be on now, or over since an hour at most. Far behind, an open spike may long be over: read on first. */
function isTellable(spike: SpikePlace, time: LifeTime): boolean {
  return time.nowMs - (spike.closedAtMs ?? time.evaluatedUntilMs) <= NEWS_MS;
}

function isCalmLongEnough(spike: SpikeRecord, { nowMs, evaluatedUntilMs, holdMs }: LifeTime): boolean {
  if (spike.closedAtMs === null || evaluatedUntilMs - spike.closedAtMs < holdMs) return false;
  return spike.firstAcceptedAtMs === null || nowMs - spike.firstAcceptedAtMs >= holdMs;
}

function hasSameLabels(one: SpikeRecord, other: SpikeRecord): boolean {
  const names = Object.keys(one.labels);
  return names.length === Object.keys(other.labels).length && names.every((name) => one.labels[name] === other.labels[name]);
}
