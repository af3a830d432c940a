/**
 * What is told to each Alertmanager and when. Each has its own desk: one push run at a time, its own memory of what it
 * took, so that one that hangs delays neither the detector nor another Alertmanager. What was decided is in the database;
 * a desk forgets everything at a new epoch and tells it all again, which Alertmanager takes as the same alerts.
 */
import type { Metrics } from '../metrics.ts';
import { toldAs } from './escalation.ts';
import {
  type Alert,
  type AlertLinks,
  blindAlert,
  newCodesAlert,
  type StaticLabels,
  spikeAlert,
  watchdogAlert,
} from './payload.ts';
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
  /** The spikes that are told for the first time. */
  readonly first: readonly { readonly id: string; readonly isLate: boolean }[];
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
      const due = wanted.filter(({ key, first, afterMs }) => isDue(key, first.length === 0 ? afterMs : 0));
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
        first.push(...opened);
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
  const judged = judgeAll(told.spikes.flatMap(toldAs), time);
  const spikes = judged
    .filter(({ spike }) => spike.kind !== 'new_code')
    .map(({ spike, phase, isLate }) => {
      const alert = spikeAlert(spike, { nowMs, phase, isLate }, links);
      return {
        key: `${spike.id}/${spike.labels['severity']}/${phase}`,
        alert,
        first: firstOf(spike, isLate),
        afterMs: RESEND_AFTER_MS,
      };
    });
  const own = { first: [] };
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
  return [
    ...spikes,
    ...digest(judged, nowMs, links),
    ...blindness,
    { ...own, key: 'watchdog', alert: watchdog, afterMs: WATCHDOG_AFTER_MS },
  ];
}

interface Judged {
  readonly spike: SpikeRecord;
  readonly phase: 'firing' | 'resolved';
  readonly isLate: boolean;
}

function judgeAll(spikes: readonly SpikeRecord[], time: LifeTime): readonly Judged[] {
  const active = spikes.filter(({ state }) => state !== 'resolved');
  return spikes.flatMap((spike) => {
    const phase = judgePush(spike, time, active);
    const isLate = spike.state === 'pending' ? isLateToTell(spike, time) : spike.isLate;
    return phase === null ? [] : [{ spike, phase, isLate }];
  });
}

function firstOf({ id, state }: SpikeRecord, isLate: boolean): Due['first'] {
  return state === 'pending' ? [{ id, isLate }] : [];
}

/** All new codes as one alert: it fires as long as one of them does. */
function digest(judged: readonly Judged[], nowMs: number, links: AlertLinks) {
  const codes = judged.filter(({ spike }) => spike.kind === 'new_code');
  const phase = codes.some((each) => each.phase === 'firing') ? 'firing' : 'resolved';
  const told = codes
    .filter((each) => each.phase === phase)
    .toSorted((one, other) => one.spike.startsAtMs - other.spike.startsAtMs);
  const spikes = told.map(({ spike }) => spike);
  const isLate = told.every((each) => each.isLate);
  const alert = newCodesAlert(spikes, { nowMs, phase, isLate }, links);
  if (alert === null) return [];
  const key = `new_codes/${phase}/${phase === 'firing' ? '' : alert.endsAt}`;
  return [{ key, alert, first: told.flatMap(({ spike, isLate: late }) => firstOf(spike, late)), afterMs: RESEND_AFTER_MS }];
}
