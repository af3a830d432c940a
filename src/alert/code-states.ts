/**
 * The detector's state of every code, in memory, moved on together through event time. A code that was never seen is the
 * silent state: it moves on with the others, so that a newcomer starts from a copy of it and knows how long it was
 * silent, as a backtest of the same counts would.
 *
 * Each state knows how far it has come: after a restart they stand where their snapshots were taken and are stepped on
 * from there, each alone, until they are together again.
 */
import { createHash } from 'node:crypto';
import {
  type CodeState,
  createCodeState,
  deserialise,
  expectedAt,
  isOpen,
  serialise,
  step,
  type Transition,
} from '../detect/detector.ts';
import { type StretchSum, sumStretch } from '../detect/stretch.ts';
import { isCodeKey } from '../envelope/series-key.ts';
import type { Rise } from './common-rise.ts';
import { countsByCode, NO_COUNTS } from './counts-by-code.ts';
import type { BucketCount } from './ports.ts';
import { part, sequenceOf } from './shared-states.ts';
import { createThreshold, type SettingsOf, type ThresholdHour } from './threshold.ts';
import { BUCKET_SECONDS, type Surroundings, type Way, wayOf } from './way.ts';

/** A code seen within so long counts as active. */
const ACTIVE_SECONDS = 7 * 24 * 3600;
/** Codes with more are hardly ever counted alike. */
const MOST_SHARED_COUNTS = 100;
/** Steps between two pauses for everything else that the process does; about 10 ms. */
const STEPS_A_BREATH = 2000;

export interface CodeTransition {
  readonly code: string;
  readonly transition: Transition;
}

export interface Stretch extends Surroundings {
  readonly counts: readonly BucketCount[];
}

/** A state as it is stored. */
export interface Snapshot {
  /** Event time: buckets that start before it are in the state. */
  readonly steppedUntilSeconds: number;
  /** Start of the newest bucket with an error; null: none yet. */
  readonly lastSeenSeconds: number | null;
  /** The newest opening, for whoever must tell of it later. */
  readonly lastOpening: Transition | null;
  readonly state: string;
}

/** Of one code, or of several that were counted alike. */
interface Tracked {
  state: CodeState;
  steppedUntilSeconds: number;
  lastOpening: Transition | null;
  lastSeenSeconds: number;
}

/** How far a state has come, and whether there is more in it than silence. */
export interface CodePlace {
  readonly code: string;
  readonly steppedUntilSeconds: number;
  readonly lastSeenSeconds: number;
  readonly isOpen: boolean;
}

export interface CodeStatesOptions {
  readonly settingsOf: SettingsOf;
  /** Lets other work of the process run. */
  readonly breathe: () => Promise<void>;
}

export type CodeStates = ReturnType<typeof createCodeStates>;

