/**
 * A code that has been up for hours has a new level. Until that was clear nothing of the spike was learnt; now it was no
 * spike after all, and its hours are the only ones that tell what the new level looks like at this time of day. They are
 * kept by quarter of an hour while the spike is open, which is as fine as the season is.
 */
import { phiOf } from './dispersion.ts';
import { estimateLevel, moveLevel } from './level.ts';
import { learnSeason, SEASON_BIN_SECONDS } from './season.ts';
import type { DetectorSettings } from './settings.ts';
import type { CodeState } from './state.ts';

/** A quarter of an hour of a spike. */
export interface SpikeQuarter {
  startSeconds: number;
  count: number;
  /** Buckets collected, each weighted by its traffic factor. */
  exposure: number;
}

/** Adds a collected bucket of an open spike. */
export function rememberSpikeBucket(quarters: SpikeQuarter[], startSeconds: number, count: number, trafficFactor: number): void {
  const quarterStart = Math.floor(startSeconds / SEASON_BIN_SECONDS) * SEASON_BIN_SECONDS;
  const last = quarters.at(-1);
  if (last !== undefined && last.startSeconds === quarterStart) {
    last.count += count;
    last.exposure += trafficFactor;
  } else {
    quarters.push({ startSeconds: quarterStart, count, exposure: trafficFactor });
  }
}

/** Takes `ratio` times the level as the level, and the spike's hours as hours of it. */
export function learnNewLevel(
  state: CodeState,
  settings: DetectorSettings,
  spike: { readonly ratio: number; readonly quarters: readonly SpikeQuarter[] },
): void {
  const { bucketSeconds } = settings;
  moveLevel(state.level, spike.ratio, bucketSeconds);
  const phi = phiOf(state.dispersion);
  for (const { startSeconds, count, exposure } of spike.quarters) {
    const known = estimateLevel(state.level, startSeconds, bucketSeconds, phi);
    if (known === null) continue;
    learnSeason(state.season, {
      startSeconds,
      bucketSeconds: exposure * bucketSeconds,
      count,
      levelExpected: known.value * exposure,
      phi,
    });
  }
}
