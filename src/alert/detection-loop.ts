/**
 * The detector's own loop. Every replica ticks every few seconds: asks for the lease, says which event time it listened
 * through, shows what is going on. The one that leads also evaluates event time up to the watermark, moves spikes along
 * their life and, once a tick is finished, has Alertmanager told, apart from the tick so that nothing out there can hold
 * up detection. While the database is away a tick ends early and nobody is told anything.
 */
import type { Catalogue } from '../catalogue/catalogue.ts';
import { settingsFor } from '../detect/detector.ts';
import { StoreUnavailable } from '../errors.ts';
import type { Metrics } from '../metrics.ts';
import type { Clock } from './clock.ts';
import { createEvaluation } from './evaluation.ts';
import { createLeadership } from './leadership.ts';
import type { AlertLinks, StaticLabels } from './payload.ts';
import type { AlertLog, AlertmanagerClient, DetectionStore, SnapshotStore, SpikeStore, TrafficStore } from './ports.ts';
import type { PrometheusClient } from './prometheus-client.ts';
import { createPusher } from './pusher.ts';
import type { SpikeRecord } from './spike.ts';
import { judgeState, type LifeTime, RESOLVE_REPEAT_MS } from './spike-life.ts';
import type { SettingsOf } from './threshold.ts';
import { createTrafficWatch } from './traffic-watch.ts';
import { watermarkOf } from './watermark.ts';
import { BUCKET_SECONDS } from './way.ts';

/** With a lease of 15 s, another replica leads at most 20 s after the last one fell silent. */
export const TICK_MS = 4_000;
/** While a backlog is worked off, ticks follow each other this closely. */
const BUSY_TICK_MS = 50;
const BLIND_AFTER_MS = 120_000;
/** A silence this long between two extensions (we were stopped, frozen, or without a database) is not bridged. */
const SPAN_BREAK_MS = 20_000;
/** For writing the states before a stop; the next leader steps on what was not written. */
const SAVE_BUDGET_MS = 4_000;
/** Series of one gauge. */
const MOST_SERIES = 1000;

export interface DetectionLoopConfig {
  /** Tells this process from every other; random, anew at each start. */
  readonly processId: string;
  readonly holdSeconds: number;
  readonly falsePagesPerWeek: number;
  readonly labels: StaticLabels;
  readonly links: AlertLinks;
  /** null: Kafka is not configured. Until a reader of this topic reports after our start, event time stands still. */
  readonly kafkaTopic: string | null;
}

export interface DetectionLoopDeps {
  readonly detection: DetectionStore;
  readonly spikes: SpikeStore;
  readonly snapshots: SnapshotStore;
  readonly traffic: TrafficStore;
  /** null: expectations follow the time of day alone. */
  readonly prometheus: PrometheusClient | null;
  /** One for each Alertmanager; none: spikes fire at once. */
  readonly alertmanagers: readonly AlertmanagerClient[];
  readonly catalogue: Catalogue;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: AlertLog;
}

export interface DetectionLoop {
  start(): Promise<void>;
  /** Gives the lease back. Safe twice. */
  stop(): Promise<void>;
  /** What the timer calls; one at a time. Never throws. */
  tick(): Promise<void>;
}

