/**
 * The leader's work: event time, bucket after bucket, from where the database says the detector stands to the watermark.
 * After a start or a takeover the states come from their snapshots, or else from the stored counts of two weeks, and are
 * moved on to there through the same code and without acting, then compared with the spikes that are stored as open. Work
 * is cut into stretches: each is read, evaluated and written before the next, and a run ends after its time budget, so
 * that a long history neither loses the lease nor silences the watchdog.
 */
import type { Catalogue } from '../catalogue/catalogue.ts';
import { createCodeStates } from './code-states.ts';
import { riseWindowSeconds } from './common-rise.ts';
import { latelyOf } from './escalation.ts';
import { type Found, type JudgementDeps, judge, kindsOfNews } from './judgement.ts';
import { createLastSeen, type LastSeen } from './last-seen.ts';
import { createLateCodes } from './late-codes.ts';
import type { StaticLabels } from './payload.ts';
import type { AlertLog, DetectionStore, SnapshotStore, SpikeStore, TrafficStore } from './ports.ts';
import { reconcile } from './reconcile.ts';
import { createSnapshots } from './snapshots.ts';
import type { SpikeKind } from './spike.ts';
import { type LifeTime, NEWS_MS } from './spike-life.ts';
import { floorToBucket, historyOf, type Moment, type Place, placeOfCounts, placeOfSnapshots } from './starting-place.ts';
import { HOUR_SECONDS, type SettingsOf } from './threshold.ts';
import { BUCKET_SECONDS } from './way.ts';

/** Most buckets of all codes together in one stretch: about a second of work. */
const STEPS_A_STRETCH = 200_000;
/** A minute. */
const NEWS_STRETCH_BUCKETS = 6;
const RUN_BUDGET_MS = 8_000;

export interface EvaluationConfig {
  /** What the detector is told when so many codes are active. */
  readonly settingsOf: SettingsOf;
  readonly holdMs: number;
  readonly labels: StaticLabels;
}

export interface EvaluationDeps {
  readonly detection: DetectionStore;
  readonly spikes: SpikeStore;
  readonly snapshots: SnapshotStore;
  readonly traffic: Pick<TrafficStore, 'readTraffic'>;
  readonly catalogue: Catalogue;
  readonly log: AlertLog;
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
  /** Of each spike that began and is news. */
  readonly begun: readonly SpikeKind[];
  readonly evaluatedUntilMs: number | null;
}

