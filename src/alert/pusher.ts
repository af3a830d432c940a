/**
 * What is told to each Alertmanager and when. Each has its own desk: one push run at a time, its own memory of what it
 * took, so that one that hangs delays neither the detector nor another Alertmanager. What was decided is in the database;
 * a desk forgets everything at a new epoch and tells it all again, which Alertmanager takes as the same alerts.
 */
import type { Metrics } from '../metrics.ts';
import { type Alert, type AlertLinks, blindAlert, type StaticLabels, spikeAlert, watchdogAlert } from './payload.ts';
import type { AlertLog, AlertmanagerClient, SpikeStore } from './ports.ts';
import type { SpikeRecord } from './spike.ts';
import { isLateToTell, judgePush, type LifeTime } from './spike-life.ts';

/** A tick that comes later than this sends again: every 60 s, with a tick every few. */
const RESEND_AFTER_MS = 56_000;
const WATCHDOG_AFTER_MS = 26_000;

/** What a finished tick of the leader found. */
export interface Told {
  readonly epoch: number;
  readonly time: LifeTime;
  /** Active ones and those resolved lately. */
  readonly spikes: readonly SpikeRecord[];
  /** null: the detector keeps up, and nobody needs to hear so. */
  readonly blind: { readonly sinceMs: number; readonly endedAtMs: number | null } | null;
  readonly leadsSinceMs: number;
}

export interface PusherConfig {
  readonly links: AlertLinks;
  readonly labels: StaticLabels;
}

export interface PusherDeps {
  readonly clients: readonly AlertmanagerClient[];
  readonly spikes: Pick<SpikeStore, 'markAccepted'>;
  readonly metrics: Pick<Metrics, 'alertmanagerPushesTotal'>;
  readonly monotonicMs: () => number;
  /** Whether this process leads, by its own clock. */
  readonly mayPush: () => boolean;
  readonly log: AlertLog;
}

interface Due {
  readonly key: string;
  readonly alert: Alert;
  /** The spike that is told for the first time. */
  readonly first: { readonly id: string; readonly isLate: boolean } | null;
}

export function createPusher(config: PusherConfig, deps: PusherDeps) {
  const stopping = new AbortController();
  const desks = deps.clients.map((client) => createDesk(client));

  function createDesk(client: AlertmanagerClient) {
    const acceptedAtMs = new Map<string, number>();
    const setAside = new Set<string>();
    let epoch: number | null = null;
    let running: Promise<void> | null = null;

    function isDue(key: string, afterMs: number): boolean {
      return !setAside.has(key) && deps.monotonicMs() - (acceptedAtMs.get(key) ?? Number.NEGATIVE_INFINITY) >= afterMs;
    }

    async function run(told: Told): Promise<void> {
      if (epoch !== told.epoch) acceptedAtMs.clear();
      epoch = told.epoch;
      const wanted = alertsOf(told, config);
      forgetOthers(new Set(wanted.map(({ key }) => key)));
      const due = wanted.filter(({ key, first, afterMs }) => isDue(key, first === null ? afterMs : 0));
      if (due.length === 0) return;
      const results = await client.push(
        due.map(({ alert }) => alert),
        { mayPush: deps.mayPush, signal: stopping.signal },
      );
      const first: { id: string; isLate: boolean }[] = [];
      for (const [index, { key, first: opened }] of due.entries()) {
        const result = results[index] ?? 'failed';
        deps.metrics.alertmanagerPushesTotal.inc({ result });
        if (result === 'rejected') setAside.add(key);
        if (result !== 'accepted') continue;
        acceptedAtMs.set(key, deps.monotonicMs());
        if (opened !== null) first.push(opened);
      }
      if (first.length > 0) await deps.spikes.markAccepted(told.epoch, first);
    }

    function forgetOthers(kept: ReadonlySet<string>): void {
      for (const key of acceptedAtMs.keys()) if (!kept.has(key)) acceptedAtMs.delete(key);
      for (const key of setAside) if (!kept.has(key)) setAside.delete(key);
    }

    return {
      kick(told: Told): void {
        if (stopping.signal.aborted) return;
        running ??= run(told)
          // A push that was taken but could not be recorded is made and recorded again by a later tick.
          .catch((err: unknown) => deps.log.debug({ err, alertmanager: client.name }, 'a push run did not finish'))
          .finally(() => {
            running = null;
          });
      },
      settled: async () => {
        await running;
      },
    };
  }

  return {
    /** Starts a push run at each desk that is free; never waits, never throws. */
    kick(told: Told): void {
      for (const desk of desks) desk.kick(told);
    },
    async stop(): Promise<void> {
      stopping.abort(new Error('the detection loop stops'));
      await Promise.all(desks.map((desk) => desk.settled()));
    },
  };
}

function alertsOf(told: Told, { links, labels }: PusherConfig): readonly (Due & { readonly afterMs: number })[] {
  const { time, blind } = told;
  const { nowMs } = time;
  const active = told.spikes.filter(({ state }) => state !== 'resolved');
  const spikes = told.spikes.flatMap((spike) => {
    const phase = judgePush(spike, time, active);
    if (phase === null) return [];
    const isLate = spike.state === 'pending' ? isLateToTell(spike, time) : spike.isLate;
    const first = spike.state === 'pending' ? { id: spike.id, isLate } : null;
    return [
      { key: `${spike.id}/${phase}`, alert: spikeAlert(spike, { nowMs, phase, isLate }, links), first, afterMs: RESEND_AFTER_MS },
    ];
  });
  const own = { first: null };
  const watchdog = watchdogAlert({ nowMs, startedAtMs: told.leadsSinceMs }, links, labels);
  const blindness =
    blind === null
      ? []
      : [
          {
            ...own,
            key: `blind/${blind.sinceMs}/${blind.endedAtMs}`,
            alert: blindAlert({ nowMs, blindSinceMs: blind.sinceMs, endedAtMs: blind.endedAtMs }, links, labels),
            afterMs: RESEND_AFTER_MS,
          },
        ];
  return [...spikes, ...blindness, { ...own, key: 'watchdog', alert: watchdog, afterMs: WATCHDOG_AFTER_MS }];
}