export function createCodeStates({ settingsOf, breathe }: CodeStatesOptions) {
  const tracked = new Map<string, Tracked>();
  const threshold = createThreshold(settingsOf);
  /** By the digest of its snapshot, until the states move on. */
  const restored = new Map<string, Tracked>();
  let silent = createTracked();
  /** Of the newest bucket. */
  let trafficFactor = 1;
  let stepCount = 0;

  function createTracked(): Tracked {
    return {
      state: createCodeState(threshold.settings()),
      steppedUntilSeconds: Number.NEGATIVE_INFINITY,
      lastOpening: null,
      lastSeenSeconds: Number.NEGATIVE_INFINITY,
    };
  }

  /** Through its text: structuredClone takes twice as long, and a first start makes thousands. */
  function copyOf(each: Tracked): Tracked {
    return { ...each, state: deserialise(serialise(each.state), threshold.settings()) };
  }

  async function follow(
    each: Tracked,
    counts: ReadonlyMap<number, number>,
    { buckets, factors, untilSeconds }: Way,
  ): Promise<readonly Transition[]> {
    const transitions: Transition[] = [];
    for (const [index, bucket] of buckets.entries()) {
      if (bucket < each.steppedUntilSeconds) continue;
      const count = counts.get(bucket) ?? 0;
      if (count > 0) each.lastSeenSeconds = bucket;
      const transition = step(each.state, threshold.settings(), bucket, count, factors[index]);
      if (transition?.event === 'open') each.lastOpening = transition;
      if (transition !== null) transitions.push(transition);
      stepCount += 1;
      if (stepCount % STEPS_A_BREATH === 0) await breathe();
    }
    each.steppedUntilSeconds = Math.max(each.steppedUntilSeconds, untilSeconds);
    return transitions;
  }

  /** @throws TypeError | SyntaxError when it is not a state that these settings can step on. */
  function trackedOf({ steppedUntilSeconds, lastSeenSeconds, lastOpening, state: text }: Snapshot): Tracked {
    const state = deserialise(text, threshold.settings());
    if ((state.nextBucketSeconds ?? 0) > steppedUntilSeconds) throw new TypeError('a state that is ahead of its place');
    return { state, steppedUntilSeconds, lastOpening, lastSeenSeconds: lastSeenSeconds ?? Number.NEGATIVE_INFINITY };
  }

  /**
   * What came of each code in a stretch of the last hour, beside what was expected; without codes of which nothing is known,
   * and without pairs, whose errors are their code's.
   */
  function risesOf(fromSeconds: number, toSeconds: number): readonly Rise[] {
    return [...tracked].flatMap(([code, { state }]) => {
      if (!isCodeKey(code)) return [];
      const sum = sumStretch(state, threshold.settings(), fromSeconds, toSeconds);
      return sum === null ? [] : [{ code, ...sum }];
    });
  }

  return {
    codeCount: () => tracked.size,
    /** What they cost: codes that were counted alike share one. */
    stateCount: () => new Set(tracked.values()).size,
    /** As the threshold last took it; before it did, all codes. */
    activeCodeCount: () => Math.max(1, threshold.hours().at(-1)?.activeCodeCount ?? tracked.size),
    /** All other codes together, as far as their last hour is remembered; null when nothing is known of them. */
    sumOthers(code: string, fromSeconds: number, toSeconds: number): StretchSum | null {
      const sums = risesOf(fromSeconds, toSeconds).filter((rise) => rise.code !== code);
      if (sums.length === 0) return null;
      return {
        observed: sums.reduce((total, { observed }) => total + observed, 0),
        expected: sums.reduce((total, { expected }) => total + expected, 0),
      };
    },
    isOpen: (code: string) => isOpenOf(tracked.get(code)),
    rises: risesOf,
    /** Of one series in a stretch of the last hour; null when nothing of it is known. */
    sumOf(code: string, fromSeconds: number, toSeconds: number): StretchSum | null {
      const each = tracked.get(code);
      return each === undefined ? null : sumStretch(each.state, threshold.settings(), fromSeconds, toSeconds);
    },
    lastOpening: (code: string) => tracked.get(code)?.lastOpening ?? null,
    openCodes: () => [...tracked].filter(([, each]) => isOpenOf(each)).map(([code]) => code),
    expectedErrorsPerSecond(code: string, atSeconds: number): number | null {
      const each = tracked.get(code);
      const expected = each === undefined ? null : expectedAt(each.state, threshold.settings(), atSeconds, trafficFactor);
      return expected === null ? null : expected / BUCKET_SECONDS;
    },

    /** Moves every code on through the stretch. Answers what opened and closed, in the order of event time. */
    async advance(stretch: Stretch): Promise<readonly CodeTransition[]> {
      restored.clear();
      const way = wayOf(stretch);
      const byCode = countsByCode(stretch.counts);
      part({ byCode: tracked, silent, copyOf }, byCode);
      const transitionsOf = new Map<Tracked, readonly Transition[]>();
      const found: CodeTransition[] = [];
      for (const [code, each] of tracked) {
        const transitions = transitionsOf.get(each) ?? (await follow(each, byCode.get(code) ?? NO_COUNTS, way));
        transitionsOf.set(each, transitions);
        for (const transition of transitions) found.push({ code, transition });
      }
      await follow(silent, NO_COUNTS, way);
      trafficFactor = way.factors.at(-1) ?? trafficFactor;
      return found.sort((one, other) => one.transition.bucketStartSeconds - other.transition.bucketStartSeconds);
    },

    /**
     * Computes the states of some codes anew, each from all its counts, and swaps them in. Of few counts each sequence is
     * gone through once, however many codes were counted so. No state may be moved on before the last of them.
     */
    recomputing(surroundings: Surroundings) {
      const way = wayOf(surroundings);
      const known = new Map<string, Tracked>();
      return async (code: string, counts: readonly BucketCount[]): Promise<void> => {
        const ofCode = countsByCode(counts).get(code) ?? NO_COUNTS;
        const sequence = ofCode.size > MOST_SHARED_COUNTS ? null : sequenceOf(ofCode);
        let each = sequence === null ? undefined : known.get(sequence);
        if (each === undefined) {
          each = createTracked();
          await follow(each, ofCode, way);
          if (sequence !== null) known.set(sequence, each);
        }
        tracked.set(code, each);
      };
    },

    /** At a whole hour of event time. */
    adjustThreshold(hourSeconds: number): void {
      const isActive = (each: Tracked) => each.lastSeenSeconds >= hourSeconds - ACTIVE_SECONDS;
      threshold.adjust(hourSeconds, () => [...tracked.values()].filter(isActive).length);
    },
    thresholdHours: (): readonly ThresholdHour[] => threshold.hours(),
    /** The threshold as others took it, in force at that moment; before any state is stepped on. */
    restoreThreshold: (hours: readonly ThresholdHour[], atSeconds: number) => threshold.restore(hours, atSeconds),

    places(): readonly CodePlace[] {
      return Array.from(tracked, ([code, { state, steppedUntilSeconds, lastSeenSeconds }]) => {
        return { code, steppedUntilSeconds, lastSeenSeconds, isOpen: isOpen(state) };
      });
    },
    snapshotOf: (code: string): Snapshot | null => snapshotOf(tracked.get(code)),
    silentSnapshot: (): Snapshot | null => snapshotOf(silent),
    /** Codes whose snapshots say the same share a state again. @throws TypeError | SyntaxError: it must be computed anew. */
    restore(code: string, snapshot: Snapshot): void {
      const digest = createHash('sha256').update(JSON.stringify(snapshot)).digest('base64');
      const each = restored.get(digest) ?? trackedOf(snapshot);
      restored.set(digest, each);
      tracked.set(code, each);
    },
    /** @throws TypeError | SyntaxError: everything must be computed anew. */
    restoreSilent(snapshot: Snapshot): void {
      silent = trackedOf(snapshot);
    },
  };
}

function isOpenOf(each: Tracked | undefined): boolean {
  return each !== undefined && isOpen(each.state);
}

function snapshotOf(each: Tracked | undefined): Snapshot | null {
  if (each === undefined || each.steppedUntilSeconds === Number.NEGATIVE_INFINITY) return null;
  const { state, steppedUntilSeconds, lastSeenSeconds, lastOpening } = each;
  const lastSeen = lastSeenSeconds === Number.NEGATIVE_INFINITY ? null : lastSeenSeconds;
  return { steppedUntilSeconds, lastSeenSeconds: lastSeen, lastOpening, state: serialise(state) };
}
