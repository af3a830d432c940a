/**
 * The leader's work: event time, bucket after bucket, from where the database says the detector stands to the watermark.
 * After a start or a takeover the states are rebuilt by replaying the stored counts up to there, through the same code
 * and without acting, then compared with the spikes that are stored as open. Work is cut into stretches: each is read,
 * evaluated and written before the next, and a run ends after its time budget, so that a long history neither loses the
 * lease nor silences the watchdog.
 */
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Span } from '../detect/collected.ts';
import { BUCKET_SECONDS, type CodeTransition, createCodeStates } from './code-states.ts';
import { createLateCodes } from './late-codes.ts';
import { changesOf, type OpeningsDeps } from './openings.ts';
import type { StaticLabels } from './payload.ts';
import type { DetectionStore, SpikeChange, SpikeStore } from './ports.ts';
import { reconcile } from './reconcile.ts';
import { type LifeTime, NEWS_MS } from './spike-life.ts';

/** Counts older than this are not learnt from. */
export const HISTORY_MS = 14 * 24 * 3_600_000;
/** The threshold follows the number of active codes at whole hours of event time; no stretch crosses one. */
const HOUR_SECONDS = 3600;
/** Most buckets of all codes together in one stretch: about a second of work. */
const STEPS_A_STRETCH = 200_000;
const RUN_BUDGET_MS = 8_000;

export interface EvaluationConfig {
  readonly falsePagesPerWeek: number;
  readonly holdMs: number;
  readonly labels: StaticLabels;
}

export interface EvaluationDeps {
  readonly detection: DetectionStore;
  readonly spikes: SpikeStore;
  readonly catalogue: Catalogue;
  readonly breathe: () => Promise<void>;
  readonly monotonicMs: () => number;
  /** Renews the lease when due; false: another leads. */
  readonly keepOn: () => Promise<boolean>;
}

export interface RunInput {
  readonly epoch: number;
  readonly nowMs: number;
  /** null: event time stands still. */
  readonly watermarkMs: number | null;
}

export interface RunAnswer {
  /** `stale`: another leads, everything in memory was dropped. */
  readonly kind: 'done' | 'stale';
  readonly begun: number;
  readonly evaluatedUntilMs: number | null;
}