export function createDetectionLoop(config: DetectionLoopConfig, deps: DetectionLoopDeps): DetectionLoop {
  const { detection, spikes, metrics, clock, log } = deps;
  const holdMs = config.holdSeconds * 1000;
  const { monotonicMs } = clock;
  const leadership = createLeadership({ store: detection, holder: config.processId, monotonicMs });
  const evaluation = createEvaluation(
    { settingsOf: settingsOf(config.falsePagesPerWeek), holdMs, labels: config.labels },
    { ...deps, monotonicMs, breathe: clock.breathe, keepOn: leadership.keepOn },
  );
  const pusher = createPusher(config, { ...deps, clients: deps.alertmanagers, monotonicMs, mayPush: leadership.isHeld });

  const traffic =
    deps.prometheus === null
      ? null
      : createTrafficWatch({ prometheus: deps.prometheus, store: deps.traffic, monotonicMs, metrics, log });

  let running: Promise<void> | null = null;
  let cancelTimer = () => {};
  let isStopped = false;
  let isBusy = false;
  let startedAtMs: number | null = null;
  let led: { readonly epoch: number; readonly sinceMs: number } | null = null;
  let evaluatedUntilMs: number | null = null;
  let span = { key: '', number: 0, extendedAtMs: Number.NEGATIVE_INFINITY };
  let lastBlindness: { readonly sinceMs: number; readonly endedAtMs: number } | null = null;

  async function runTick(): Promise<void> {
    try {
      const { epoch, nowMs } = await leadership.keep();
      startedAtMs ??= nowMs;
      noteLeadership(epoch, nowMs);
      await extendOwnSpan(nowMs);
      isBusy = false;
      if (epoch !== null) await lead(epoch, nowMs, startedAtMs);
      const progress = await detection.readProgress();
      evaluatedUntilMs = progress.evaluatedUntilMs;
      showSpikes(await spikes.activeSpikes());
      showLeader();
      metrics.detectorLastRunTimestampSeconds.set(leadership.nowMs() / 1000);
    } catch (err) {
      // What was read may be half evaluated only after a fault of ours: then the states are rebuilt.
      if (!(err instanceof StoreUnavailable)) {
        evaluation.startAnew();
        log.error({ err }, 'the detector failed in a tick and starts anew from the stored counts');
      }
      showLeader();
    }
    metrics.detectorBlind.set(isBlind(leadership.nowMs()) ? 1 : 0);
  }

  function noteLeadership(epoch: number | null, nowMs: number): void {
    if (epoch === (led?.epoch ?? null)) return;
    evaluation.reset();
    traffic?.reset();
    lastBlindness = null;
    metrics.expectedErrorsPerSecond.reset();
    led = epoch === null ? null : { epoch, sinceMs: nowMs };
    log.info({ epoch }, epoch === null ? 'another replica leads the detection' : 'leads the detection');
  }

  async function extendOwnSpan(nowMs: number): Promise<void> {
    if (monotonicMs() - span.extendedAtMs > SPAN_BREAK_MS) {
      span = { ...span, number: span.number + 1, key: `webhook:${config.processId}:${span.number + 1}` };
    }
    await detection.extendSpan(span.key, nowMs, nowMs);
    span = { ...span, extendedAtMs: monotonicMs() };
  }

  async function lead(epoch: number, nowMs: number, sinceMs: number): Promise<void> {
    const partitions = config.kafkaTopic === null ? null : await detection.readPartitions(config.kafkaTopic);
    const progress = await detection.readProgress();
    if ((await traffic?.advance({ epoch, nowMs, evaluatedUntilMs: progress.evaluatedUntilMs })) === 'stale') return giveUp();
    const watermarkMs = traffic?.isSettling() ? null : watermarkOf({ nowMs, partitions, startedAtMs: sinceMs });
    const answer = await evaluation.run({ epoch, nowMs, watermarkMs });
    for (const kind of answer.begun) metrics.spikesTotal.inc({ kind });
    if (answer.kind === 'stale' || !leadership.isHeld()) return giveUp();
    evaluatedUntilMs = answer.evaluatedUntilMs;
    isBusy = watermarkMs !== null && evaluatedUntilMs !== null && watermarkMs - evaluatedUntilMs > BLIND_AFTER_MS;
    const time: LifeTime = { nowMs: leadership.nowMs(), evaluatedUntilMs: evaluatedUntilMs ?? Number.NEGATIVE_INFINITY, holdMs };
    if (!(await moveSpikes(epoch, time)) || !(await noteBlindness(epoch, time.nowMs))) return giveUp();
    showExpected();
    const { blindSinceMs } = await detection.readProgress();
    pusher.kick({
      epoch,
      time,
      spikes: await spikes.spikesToTell(time.nowMs - RESOLVE_REPEAT_MS),
      blind: blindSinceMs === null ? lastBlindness : { sinceMs: blindSinceMs, endedAtMs: null },
      leadsSinceMs: led?.sinceMs ?? nowMs,
    });
  }

  async function moveSpikes(epoch: number, time: LifeTime): Promise<boolean> {
    const changes = (await spikes.activeSpikes()).flatMap((spike) => {
      const change = judgeState(spike, time, deps.alertmanagers.length > 0);
      return change === null ? [] : [{ ...change, id: spike.id }];
    });
    return changes.length === 0 || (await spikes.changeStates(epoch, changes)) === 'written';
  }

  async function noteBlindness(epoch: number, nowMs: number): Promise<boolean> {
    const { blindSinceMs } = await detection.readProgress();
    if (lastBlindness !== null && nowMs - lastBlindness.endedAtMs > RESOLVE_REPEAT_MS) lastBlindness = null;
    if (isBlind(nowMs) === (blindSinceMs !== null)) return true;
    if (blindSinceMs === null) {
      log.warn({ evaluatedUntilMs }, 'the detector is more than 2 minutes behind');
      return (await detection.writeBlindSince(epoch, nowMs)) === 'written';
    }
    log.info({}, 'the detector keeps up again');
    lastBlindness = { sinceMs: blindSinceMs, endedAtMs: nowMs };
    return (await detection.writeBlindSince(epoch, null)) === 'written';
  }

  function giveUp(): void {
    leadership.lose();
    evaluation.reset();
    traffic?.reset();
  }
  function isBlind(nowMs: number): boolean {
    const knownMs = evaluatedUntilMs ?? startedAtMs;
    return knownMs !== null && nowMs - knownMs > BLIND_AFTER_MS;
  }

  function showLeader(): void {
    metrics.detectorLeader.set(leadership.isHeld() ? 1 : 0);
  }
  function showSpikes(active: readonly SpikeRecord[]): void {
    metrics.spikeActive.reset();
    // New codes may be thousands, and no surge shall go unseen for them.
    const byWeight = active.toSorted((one, other) => Number(one.kind === 'new_code') - Number(other.kind === 'new_code'));
    for (const { code, status } of byWeight.slice(0, MOST_SERIES)) metrics.spikeActive.set({ code, status }, 1);
  }
  function showExpected(): void {
    for (const code of deps.catalogue.codes.keys()) {
      const expected = evaluation.expectedErrorsPerSecond(code);
      if (expected !== null) metrics.expectedErrorsPerSecond.set({ code }, expected);
    }
  }

  async function saveStates(): Promise<void> {
    if (led === null || !leadership.isHeld()) return;
    const endMs = monotonicMs() + SAVE_BUDGET_MS;
    await evaluation
      .save(led.epoch, () => monotonicMs() < endMs)
      .catch((err: unknown) => log.debug({ err }, 'the next leader goes on from older states'));
  }

  function tick(): Promise<void> {
    running ??= runTick().finally(() => {
      running = null;
    });
    return running;
  }
  function scheduleNext(delayMs: number): void {
    if (isStopped) return;
    cancelTimer = clock.schedule(() => {
      const startMs = monotonicMs();
      void tick().then(() => scheduleNext(isBusy ? BUSY_TICK_MS : Math.max(BUSY_TICK_MS, TICK_MS - (monotonicMs() - startMs))));
    }, delayMs);
  }

  return {
    tick,
    async start() {
      scheduleNext(0);
    },
    async stop() {
      isStopped = true;
      cancelTimer();
      await running;
      await traffic?.stop();
      await saveStates();
      await pusher.stop();
      await leadership.release().catch((err: unknown) => log.debug({ err }, 'the lease was left to expire'));
      showLeader();
    },
  };
}

function settingsOf(falsePagesPerWeek: number): SettingsOf {
  return (activeCodeCount) => settingsFor({ bucketSeconds: BUCKET_SECONDS, falsePagesPerWeek, activeCodeCount });
}
