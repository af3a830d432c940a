/**
 * From an error on a topic to an alert in Alertmanager, on the real path and in real time: broker, service with its own
 * PostgreSQL, detector, Alertmanager. The topic holds days of history before the service starts, so that the detector knows
 * what is normal; once it stands at the present, one code after the other surges tenfold, each at a random second, among
 * codes that flow on. Their starts are spread: many codes at once are one alert of all codes.
 */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { createDice } from '../fixtures/worlds/dice.ts';
import { type Alertmanager, startAlertmanager } from '../support/alertmanager.ts';
import type { KafkaBroker } from '../support/kafka.ts';
import { type SurgewatchProcess, startSurgewatch } from '../support/surgewatch-process.ts';
import { type AcceptedAlert, type AlertmanagerFront, startAlertmanagerFront } from './alertmanager-front.ts';
import { connectionStringOf } from './ingest-rounds.ts';
import { type Flow, startTraffic, type Traffic } from './latency-traffic.ts';
import type { Sizes } from './options.ts';

const TOPIC = 'bench-latency';
export const SURGE_RATES = [1, 10] as const;
const SURGE_FACTOR = 10;
/** Codes that never surge: enough of them, and busy enough, that no two or three surges are "all codes". */
const STEADY_CODE_COUNT = 20;
const STEADY_ERRORS_A_MINUTE = 5;
const SURGE_MS = 5 * 60_000;
/** An alert that comes later than this after its surge ended did not find it. */
const GRACE_MS = 60_000;
const HOUR_MS = 3_600_000;
const CATCH_UP_DEADLINE_MS = 600_000;
/** Evaluated up to so long ago, the detector stands at the present: it waits 15 s for each bucket of 10 s. */
const PRESENT_MS = 40_000;
const PUMP_MS = 20;

export interface SurgeFound {
  readonly code: string;
  readonly errorsAMinute: number;
  /** Kafka timestamp of the first surplus envelope, to the alert's acceptance; null: not found. */
  readonly latencySeconds: number | null;
  /** The same way in parts: to the end of the bucket that opened the spike, to its row, to acceptance. */
  readonly parts: { readonly evidence: number; readonly judgement: number; readonly push: number } | null;
}

export interface LatencyRound {
  readonly surges: readonly SurgeFound[];
  /** Alerts of ours that no surge explains, each once. */
  readonly falseAlerts: readonly string[];
}

interface Planned extends Flow {
  readonly fromMs: number;
  readonly firstSurplusMs: number;
  readonly toMs: number;
}

export interface LatencyDeps {
  readonly broker: KafkaBroker;
  readonly sizes: Sizes;
  readonly seed: number;
  readonly say: (text: string) => void;
}

export async function runLatencyRound({ broker, sizes, seed, say }: LatencyDeps): Promise<LatencyRound> {
  const { latencySurges, latencySpacingSeconds, latencyHistoryHours } = sizes;
  const surging = SURGE_RATES.flatMap((errorsAMinute) =>
    Array.from({ length: latencySurges }, (_, n): Flow => ({ code: `SURGES_AT_${errorsAMinute}_${n + 1}`, errorsAMinute })),
  );
  const steady = Array.from({ length: STEADY_CODE_COUNT }, (_, n): Flow => {
    return { code: `FLOWS_${n + 1}`, errorsAMinute: STEADY_ERRORS_A_MINUTE };
  });
  const startMs = Date.now() - latencyHistoryHours * HOUR_MS;
  let traffic: Traffic | null = null;
  let alertmanager: Alertmanager | null = null;
  let front: AlertmanagerFront | null = null;
  let service: SurgewatchProcess | null = null;
  try {
    say(`producing ${latencyHistoryHours} hours of history`);
    traffic = await startTraffic({ broker, topic: TOPIC, seed }, [...surging, ...steady], startMs);
    await traffic.sendUntil(Date.now());
    alertmanager = await startAlertmanager();
    front = await startAlertmanagerFront(alertmanager.url);
    service = await startSurgewatch({
      env: { KAFKA_BROKERS: broker.brokers.join(), KAFKA_TOPIC: TOPIC, ALERTMANAGER_URLS: front.url },
    });
    const pump = startPump(traffic);
    try {
      say('the detector learns it');
      await untilPresent(service);
      const liveMs = Date.now();
      const planned = plan(surging, { seed, liveMs, spacingMs: latencySpacingSeconds * 1000 }, traffic);
      const { accepted } = front;
      for (const [n, surge] of planned.entries()) {
        await pump.until(() => Date.now() >= surge.fromMs);
        say(`surge ${n + 1} of ${planned.length}: ${surge.code}`);
      }
      const endMs = Math.max(...planned.map(({ toMs }) => toMs)) + GRACE_MS;
      await pump.until(() => Date.now() > endMs || planned.every((surge) => firstFor(surge, accepted) !== null));
      return {
        surges: await findAll(planned, accepted, service),
        falseAlerts: falseOnes(planned, accepted, liveMs),
      };
    } finally {
      await pump.stop();
    }
  } finally {
    await service?.stop();
    await front?.stop();
    await alertmanager?.stop();
    await traffic?.stop();
  }
}