export function createEvaluation(config: EvaluationConfig, deps: EvaluationDeps) {
  const { detection, spikes, monotonicMs } = deps;
  const openings: OpeningsDeps = { spikes, catalogue: deps.catalogue, staticLabels: config.labels };
  let states = createStates();
  let late = createLateCodes({ ...deps, states });
  /** Start of the history, and how far the states have come; null: to be rebuilt. */
  let place: { readonly startSeconds: number; positionSeconds: number } | null = null;
  let isReconciled = false;
  /** Evaluated but not written yet: the states are past it already. */
  let unwritten: {
    readonly fromMs: number | null;
    readonly untilMs: number;
    readonly transitions: readonly CodeTransition[];
  } | null = null;

  function createStates() {
    return createCodeStates({ falsePagesPerWeek: config.falsePagesPerWeek, breathe: deps.breathe });
  }
  function reset(): void {
    states = createStates();
    late = createLateCodes({ ...deps, states });
    place = null;
    isReconciled = false;
    unwritten = null;
  }

  async function run({ epoch, nowMs, watermarkMs }: RunInput): Promise<RunAnswer> {
    const endMs = monotonicMs() + RUN_BUDGET_MS;
    let begun = 0;
    const stale = (): RunAnswer => {
      reset();
      return { kind: 'stale', begun, evaluatedUntilMs: null };
    };
    /** Writes what is unwritten. False: stale. */
    const write = async (): Promise<boolean> => {
      if (unwritten === null) return true;
      const { fromMs, untilMs, transitions } = unwritten;
      const time: LifeTime = { nowMs, evaluatedUntilMs: untilMs, holdMs: config.holdMs };
      const changes = transitions.length === 0 ? [] : await changesOf(transitions, await spikes.activeSpikes(), time, openings);
      if ((await detection.writeEvaluated(epoch, { fromMs, untilMs, changes })) === 'stale') return false;
      begun += changes.filter((change) => isNewsBeginning(change, nowMs)).length;
      unwritten = null;
      return true;
    };

    if (!(await write())) return stale();
    const stored = (await detection.readProgress()).evaluatedUntilMs;
    let evaluatedUntilMs = stored;
    place ??= await findStart(evaluatedUntilMs, nowMs, watermarkMs);
    if (place === null) return { kind: 'done', begun, evaluatedUntilMs };
    const here = place;
    evaluatedUntilMs ??= here.startSeconds * 1000;

    const untilSeconds = floorToBucket(Math.max(evaluatedUntilMs, watermarkMs ?? evaluatedUntilMs) / 1000);
    while (monotonicMs() < endMs) {
      const isReplay = here.positionSeconds < evaluatedUntilMs / 1000;
      if (!isReplay && !isReconciled) {
        unwritten = {
          fromMs: stored === null ? null : evaluatedUntilMs,
          untilMs: evaluatedUntilMs,
          transitions: reconcile({ states, activeSpikes: await spikes.activeSpikes(), evaluatedUntilMs, nowMs }),
        };
        isReconciled = true;
        if (!(await write())) return stale();
      }
      const limitSeconds = isReplay ? evaluatedUntilMs / 1000 : untilSeconds;
      if (here.positionSeconds >= limitSeconds) break;
      const transitions = await advance(here, limitSeconds);
      if (isReplay) continue;
      unwritten = { fromMs: evaluatedUntilMs, untilMs: here.positionSeconds * 1000, transitions };
      evaluatedUntilMs = unwritten.untilMs;
      if (!(await write()) || !(await deps.keepOn())) return stale();
    }
    if (isReconciled && here.positionSeconds >= untilSeconds) {
      const transitions = await late.learn({ epoch, range: await historyOf(here, nowMs), nowMs });
      if (transitions === 'stale') return stale();
      if (transitions.length > 0) unwritten = { fromMs: evaluatedUntilMs, untilMs: evaluatedUntilMs, transitions };
      if (!(await write())) return stale();
    }
    return { kind: 'done', begun, evaluatedUntilMs };
  }

  async function findStart(evaluatedUntilMs: number | null, nowMs: number, watermarkMs: number | null) {
    const earliestMs = await detection.readEarliestBucket(nowMs - HISTORY_MS);
    const startMs = Math.min(earliestMs ?? Number.POSITIVE_INFINITY, evaluatedUntilMs ?? watermarkMs ?? Number.POSITIVE_INFINITY);
    // Nothing stored and nothing known of event time: nothing to stand on yet.
    if (watermarkMs === null && evaluatedUntilMs === null) return null;
    const startSeconds = floorToBucket(startMs / 1000);
    return { startSeconds, positionSeconds: startSeconds };
  }

  /** One stretch on. */
  async function advance(here: { positionSeconds: number }, limitSeconds: number): Promise<readonly CodeTransition[]> {
    const startSeconds = here.positionSeconds;
    const hourEnd = (Math.floor(startSeconds / HOUR_SECONDS) + 1) * HOUR_SECONDS;
    const bucketCount = Math.max(1, Math.floor(STEPS_A_STRETCH / (states.codeCount() + 1)));
    const range = { startSeconds, endSeconds: Math.min(limitSeconds, hourEnd, startSeconds + bucketCount * BUCKET_SECONDS) };
    const [counts, spans] = [await detection.readCounts(range), await detection.readSpans(range)];
    const transitions = await states.advance({ range, counts, spans });
    here.positionSeconds = range.endSeconds;
    if (range.endSeconds % HOUR_SECONDS === 0) states.adjustThreshold(range.endSeconds);
    return transitions;
  }

  /** From the earliest count to learn from, which may have come late, to where the states stand. */
  async function historyOf(here: { startSeconds: number; positionSeconds: number }, nowMs: number): Promise<Span> {
    const earliestMs = await detection.readEarliestBucket(nowMs - HISTORY_MS);
    const startSeconds = Math.min(here.startSeconds, floorToBucket((earliestMs ?? nowMs) / 1000));
    return { startSeconds, endSeconds: here.positionSeconds };
  }

  return {
    run,
    reset,
    expectedErrorsPerSecond: (code: string) =>
      place === null ? null : states.expectedErrorsPerSecond(code, place.positionSeconds),
  };
}

function isNewsBeginning(change: SpikeChange, nowMs: number): boolean {
  return change.kind === 'begin' && nowMs - change.spike.openedAtMs <= NEWS_MS;
}

function floorToBucket(seconds: number): number {
  return Math.floor(seconds / BUCKET_SECONDS) * BUCKET_SECONDS;
}
