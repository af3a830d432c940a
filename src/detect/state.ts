/**
 * All that is remembered of one code: plain numbers, so that a state is its own JSON and a restart continues exactly
 * where the last run stopped. The parts belong to the files that understand them; this file only puts them together.
 */
import { type Backlog, createBacklog } from './backlog.ts';
import { type Bursts, createBursts } from './bursts.ts';
import { type Calibration, createCalibration } from './calibration.ts';
import { createDeviation, type Deviation } from './deviation.ts';
import { createDispersion, type Dispersion } from './dispersion.ts';
import { createLevel, type Level } from './level.ts';
import type { SpikeQuarter } from './new-level.ts';
import { createNovelty, type Novelty } from './novelty.ts';
import { createRecent, type Recent } from './recent.ts';
import { createRecurrence, type Recurrence } from './recurrence.ts';
import { createSeason, type Season } from './season.ts';
import type { DetectorSettings } from './settings.ts';
import { createWeekend, type Weekend } from './weekend.ts';

export interface OpenSpike {
  openedAtSeconds: number;
  /** The estimated onset. */
  startsAtSeconds: number;
  /** Length of the window that opened it: longer ones need a longer look to be sure that it is over. */
  windowSeconds: number;
  /** Errors since the onset over those expected, when it opened. */
  ratio: number;
  /** How long the counts have been back to normal. */
  calmSeconds: number;
  /** What it has brought, in case it turns out to be a new level. */
  quarters: SpikeQuarter[];
}

export interface CodeState {
  readonly version: 3;
  /** Width of the buckets it was built from; a state never changes it. */
  readonly bucketSeconds: number;
  /** Start of the bucket that comes next; null before the first. */
  nextBucketSeconds: number | null;
  recent: Recent;
  level: Level;
  season: Season;
  weekend: Weekend;
  dispersion: Dispersion;
  deviation: Deviation;
  calibration: Calibration;
  bursts: Bursts;
  novelty: Novelty;
  recurrence: Recurrence;
  spike: OpenSpike | null;
  /** Indices of buckets (see `Recent.bucketCount`): the next to learn, and the first that a window may reach back to. */
  learnIndex: number;
  freshIndex: number;
  /** Buckets from..until-1 belong to a spike and are not learnt. */
  spikeFromIndex: number;
  spikeUntilIndex: number;
  backlog: Backlog;
  /** Until then the code is taken as down, and low counts teach nothing. */
  outageUntilSeconds: number;
  score: number;
}

export function createCodeState(settings: DetectorSettings): CodeState {
  return {
    version: 3,
    bucketSeconds: settings.bucketSeconds,
    nextBucketSeconds: null,
    recent: createRecent(settings),
    level: createLevel(),
    season: createSeason(),
    weekend: createWeekend(),
    dispersion: createDispersion(),
    deviation: createDeviation(),
    calibration: createCalibration(settings.windows.length),
    bursts: createBursts(),
    novelty: createNovelty(),
    recurrence: createRecurrence(),
    spike: null,
    learnIndex: 0,
    freshIndex: 0,
    spikeFromIndex: 0,
    spikeUntilIndex: 0,
    backlog: createBacklog(),
    outageUntilSeconds: 0,
    score: 0,
  };
}

export function serialise(state: CodeState): string {
  return JSON.stringify(state);
}

/** @throws TypeError when the text is not a state of this version and bucket width: it must then be computed anew. */
export function deserialise(text: string, settings: DetectorSettings): CodeState {
  const parsed: unknown = JSON.parse(text);
  if (!isStateOf(parsed, settings)) throw new TypeError(`not a version 3 state of ${settings.bucketSeconds} s buckets`);
  return parsed;
}

/** Only we write states, so what must be told apart is another version or width, not every field. */
function isStateOf(parsed: unknown, settings: DetectorSettings): parsed is CodeState {
  if (typeof parsed !== 'object' || parsed === null) return false;
  if (!('version' in parsed) || !('bucketSeconds' in parsed)) return false;
  return parsed.version === 3 && parsed.bucketSeconds === settings.bucketSeconds;
}