/** Sends what occurs as it occurs. A fault of the producer ends whoever waits. */
function startPump(traffic: Traffic) {
  let isStopped = false;
  let fault: unknown = null;
  const pumping = (async () => {
    while (!isStopped) {
      await traffic.sendUntil(Date.now());
      await delay(PUMP_MS);
    }
  })().catch((error: unknown) => {
    fault = error;
  });
  return {
    async until(isSo: () => boolean): Promise<void> {
      while (!isSo()) {
        if (fault !== null) throw fault;
        await delay(PUMP_MS);
      }
    },
    async stop(): Promise<void> {
      isStopped = true;
      await pumping;
    },
  };
}

/** Each in its own slot of time, in an order that mixes the rates, at a random moment of it. */
function plan(
  surging: readonly Flow[],
  { seed, liveMs, spacingMs }: { readonly seed: number; readonly liveMs: number; readonly spacingMs: number },
  traffic: Traffic,
): readonly Planned[] {
  const dice = createDice(seed + 1);
  const mixed = surging
    .map((flow) => ({ flow, place: dice.roll() }))
    .toSorted((one, other) => one.place - other.place)
    .map(({ flow }) => flow);
  return mixed.map((flow, slot) => {
    const fromMs = liveMs + slot * spacingMs + dice.between(0, spacingMs);
    const span = { fromMs, toMs: fromMs + SURGE_MS };
    const surplus = { code: flow.code, errorsAMinute: flow.errorsAMinute * (SURGE_FACTOR - 1) };
    return { ...flow, ...span, firstSurplusMs: traffic.addSurge(surplus, span) };
  });
}

async function untilPresent(service: SurgewatchProcess): Promise<void> {
  const deadlineMs = Date.now() + CATCH_UP_DEADLINE_MS;
  await withDatabase(service, async (client) => {
    for (;;) {
      const { rows } = await client.query<{ until: Date | null }>('select evaluated_until as until from detector_progress');
      if (Date.now() - (rows[0]?.until?.getTime() ?? 0) <= PRESENT_MS) return;
      if (Date.now() > deadlineMs) throw new Error(`the detector did not reach the present:\n${service.output()}`);
      await delay(1_000);
    }
  });
}

function firstFor({ code, firstSurplusMs, toMs }: Planned, accepted: readonly AcceptedAlert[]): AcceptedAlert | null {
  const first = accepted.find((alert) => isSpikeOf(alert, code)) ?? null;
  // One that was there before the surge did not find it.
  return first !== null && first.acceptedAtMs >= firstSurplusMs && first.acceptedAtMs <= toMs + GRACE_MS ? first : null;
}

function isSpikeOf({ alertname, code, isFiring }: AcceptedAlert, wanted: string): boolean {
  return alertname === 'ApiErrorSpike' && code === wanted && isFiring;
}

/** While the detector learnt its history it said, rightly, that it saw nothing newer. */
function falseOnes(planned: readonly Planned[], accepted: readonly AcceptedAlert[], liveMs: number): readonly string[] {
  const explained = new Set(planned.flatMap((surge) => (firstFor(surge, accepted) === null ? [] : [surge.code])));
  const others = accepted.filter(({ alertname, code, acceptedAtMs, isFiring }) => {
    return (
      isFiring &&
      acceptedAtMs >= liveMs &&
      alertname !== 'SurgewatchWatchdog' &&
      !(alertname === 'ApiErrorSpike' && explained.has(code))
    );
  });
  return [...new Set(others.map(({ alertname, code }) => `${alertname} ${code}`.trim()))];
}

async function findAll(
  planned: readonly Planned[],
  accepted: readonly AcceptedAlert[],
  service: SurgewatchProcess,
): Promise<readonly SurgeFound[]> {
  const { rows } = await withDatabase(service, (client) =>
    client.query<{ code: string; seen: Date; detected: Date }>(
      "select code, opened_at + interval '10 s' as seen, detected_at as detected from spike where kind = 'surge' order by id desc",
    ),
  );
  // The oldest row of a code wins.
  const rowOf = new Map(rows.map((row) => [row.code, row]));
  return planned.map((surge) => {
    const { code, errorsAMinute, firstSurplusMs } = surge;
    const atMs = firstFor(surge, accepted)?.acceptedAtMs ?? null;
    const row = rowOf.get(code);
    if (atMs === null || row === undefined) return { code, errorsAMinute, latencySeconds: null, parts: null };
    const [seenMs, detectedMs] = [row.seen.getTime(), row.detected.getTime()];
    const parts = {
      evidence: (seenMs - firstSurplusMs) / 1000,
      judgement: (detectedMs - seenMs) / 1000,
      push: (atMs - detectedMs) / 1000,
    };
    return { code, errorsAMinute, latencySeconds: (atMs - firstSurplusMs) / 1000, parts };
  });
}

async function withDatabase<T>({ dataDir }: SurgewatchProcess, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: await connectionStringOf(dataDir) });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
