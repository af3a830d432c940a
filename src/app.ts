/**
 * Composition root: each part is built once, in order, and pushes a named stop; `stop` runs them in reverse, awaits each
 * and goes on past failures. Long only by being straight.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { createAlertmanagerClients } from './alert/alertmanager-client.ts';
import { createSystemClock } from './alert/clock.ts';
import { createDetectionLoop } from './alert/detection-loop.ts';
import { createPrometheusClient } from './alert/prometheus-client.ts';
import { BUILT_IN_CATALOGUE } from './catalogue/built-in.ts';
import type { Catalogue } from './catalogue/catalogue.ts';
import { parseCatalogue } from './catalogue/parse-catalogue.ts';
import type { Config } from './config.ts';
import { decode } from './envelope/decode.ts';
import { digestOf } from './envelope/identity.ts';
import { createRedact } from './envelope/redact.ts';
import type { ErrorEnvelope } from './envelope/schema.ts';
import { ConfigurationFault, type Fault, StoreUnavailable } from './errors.ts';
import { createServer } from './http/server.ts';
import { createConflictFlag } from './ingest/conflicts.ts';
import { createDeadLetterBudget } from './ingest/dead-letter-budget.ts';
import { createGroupCommit } from './ingest/group-commit.ts';
import { createPipeline, type Ingest } from './ingest/pipeline.ts';
import { createRecord } from './ingest/record.ts';
import { addProcessMetrics, createMetrics, createRegistry, type Metrics, POOLS } from './metrics.ts';
import { createKafkaSource } from './sources/kafka-source.ts';
import { createWebhookSource } from './sources/webhook-source.ts';
import { createConflictStore } from './store/conflict-store.ts';
import { createDatabase, type Database } from './store/database.ts';
import { createDeadLetterReader } from './store/dead-letter-reader.ts';
import { createDetectionStore } from './store/detection-store.ts';
import { startEmbeddedPostgres } from './store/embedded-postgres.ts';
import { createEnvelopeStore } from './store/envelope-store.ts';
import { refuseUnfitServer } from './store/fit-server.ts';
import { createKafkaPauseStore } from './store/kafka-pause-store.ts';
import { createLookupStore } from './store/lookup-store.ts';
import { migrate } from './store/migrate.ts';
import { createPartitionKeeper } from './store/partitions.ts';
import { createProgressRecorder } from './store/progress-store.ts';
import { acquireReplicaLease } from './store/replica-lease.ts';
import { createSnapshotStore } from './store/snapshot-store.ts';
import { createSpikeReader, createSpikeStore } from './store/spike-store.ts';
import { createTrafficStore } from './store/traffic-store.ts';
import { createWatchReader } from './store/watch-reader.ts';

const VERSION = readVersion();

/** Connections for the detection loop, the lease and the sources. */
const POOL_SIZE = 8;
/**
 * Connections of the write lanes, one each, and one to look at repeats: they keep their plans, since planning over all table
 * partitions costs more than a small batch.
 */
const WRITE_POOL_SIZE = 3;
/** Connections for people's reads, apart, so that a slow page never holds up ingest. */
const READ_POOL_SIZE = 4;
const WAIT_FOR_DATABASE_MS = 1_000;
/** How long a start waits for another process to give its REPLICA_ID up. */
const WAIT_FOR_REPLICA_ID_MS = 15_000;
/** A part that does not stop by then is left behind, so that the others still stop. */
const STOP_PART_DEADLINE_MS = 8_000;

export interface App {
  readonly log: Logger;
  readonly metrics: Metrics;
  /** @throws Fault when a person must act; what is away is waited for. */
  start(): Promise<{ readonly url: string }>;
  /** Safe twice, and after a start that failed half way. */
  stop(): Promise<void>;
  isStopping(): boolean;
  /** Called once when the service cannot go on: its database died for good, or its REPLICA_ID was taken. */
  onFailure(listener: (fault: Fault) => void): void;
  /** For verbs that bring envelopes of their own. Only after `start`. */
  readonly ingest: Ingest;
  /** Says that between these moments no error means zero: what a verb brought covers it. Only after `start`. */
  markCollected(key: string, fromMs: number, toMs: number): Promise<void>;
}

