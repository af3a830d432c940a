/**
 * A detection loop on a real PostgreSQL whose time a test moves. Nobody waits for event time to pass: the database has a
 * `clock_timestamp` of its own, found before PostgreSQL's; the loop's monotonic clock is passed in. The clock starts in
 * the past, so that what is resolved by it is also over by Alertmanager's.
 */
import { after, afterEach, before } from 'node:test';
import type { Clock } from '../../src/alert/clock.ts';
import { createDetectionLoop, type DetectionLoop } from '../../src/alert/detection-loop.ts';
import type { Alert } from '../../src/alert/payload.ts';
import type { AlertLog, AlertmanagerClient, DetectionStore } from '../../src/alert/ports.ts';
import type { PrometheusClient } from '../../src/alert/prometheus-client.ts';
import type { Catalogue, CodeEntry } from '../../src/catalogue/catalogue.ts';
import { createMetrics, createRegistry } from '../../src/metrics.ts';
import { createDatabase } from '../../src/store/database.ts';
import { createDetectionStore } from '../../src/store/detection-store.ts';
import { migrate } from '../../src/store/migrate.ts';
import { createProgressRecorder } from '../../src/store/progress-store.ts';
import { createSnapshotStore } from '../../src/store/snapshot-store.ts';
import { createSpikeReader, createSpikeStore } from '../../src/store/spike-store.ts';
import { createTrafficStore } from '../../src/store/traffic-store.ts';
import { addDatabaseClock } from './database-clock.ts';
import { startTestDatabase, type TestDatabase } from './postgres.ts';
import { waitFor } from './wait-for.ts';

export const DEADLINE_MS = 20_000;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const BUCKET_MS = 10_000;
export const CODE = 'INVALID_CREDENTIALS';
export const NORMAL_COUNT = 6;
export const SURGE_COUNT = 60;
/** How far the database's clock is behind at the start of a test. */
const BEHIND_MS = 13 * MINUTE_MS;
export const HOLD_SECONDS = 30;

export const log = { debug() {}, info() {}, warn() {}, error: (fields: object, text: string) => console.error(text, fields) };
const words = { meaning: 'Wrong credentials.', callerAdvice: '', supportWords: '', isRetryable: false };
export const entry: CodeEntry = {
  ...words,
  code: CODE,
  status: 401,
  fault: 'client',
  severity: null,
  team: 'identity',
  detailKeys: [],
  expectedMinimum: null,
};
export const catalogue: Catalogue = { codes: new Map([[CODE, entry]]), statuses: new Map() };
export const links = {
  publicUrl: 'http://surgewatch.test/prefix',
  alertmanagerPublicUrl: 'http://alerts.test',
  dashboardUrl: 'http://grafana.test/d/1',
  runbookUrl: 'http://runbooks.test/surge',
};

export const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});
// Keeps the cluster from one test to the next.
let anchor: TestDatabase;
before(async () => {
  anchor = await startTestDatabase();
});
after(() => anchor.stop());

interface LoopOptions {
  readonly clients?: readonly AlertmanagerClient[];
  readonly clock?: Clock;
  readonly kafkaTopic?: string;
  readonly detection?: DetectionStore;
  readonly catalogue?: Catalogue;
  readonly prometheus?: PrometheusClient;
  readonly log?: AlertLog;
}

export type World = Awaited<ReturnType<typeof startWorld>>;

