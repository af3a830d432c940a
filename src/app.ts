/**
 * Composition root: each part is built once, in order, and adds a named stop; `stop` runs them in reverse. What takes
 * steps of its own to build stands in `app/`, which this file alone imports.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { createAlertmanagerClients } from './alert/alertmanager-client.ts';
import { createSystemClock } from './alert/clock.ts';
import { createDetectionLoop } from './alert/detection-loop.ts';
import { createPrometheusClient } from './alert/prometheus-client.ts';
import { openDatabase } from './app/open-database.ts';
import { type OpenIngest, openIngest } from './app/open-ingest.ts';
import { openKafka } from './app/open-kafka.ts';
import { createStops } from './app/stops.ts';
import { BUILT_IN_CATALOGUE } from './catalogue/built-in.ts';
import type { Catalogue } from './catalogue/catalogue.ts';
import { parseCatalogue } from './catalogue/parse-catalogue.ts';
import type { Config } from './config.ts';
import { ConfigurationFault, type Fault } from './errors.ts';
import { createServer } from './http/server.ts';
import type { Ingest } from './ingest/pipeline.ts';
import { addProcessMetrics, createMetrics, createRegistry, type Metrics } from './metrics.ts';
import { createWebhookSource } from './sources/webhook-source.ts';
import { createDeadLetterReader } from './store/dead-letter-reader.ts';
import { createDetectionStore } from './store/detection-store.ts';
import { createLookupStore } from './store/lookup-store.ts';
import { createPartitionKeeper } from './store/partitions.ts';
import { createProgressRecorder } from './store/progress-store.ts';
import { acquireReplicaLease } from './store/replica-lease.ts';
import { createSnapshotStore } from './store/snapshot-store.ts';
import { createSpikeReader, createSpikeStore } from './store/spike-store.ts';
import { createTrafficStore } from './store/traffic-store.ts';
import { createWatchReader } from './store/watch-reader.ts';

const VERSION = readVersion();

/** How long a start waits for another process to give its REPLICA_ID up. */
const WAIT_FOR_REPLICA_ID_MS = 15_000;

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
  const stops = createStops(log);
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

    const { signal } = stopping;
    const pools = await openDatabase({ config: config.database, metrics, stops, signal, onFailure: fail, log });
    const { work: database, lookup: reads, write: writes } = pools;

    const lease = await acquireReplicaLease(database, {
      replicaId: config.replicaId,
      host: hostname(),
      waitMs: WAIT_FOR_REPLICA_ID_MS,
      isExclusive: config.database.url === null,
      signal,
      log,
    });
    stops.add('replica lease', () => lease.release());
    void lease.lost.then(fail);

    const partitions = createPartitionKeeper({ database, retentionDays: config.retentionDays, log });
    await partitions.start();
    stops.add('partitions', () => partitions.stop());

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
    stops.add('detection', () => detection.stop());
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
    stops.add('http', () => server.stop());
    const { url } = await server.start();

    if (config.kafka !== null) await openKafka(config.kafka, { database, ingest, progress, metrics, stops, log });
    log.info({ url }, 'ready');
    return { url };
  }

  function afterStart() {
    if (started === undefined) throw new Error('the service has not started');
    return started;
  }

  async function stopAll(): Promise<void> {
    stopping.abort(new Error('the service stops'));
    await stops.run();
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