export function createApp(config: Config, log: Logger): App {
  const catalogue = readCatalogue(config.catalogueFile);
  const registry = createRegistry();
  const metrics = createMetrics(registry);
  const stops: { readonly name: string; readonly stop: () => Promise<void> | void }[] = [];
  const failureListeners: ((fault: Fault) => void)[] = [];
  const stopping = new AbortController();
  let stopped: Promise<void> | undefined;
  let hasFailed = false;
  let started: Pick<App, 'ingest' | 'markCollected'> | undefined;

  function fail(fault: Fault): void {
    if (hasFailed || stopping.signal.aborted) return;
    hasFailed = true;
    for (const listener of failureListeners) listener(fault);
  }

  async function start() {
    for (const warning of config.warnings) log.warn({}, warning);
    addProcessMetrics(registry);
    metrics.buildInfo.set({ version: VERSION, node: process.version }, 1);

    const urls = await openDatabaseServer();
    await migrateWhenThere(urls.migrationUrl);
    const connection = { connectionString: urls.url, role: 'surgewatch_app', log } as const;
    const onUpChange = (isUp: boolean) => metrics.databaseUp.set(isUp ? 1 : 0);
    const database = createDatabase({ ...connection, poolSize: POOL_SIZE, onUpChange });
    const quiet = { info: () => {}, warn: () => {} }; // The same database: one voice is enough.
    const reads = createDatabase({ ...connection, poolSize: READ_POOL_SIZE, keepsPlans: true, log: quiet });
    // A write that fails makes the service look at once whether its database is away, and tells it so.
    const look = (isUp: boolean) => void (isUp ? null : database.untilServes(stopping.signal).catch(() => {}));
    const writes = createDatabase({
      ...connection,
      poolSize: WRITE_POOL_SIZE,
      keepsPlans: true,
      onUpChange: look,
      log: quiet,
    });
    const pools = { work: database, lookup: reads, write: writes };
    for (const name of POOLS) metrics.watchPool(name, pools[name].connections);
    stops.push({ name: 'database', stop: () => Promise.all(POOLS.map((name) => pools[name].close())).then(() => {}) });
    await database.untilServes(stopping.signal);
    await refuseUnfitServer(database.kysely); // The migration's connection may have been another one.

    const lease = await acquireReplicaLease(database, {
      replicaId: config.replicaId,
      host: hostname(),
      waitMs: WAIT_FOR_REPLICA_ID_MS,
      isExclusive: config.database.url === null,
      signal: stopping.signal,
      log,
    });
    stops.push({ name: 'replica lease', stop: () => lease.release() });
    void lease.lost.then(fail);

    const partitions = createPartitionKeeper({ database, retentionDays: config.retentionDays, log });
    await partitions.start();
    stops.push({ name: 'partitions', stop: () => partitions.stop() });

    const ingest = await openIngest({ config, catalogue, metrics, database, writes, replicaId: config.replicaId });
    const progress = createProgressRecorder(database);
    started = { ingest, markCollected: progress.extendSpan };

    const detection = createDetectionLoop(
      {
        processId: randomUUID(),
        holdSeconds: config.alert.holdSeconds,
        falsePagesPerWeek: config.alert.falsePagesPerWeek,
        labels: config.alert.labels,
        links: { ...config.alert, publicUrl: config.http.publicUrl ?? `http://${config.http.host}:${config.http.port}` },
        kafkaTopic: config.kafka?.topic ?? null,
      },
      {
        detection: createDetectionStore(database),
        spikes: createSpikeStore(database),
        traffic: createTrafficStore(database),
        prometheus: config.traffic === null ? null : createPrometheusClient(config.traffic),
        snapshots: createSnapshotStore(database),
        alertmanagers: createAlertmanagerClients(
          { urls: config.alert.alertmanagerUrls, authorization: config.alert.authorization },
          log,
        ),
        catalogue,
        metrics,
        clock: createSystemClock(),
        log,
      },
    );
    stops.push({ name: 'detection', stop: () => detection.stop() });
    await detection.start();

    const webhook = createWebhookSource({
      ingest,
      countRefused: (reason) => {
        metrics.envelopesReceivedTotal.inc({ source: 'webhook' });
        metrics.envelopesRejectedTotal.inc({ source: 'webhook', reason });
      },
      now: Date.now,
    });
    const server = createServer(
      {
        ...config.http,
        authMode: 'off',
        retentionDays: config.retentionDays,
        isTrafficAsked: config.traffic !== null,
        version: VERSION,
      },
      {
        lookup: createLookupStore(reads, { retentionDays: config.retentionDays, kafkaTopic: config.kafka?.topic ?? null }),
        spikes: createSpikeReader(reads),
        deadLetters: createDeadLetterReader(reads),
        watch: createWatchReader(reads),
        catalogue,
        registry,
        readiness: () => (database.isUp() ? { kind: 'ready' } : { kind: 'not_ready', reason: 'database_away' }),
        sources: [webhook],
        log,
        now: Date.now,
      },
    );
    stops.push({ name: 'http', stop: () => server.stop() });
    const { url } = await server.start();

    if (config.kafka !== null) await openKafka(config.kafka, database, ingest, progress);
    log.info({ url }, 'ready');
    return { url };
  }

  /** The embedded server when no DATABASE_URL is set. */
  async function openDatabaseServer(): Promise<{ url: string; migrationUrl: string }> {
    const { url, migrationUrl, dataDir } = config.database;
    if (url !== null) return { url, migrationUrl: migrationUrl ?? url };
    const embedded = await startEmbeddedPostgres({
      dataDir,
      log: { info: (text) => log.info({}, text), warn: (text) => log.warn({}, text) },
    });
    stops.push({ name: 'embedded PostgreSQL', stop: () => embedded.stop() });
    void embedded.exited.then(({ reason }) => fail(new StoreUnavailable(`The embedded PostgreSQL ended: ${reason}`)));
    return { url: embedded.connectionString, migrationUrl: embedded.connectionString };
  }

  /** A database that is away is waited for, visibly; one that refuses ends the start. */
  async function migrateWhenThere(url: string): Promise<void> {
    for (let isFirst = true; ; isFirst = false) {
      stopping.signal.throwIfAborted();
      try {
        const applied = await migrate(url);
        if (applied.length > 0) log.info({ applied }, 'migrated');
        return;
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        if (isFirst) log.warn({ err: error.cause }, 'the database is away, or another process migrates it; waiting');
        await delay(WAIT_FOR_DATABASE_MS, undefined, { signal: stopping.signal });
      }
    }
  }

  async function openKafka(
    kafka: NonNullable<Config['kafka']>,
    database: Database,
    ingest: Ingest,
    progress: ReturnType<typeof createProgressRecorder>,
  ): Promise<void> {
    const source = createKafkaSource(
      { ...kafka, sslCa: kafka.sslCaFile === null ? null : readFileSync(kafka.sslCaFile, 'utf8') },
      {
        ingest,
        untilStoreServes: (signal) => database.untilServes(signal),
        recordProgress: (reports) => progress.recordKafkaProgress(reports),
        pauses: createKafkaPauseStore(database),
        metrics: {
          setLag: (topic, partition, lag) => {
            metrics.kafkaConsumerLag.set({ topic, partition }, lag);
            metrics.kafkaRecordsSkippedTotal.inc({ topic, partition }, 0); // Born at 0, or increase() misses the first loss.
          },
          setUp: (isUp) => metrics.kafkaConsumerUp.set(isUp ? 1 : 0),
          setPaused: (topic, partition, isPaused) => metrics.kafkaPartitionPaused.set({ topic, partition }, isPaused ? 1 : 0),
          recordsSkipped: (topic, partition, count) => metrics.kafkaRecordsSkippedTotal.inc({ topic, partition }, count),
          forget: (topic, partition) => {
            metrics.kafkaConsumerLag.remove({ topic, partition });
            metrics.kafkaPartitionPaused.remove({ topic, partition });
          },
        },
        now: Date.now,
        log,
      },
    );
    stops.push({ name: 'kafka', stop: () => source.stop() });
    await source.start();
  }

  function afterStart() {
    if (started === undefined) throw new Error('the service has not started');
    return started;
  }

  async function stopAll(): Promise<void> {
    stopping.abort(new Error('the service stops'));
    for (let part = stops.pop(); part !== undefined; part = stops.pop()) {
      const { name, stop } = part;
      try {
        await withDeadline(Promise.resolve(stop()), STOP_PART_DEADLINE_MS);
        log.debug({ part: name }, 'stopped');
      } catch (err) {
        log.warn({ err, part: name }, 'did not stop cleanly');
      }
    }
  }

  return {
    log,
    metrics,
    start,
    stop: () => {
      stopped ??= stopAll();
      return stopped;
    },
    isStopping: () => stopping.signal.aborted,
    onFailure: (listener) => void failureListeners.push(listener),
    ingest: (deliveries) => afterStart().ingest(deliveries),
    markCollected: (key, fromMs, toMs) => afterStart().markCollected(key, fromMs, toMs),
  };
}

