/**
 * Where the states begin, after a start or a takeover: at their snapshots or, without usable ones, at the stored counts of
 * two weeks. Many codes with a long history would leave the detector blind for as long as that takes; they are rebuilt
 * from the newest counts first, and learn the rest one after the other while the detector sees again.
 */
import type { Span } from '../detect/collected.ts';
import type { CodeStates } from './code-states.ts';
import type { DetectionStore } from './ports.ts';
import { type RestoreDeps, restoreStates } from './restore-states.ts';
import { BUCKET_SECONDS } from './way.ts';

/** Counts older than this are not learnt from. */
export const HISTORY_MS = 14 * 24 * 3_600_000;
/** Most steps of all codes together before the detector sees: half a minute of work. */
const REBUILD_STEPS = 5_000_000;

export interface Place {
  /** Start of the history. */
  readonly startSeconds: number;
  /** How far all states have come. */
  positionSeconds: number;
  /** Codes whose state must be computed anew before the states are used. */
  readonly missing: string[];
  /** Codes whose state lacks counts that are stored, to be computed anew when there is time. */
  readonly outdated: (states: Pick<CodeStates, 'places'>) => readonly string[];
}

export interface Moment {
  /** Where the detector stands; null: nothing was evaluated yet. */
  readonly evaluatedUntilMs: number | null;
  readonly nowMs: number;
  readonly watermarkMs: number | null;
}

/** @returns null: there is nothing to go on from. @throws StoreUnavailable. */
export async function placeOfSnapshots(evaluatedUntilMs: number, deps: RestoreDeps): Promise<Place | 'stale' | null> {
  const restored = await restoreStates(evaluatedUntilMs, deps);
  if (restored === null || restored === 'stale') return restored;
  const { historyStartSeconds: startSeconds, positionSeconds, missing, outdated } = restored;
  return { startSeconds, positionSeconds, missing: [...missing], outdated: () => outdated };
}

/** @returns null: nothing is stored and nothing known of event time. @throws StoreUnavailable. */
export async function placeOfCounts(
  { evaluatedUntilMs, nowMs, watermarkMs }: Moment,
  detection: Pick<DetectionStore, 'readEarliestBucket' | 'readCodeCount'>,
): Promise<Place | null> {
  const untilMs = evaluatedUntilMs ?? watermarkMs;
  if (untilMs === null) return null;
  const earliestMs = await detection.readEarliestBucket(nowMs - HISTORY_MS);
  const startSeconds = floorToBucket(Math.min(earliestMs ?? untilMs, untilMs) / 1000);
  // Nothing was evaluated yet: nobody waits for the detector to see again.
  if (evaluatedUntilMs === null) return placeAt(startSeconds, () => []);
  const bucketCount = Math.max(1, Math.floor(REBUILD_STEPS / Math.max(1, await detection.readCodeCount())));
  const shortSeconds = floorToBucket(untilMs / 1000) - bucketCount * BUCKET_SECONDS;
  if (shortSeconds <= startSeconds) return placeAt(startSeconds, () => []);
  return placeAt(shortSeconds, (states) => states.places().map(({ code }) => code));
}

function placeAt(startSeconds: number, outdated: Place['outdated']): Place {
  return { startSeconds, positionSeconds: startSeconds, missing: [], outdated };
}

/** From the earliest count to learn from, which may have come late, to where the states stand. */
export async function historyOf(
  place: Place,
  nowMs: number,
  detection: Pick<DetectionStore, 'readEarliestBucket'>,
): Promise<Span> {
  const earliestMs = await detection.readEarliestBucket(nowMs - HISTORY_MS);
  const startSeconds = Math.min(place.startSeconds, floorToBucket((earliestMs ?? nowMs) / 1000));
  return { startSeconds, endSeconds: place.positionSeconds };
}

export function floorToBucket(seconds: number): number {
  return Math.floor(seconds / BUCKET_SECONDS) * BUCKET_SECONDS;
}
