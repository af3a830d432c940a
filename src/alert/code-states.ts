/**
 * The detector's state of every code, in memory, moved on together through event time. A code that was never seen is the
 * silent state: it moves on with the others, so that a newcomer starts from a copy of it and knows how long it was
 * silent, as a backtest of the same counts would.
 *
 * State snapshots will be put in and taken out here: `position`, the silent state and one state a code are all there is.
 */
import { coveredBuckets, type Span } from '../detect/collected.ts';
import {
  type CodeState,
  createCodeState,
  type DetectorSettings,
  expectedAt,
  isOpen,
  settingsFor,
  step,
  type Transition,
} from '../detect/detector.ts';
import type { BucketCount } from './ports.ts';

export const BUCKET_SECONDS = 10;
/** A code seen within so long counts as active. */
const ACTIVE_SECONDS = 7 * 24 * 3600;
/** Steps between two pauses for everything else that the process does; about 10 ms. */
const STEPS_A_BREATH = 4000;

export interface CodeTransition {
  readonly code: string;
  readonly transition: Transition;
}

export interface Stretch {
  readonly range: Span;
  readonly counts: readonly BucketCount[];
  /** What was collected of it. */
  readonly spans: readonly Span[];
}

interface Tracked {
  state: CodeState;
  /** The newest opening, for whoever must tell of it later. */
  lastOpening: Transition | null;
  lastSeenSeconds: number;
}

export interface CodeStatesOptions {
  readonly falsePagesPerWeek: number;
  /** Lets other work of the process run. */
  readonly breathe: () => Promise<void>;
}

export type CodeStates = ReturnType<typeof createCodeStates>;

export function createCodeStates({ falsePagesPerWeek, breathe }: CodeStatesOptions) {
  const tracked = new Map<string, Tracked>();
  let settings = settingsOf(1);
  let activeCodeCount = 1;
  const silent = createTracked();
  let stepCount = 0;

  function settingsOf(activeCodes: number): DetectorSettings {
    return settingsFor({ bucketSeconds: BUCKET_SECONDS, falsePagesPerWeek, activeCodeCount: activeCodes });
  }
  function createTracked(): Tracked {
    return { state: createCodeState(settings), lastOpening: null, lastSeenSeconds: Number.NEGATIVE_INFINITY };
  }

  async function follow(
    each: Tracked,
    counts: ReadonlyMap<number, number>,
    buckets: readonly number[],
  ): Promise<readonly Transition[]> {
    const transitions: Transition[] = [];
    for (const bucket of buckets) {
      const count = counts.get(bucket) ?? 0;
      if (count > 0) each.lastSeenSeconds = bucket;
      const transition = step(each.state, settings, bucket, count);
      if (transition?.event === 'open') each.lastOpening = transition;
      if (transition !== null) transitions.push(transition);
      stepCount += 1;
      if (stepCount % STEPS_A_BREATH === 0) await breathe();
    }
    return transitions;
  }

  return {
    codeCount: () => tracked.size,
    isOpen: (code: string) => isOpenOf(tracked.get(code)),
    lastOpening: (code: string) => tracked.get(code)?.lastOpening ?? null,
    openCodes: () => [...tracked].filter(([, each]) => isOpenOf(each)).map(([code]) => code),
    expectedErrorsPerSecond(code: string, atSeconds: number): number | null {
      const each = tracked.get(code);
      const expected = each === undefined ? null : expectedAt(each.state, settings, atSeconds);
      return expected === null ? null : expected / BUCKET_SECONDS;
    },

    /** Moves every code on through the stretch. Answers what opened and closed, in the order of event time. */
    async advance({ range, counts, spans }: Stretch): Promise<readonly CodeTransition[]> {
      const buckets = coveredBuckets(spans, range, BUCKET_SECONDS);
      const byCode = countsByCode(counts);
      for (const code of byCode.keys()) {
        if (!tracked.has(code)) tracked.set(code, { ...silent, state: structuredClone(silent.state) });
      }
      const found: CodeTransition[] = [];
      for (const [code, each] of tracked) {
        const transitions = await follow(each, byCode.get(code) ?? NO_COUNTS, buckets);
        found.push(...transitions.map((transition) => ({ code, transition })));
      }
      await follow(silent, NO_COUNTS, buckets);
      return found.sort((one, other) => one.transition.bucketStartSeconds - other.transition.bucketStartSeconds);
    },

    /** Computes one code's state anew from all its counts and swaps it in. */
    async recompute(code: string, { range, counts, spans }: Stretch): Promise<void> {
      const each = createTracked();
      await follow(each, countsByCode(counts).get(code) ?? NO_COUNTS, coveredBuckets(spans, range, BUCKET_SECONDS));
      tracked.set(code, each);
    },

    /** Takes the threshold anew from how many codes are active; called at fixed moments of event time, so that a replay does the same. */
    adjustThreshold(nowSeconds: number): void {
      const active = [...tracked.values()].filter((each) => each.lastSeenSeconds >= nowSeconds - ACTIVE_SECONDS).length;
      if (active === activeCodeCount) return;
      activeCodeCount = active;
      settings = settingsOf(Math.max(1, active));
    },
  };
}

const NO_COUNTS: ReadonlyMap<number, number> = new Map();

function isOpenOf(each: Tracked | undefined): boolean {
  return each !== undefined && isOpen(each.state);
}

function countsByCode(counts: readonly BucketCount[]): ReadonlyMap<string, ReadonlyMap<number, number>> {
  const byCode = new Map<string, Map<number, number>>();
  for (const { code, bucketStartSeconds, count } of counts) {
    const known = byCode.get(code);
    if (known === undefined) byCode.set(code, new Map([[bucketStartSeconds, count]]));
    else known.set(bucketStartSeconds, count);
  }
  return byCode;
}