interface OpenIngest {
  readonly config: Pick<Config, 'retentionDays' | 'hasExemplars'>;
  readonly catalogue: Catalogue;
  readonly metrics: Metrics;
  readonly database: Database;
  /** For the write lanes and the look at repeats; may be the same. */
  readonly writes: Database;
  readonly replicaId: string;
  /** Called for each envelope that was read, before it is stored. */
  readonly onEnvelope?: (envelope: ErrorEnvelope) => void;
}

/** The pipeline on a database, counting under `replicaId`. @throws StoreUnavailable. */
async function openIngest({ config, catalogue, metrics, database, writes, replicaId, onEnvelope }: OpenIngest): Promise<Ingest> {
  const catalogued = [...catalogue.codes.values()].map(({ code, status }) => ({ code, status: String(status) }));
  const store = createEnvelopeStore({ database: writes, replicaId, catalogued });
  const { recordIncrements, recordCommit, recordOutcomes, recordConflicts } = createRecord({
    metrics,
    hasExemplars: config.hasExemplars,
    now: Date.now,
  });
  for (const labels of catalogued) metrics.errorsTotal.inc({ labels, value: 0 });
  recordIncrements(await store.open());
  const digestKey = await database.kysely.selectFrom('installation').select('digest_key').executeTakeFirstOrThrow();
  const { retentionDays } = config;
  const isCatalogued = (code: string) => catalogue.codes.has(code);
  return createPipeline({
    decode: ({ source, bytes, receivedAtMs, headers }) => {
      const options = { receivedAtMs, retentionDays, isCatalogued, isRecordBelieved: source === 'file' };
      const decoded = decode(bytes, headers === undefined ? options : { ...options, headers });
      if (onEnvelope !== undefined && decoded.kind === 'envelope') onEnvelope(decoded.envelope);
      return decoded;
    },
    redact: createRedact({ catalogue }),
    digest: (bytes) => digestOf(digestKey.digest_key, bytes),
    mayRecord: createDeadLetterBudget(),
    write: createGroupCommit({ store, onCommit: recordCommit, now: () => performance.now() }),
    flagConflicts: createConflictFlag({ store: createConflictStore(writes), onFlagged: recordConflicts }),
    record: recordOutcomes,
  });
}