export function createEvaluation(config: EvaluationConfig, deps: EvaluationDeps) {
  const { detection, spikes, monotonicMs } = deps;
  const judging: JudgementDeps = {
    ...deps,
    staticLabels: config.labels,
    evidence: {
      reader: spikes,
      traffic: deps.traffic,
      monotonicMs,
      outlook: {
        activeCodeCount: () => memory.states.activeCodeCount(),
        sumOthers: (code, fromSeconds, toSeconds) => memory.states.sumOthers(code, fromSeconds, toSeconds),
      },
    },
  };
  let memory = createMemory();
  /** null: the states are yet to be restored. */
  let place: Place | null = null;
  /** null: to be read, once the states stand where the database says. */
  let lastSeen: LastSeen | null = null;
  /** Whether snapshots may be used: not after a fault of ours, which one of them may have brought. */
  let mayRestore = true;
  /** Evaluated but not written yet: the states are past it already. */
  let unwritten: (Found & { readonly fromMs: number | null; readonly untilMs: number }) | null = null;

  function createMemory() {
    const states = createCodeStates({ settingsOf: config.settingsOf, breathe: deps.breathe });
    const late = createLateCodes({ ...deps, states, onSwappedIn: (code) => snapshots.forget(code) });
    const snapshots = createSnapshots({ store: deps.snapshots, states, isOutdated: late.isWaiting });
    return { states, late, snapshots };
  }
  function reset(): void {
    memory = createMemory();
    place = null;
    lastSeen = null;
    unwritten = null;
  }

  async function run({ epoch, nowMs, watermarkMs }: RunInput): Promise<RunAnswer> {
    const endMs = monotonicMs() + RUN_BUDGET_MS;
    const begun: SpikeKind[] = [];
    const stale = (): RunAnswer => {
      reset();
      return { kind: 'stale', begun, evaluatedUntilMs: null };
    };
    /** Writes what is unwritten. False: stale. */
    const write = async (): Promise<boolean> => {
      if (unwritten === null) return true;
      const { fromMs, untilMs } = unwritten;
      const time: LifeTime = { nowMs, evaluatedUntilMs: untilMs, holdMs: config.holdMs };
      const changes = await judge(unwritten, time, judging);
      if ((await detection.writeEvaluated(epoch, { fromMs, untilMs, changes })) === 'stale') return false;
      begun.push(...kindsOfNews(changes, nowMs));
      unwritten = null;
      return true;
    };

    if (!(await write())) return stale();
    const stored = (await detection.readProgress()).evaluatedUntilMs;
    let evaluatedUntilMs = stored;
    const here = place ?? (await begin({ evaluatedUntilMs, nowMs, watermarkMs }));
    if (here === 'stale') return stale();
    if (here === null) return { kind: 'done', begun, evaluatedUntilMs };
    place = here;
    evaluatedUntilMs ??= here.startSeconds * 1000;

    const untilSeconds = floorToBucket(Math.max(evaluatedUntilMs, watermarkMs ?? evaluatedUntilMs) / 1000);
    while (monotonicMs() < endMs) {
      const isReplay = here.positionSeconds < evaluatedUntilMs / 1000;
      const missing = isReplay ? undefined : here.missing.pop();
      if (missing !== undefined) {
        await memory.late.swapIn(missing, await historyOf(here, nowMs, detection));
        if (!(await deps.keepOn())) return stale();
        continue;
      }
      if (!isReplay && lastSeen === null) {
        const known = createLastSeen(await detection.readLastSeen(evaluatedUntilMs));
        unwritten = {
          fromMs: stored === null ? null : evaluatedUntilMs,
          untilMs: evaluatedUntilMs,
          ...found(
            reconcile({ states: memory.states, activeSpikes: await spikes.activeSpikes(), evaluatedUntilMs, nowMs }),
            [],
            here.positionSeconds,
          ),
        };
        lastSeen = known;
        memory.late.wait(here.outdated(memory.states));
        if (!(await write())) return stale();
      }
      const limitSeconds = isReplay ? evaluatedUntilMs / 1000 : untilSeconds;
      if (here.positionSeconds >= limitSeconds) break;
      const stretch = await advance(here, limitSeconds, nowMs);
      if (!isReplay) {
        unwritten = { fromMs: evaluatedUntilMs, untilMs: here.positionSeconds * 1000, ...stretch };
        evaluatedUntilMs = unwritten.untilMs;
      }
      if (!(await write()) || !(await deps.keepOn())) return stale();
    }
    if (lastSeen !== null && here.positionSeconds >= untilSeconds) {
      const learnt = await memory.late.learn({ epoch, range: await historyOf(here, nowMs, detection), nowMs });
      if (learnt === 'stale') return stale();
      const late = found(learnt.transitions, lastSeen.note(learnt.counts), here.positionSeconds);
      const isFound = late.transitions.length > 0 || late.sightings.length > 0;
      if (isFound) unwritten = { fromMs: evaluatedUntilMs, untilMs: evaluatedUntilMs, ...late };
      if (!(await write())) return stale();
    }
    if (here.missing.length === 0 && (await memory.snapshots.writeDue(epoch, here.startSeconds)) === 'stale') return stale();
    return { kind: 'done', begun, evaluatedUntilMs };
  }

  async function begin(moment: Moment): Promise<Place | 'stale' | null> {
    if (moment.evaluatedUntilMs !== null && mayRestore) {
      const found = await placeOfSnapshots(moment.evaluatedUntilMs, { ...deps, ...memory, store: deps.snapshots });
      if (found !== null) return found;
      // Some of it may be restored already.
      memory = createMemory();
    }
    const found = await placeOfCounts(moment, detection);
    if (found !== null) mayRestore = true;
    return found;
  }

  /** One stretch on. */
  async function advance(here: Place, limitSeconds: number, nowMs: number): Promise<Found> {
    const startSeconds = here.positionSeconds;
    const hourEnd = (Math.floor(startSeconds / HOUR_SECONDS) + 1) * HOUR_SECONDS;
    const fitting = Math.max(1, Math.floor(STEPS_A_STRETCH / (memory.states.codeCount() + 1)));
    // Whether codes rose together is judged at the end of a stretch, so one that may open news is short.
    const isNews = lastSeen !== null && limitSeconds * 1000 > nowMs - NEWS_MS && hourEnd * 1000 > nowMs - NEWS_MS;
    const bucketCount = isNews ? Math.min(fitting, NEWS_STRETCH_BUCKETS) : fitting;
    const range = { startSeconds, endSeconds: Math.min(limitSeconds, hourEnd, startSeconds + bucketCount * BUCKET_SECONDS) };
    const [counts, spans] = [await detection.readCounts(range), await detection.readSpans(range)];
    const traffic = await deps.traffic.readTraffic(range);
    const transitions = await memory.states.advance({ range, counts, spans, traffic });
    here.positionSeconds = range.endSeconds;
    if (range.endSeconds % HOUR_SECONDS === 0) memory.states.adjustThreshold(range.endSeconds);
    return found(transitions, lastSeen?.note(counts) ?? [], range.endSeconds);
  }

  function found(transitions: Found['transitions'], sightings: Found['sightings'], endSeconds: number): Found {
    const windowSeconds = riseWindowSeconds(transitions, endSeconds);
    const rises = windowSeconds === null ? [] : memory.states.rises(endSeconds - windowSeconds, endSeconds);
    const lastSeenSeconds = (code: string) => lastSeen?.secondsOf(code) ?? null;
    const lately = latelyOf(memory.states, endSeconds);
    return { transitions, sightings, rises, windowSeconds: windowSeconds ?? 0, lately, lastSeenSeconds };
  }

  return {
    run,
    reset,
    /** After a fault of ours: the next run begins from the counts alone. */
    startAnew(): void {
      reset();
      mayRestore = false;
    },
    /** Before the leader goes: writes the states that have come further than their snapshots, while `mayGoOn`. */
    async save(epoch: number, mayGoOn: () => boolean): Promise<void> {
      if (place === null || place.missing.length > 0 || unwritten !== null) return;
      await memory.snapshots.writeAll(epoch, place.startSeconds, mayGoOn);
    },
    expectedErrorsPerSecond: (code: string) =>
      place === null ? null : memory.states.expectedErrorsPerSecond(code, place.positionSeconds),
  };
}