export async function startWorld() {
  const server = await startTestDatabase();
  const databaseClock = await addDatabaseClock(server);
  await migrate(server.connectionString);
  const database = createDatabase({ connectionString: server.connectionString, role: 'surgewatch_app', poolSize: 6, log });
  const moveClock = databaseClock.moveBy;
  await moveClock(-BEHIND_MS);
  const nowMs = await databaseClock.bucketStartMs();
  const metrics = createMetrics(createRegistry());
  let processCount = 0;
  stops.push(
    () => server.stop(),
    () => database.close(),
  );

  return {
    query: server.query,
    database,
    metrics,
    reader: createSpikeReader(database),
    recorder: createProgressRecorder(database),
    moveClock,
    /** Start of the current bucket when the test began. */
    nowMs,
    loop({
      clients = [],
      clock = createTestClock(),
      kafkaTopic,
      detection = createDetectionStore(database),
      catalogue: known = catalogue,
      prometheus,
      log: told = log,
    }: LoopOptions = {}): DetectionLoop {
      processCount += 1;
      const loop = createDetectionLoop(
        {
          processId: `process-${processCount}`,
          holdSeconds: HOLD_SECONDS,
          falsePagesPerWeek: 1,
          labels: { env: 'test', severity: 'none' },
          links,
          kafkaTopic: kafkaTopic ?? null,
        },
        {
          detection,
          spikes: createSpikeStore(database),
          snapshots: createSnapshotStore(database),
          traffic: createTrafficStore(database),
          prometheus: prometheus ?? null,
          alertmanagers: clients,
          catalogue: known,
          metrics,
          clock,
          log: told,
        },
      );
      stops.push(() => loop.stop());
      return loop;
    },
    /** Stores `count` errors, give or take, in each bucket of from..to, and says that this time was listened to. */
    async count(fromMs: number, toMs: number, count: number, code = CODE): Promise<void> {
      await server.query(
        `insert into bucket_count (code, bucket_start, is_clock_ahead, replica_id, lane, error_count)
         select $1, start, false, 'test', 0, $4 + (hashtext(start::text) % 3)
         from generate_series(to_timestamp($2::float8 / 1000), to_timestamp($3::float8 / 1000) - interval '10 s', '10 s') as start
         on conflict on constraint bucket_count_pkey do update set error_count = excluded.error_count`,
        [code, fromMs, toMs, count],
      );
      await server.query('insert into counted_code values ($1, to_timestamp($2::float8 / 1000)) on conflict do nothing', [
        code,
        fromMs,
      ]);
      await server.query(
        `insert into collected_span values ('test', to_timestamp($1::float8 / 1000), to_timestamp($2::float8 / 1000))
         on conflict (span_key) do update set started_at = least(collected_span.started_at, excluded.started_at),
           ended_at = greatest(collected_span.ended_at, excluded.ended_at)`,
        [fromMs, toMs],
      );
    },
    /** A single error, in time that is collected anyway. */
    async countOne(atMs: number, code: string): Promise<void> {
      await server.query("insert into bucket_count values ($1, to_timestamp($2::float8 / 1000), false, 'test', 0, 1)", [
        code,
        atMs,
      ]);
      await server.query('insert into counted_code values ($1, to_timestamp($2::float8 / 1000)) on conflict do nothing', [
        code,
        atMs,
      ]);
    },
    /** Ten rows for the evidence, all of one client: newest `req-1`. */
    async storeErrors(atMs: number, service: string, prefix = 'req'): Promise<void> {
      await server.query("select prepare_envelope_day((to_timestamp($1::float8 / 1000) at time zone 'UTC')::date)", [atMs]);
      await server.query(
        `insert into envelope (request_id, code, day, occurred_at, received_at, status, source, message, details, service, client, redaction_version)
         select $4 || '-' || n, $1, (at at time zone 'UTC')::date, at, at, 401, 'webhook', 'no', '{}', $3, 'acme', 1
         from generate_series(1, 10) as n, lateral (select to_timestamp($2::float8 / 1000) - n * interval '1 s' as at) as moment`,
        [CODE, atMs, service, prefix],
      );
    },
    spikes: async () => (await createSpikeReader(database).listSpikes({ limit: 100 })).items,
  };
}

/** An hour of normal errors, then ten times as many since `surgeAgoMs`, until `surgeEndMs` from now, then normal again. */
export async function storeSurge(world: World, surgeAgoMs = 50_000, surgeEndMs = MINUTE_MS): Promise<void> {
  const { nowMs } = world;
  await world.count(nowMs - 70 * MINUTE_MS, nowMs + 15 * MINUTE_MS, NORMAL_COUNT);
  await world.count(nowMs - surgeAgoMs, nowMs + surgeEndMs, SURGE_COUNT);
}

/** Never calls by itself; time passes only when told. */
export function createTestClock() {
  let shiftMs = 0;
  return {
    monotonicMs: () => performance.now() + shiftMs,
    schedule: () => () => {},
    breathe: async () => {},
    move(byMs: number) {
      shiftMs += byMs;
    },
  };
}

/** Takes what it is given and remembers it. */
export function createCollector(answer: 'accepted' | 'failed' = 'accepted') {
  const pushed: Alert[] = [];
  const client: AlertmanagerClient = {
    name: 'collector',
    push: async (alerts) => {
      pushed.push(...alerts);
      return alerts.map(() => answer);
    },
  };
  return { client, pushed, ofSpikes: () => pushed.filter(({ labels }) => labels['alertname'] === 'ApiErrorSpike') };
}

export async function tickUntil(loop: DetectionLoop, what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  await waitFor(
    async () => {
      await loop.tick();
      return condition();
    },
    { deadlineMs: DEADLINE_MS, what },
  );
}