/** The same pipeline for a verb that serves nobody: what it counts is in the database alone. @throws StoreUnavailable. */
export function openVerbIngest(deps: Omit<OpenIngest, 'config' | 'catalogue' | 'metrics'> & { readonly config: Config }) {
  return openIngest({
    ...deps,
    catalogue: readCatalogue(deps.config.catalogueFile),
    metrics: createMetrics(createRegistry()),
  });
}

function readVersion(): string {
  const text: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const isVersioned = typeof text === 'object' && text !== null && 'version' in text && typeof text.version === 'string';
  return isVersioned ? String(text.version) : 'unknown';
}

function readCatalogue(file: string | null): Catalogue {
  const builtIn = parseCatalogue(readFileSync(BUILT_IN_CATALOGUE, 'utf8'), 'built-in.yaml');
  if (file === null) return builtIn;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new ConfigurationFault(['CATALOGUE_FILE names a file that cannot be read.']);
  }
  return parseCatalogue(text, file, builtIn);
}

async function withDeadline<T>(work: Promise<T>, deadlineMs: number): Promise<T> {
  const deadline = new AbortController();
  try {
    return await Promise.race([
      work,
      delay(deadlineMs, undefined, { signal: deadline.signal }).then(() => {
        throw new Error(`not within ${deadlineMs} ms`);
      }),
    ]);
  } finally {
    deadline.abort();
  }
}
