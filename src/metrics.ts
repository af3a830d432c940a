/**
 * Every metric we expose, on an injected registry. One OpenMetrics registry: exemplars need it, and prom-client fixes a
 * registry's format for life. Everything is registered whatever is configured, and all combinations of closed labels
 * stand at 0 from the start, so that `increase()` sees the first movement.
 */
import client from 'prom-client';
import { REJECT_REASONS, SANITIZATIONS } from './envelope/schema.ts';
import { SOURCES } from './ingest/ports.ts';

const { Counter, Gauge, Histogram, Registry } = client;

export const SPIKE_KINDS = ['surge', 'new_code', 'returning_code', 'silent_code', 'all_codes'] as const;
export const PUSH_RESULTS = ['accepted', 'rejected', 'failed'] as const;

/** What may have been changed in a stored envelope; `dropped`: something was stated that is not read, and the row is as it would be without. */
export const STORED_CHANGES = [...SANITIZATIONS, 'dropped'] as const;

const LATENCY_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const BATCH_BUCKETS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2000, 4000];

const NO_CONNECTIONS: PoolCounts = { busy: 0, idle: 0, waiting: 0 };
export const POOLS = ['work', 'lookup', 'write'] as const;
export type PoolName = (typeof POOLS)[number];

/** Connections of one pool now; `waiting` counts who waits for one. */
export interface PoolCounts {
  readonly busy: number;
  readonly idle: number;
  readonly waiting: number;
}

export type Metrics = ReturnType<typeof createMetrics>;

export function createRegistry() {
  const registry = new Registry<client.OpenMetricsContentType>();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  return registry;
}

export function createMetrics(registry: ReturnType<typeof createRegistry>) {
  const registers = [registry];
  const pools = new Map<PoolName, () => PoolCounts>();
  const metrics = {
    errorsTotal: new Counter<'code' | 'status' | 'request_id'>({
      name: 'surgewatch_errors_total',
      help: 'Envelopes stored, once each, by error code and HTTP status. A rise means the API answered more errors.',
      labelNames: ['code', 'status'],
      enableExemplars: true,
      registers,
    }),
    envelopesReceivedTotal: new Counter({
      name: 'surgewatch_envelopes_received_total',
      help: 'Deliveries taken in, repeats included, counted when their outcome is known. Moves with traffic from each source.',
      labelNames: ['source'] as const,
      registers,
    }),
    envelopesStoredTotal: new Counter({
      name: 'surgewatch_envelopes_stored_total',
      help: 'Deliveries that became a new row, counted after COMMIT.',
      labelNames: ['source'] as const,
      registers,
    }),
    envelopesDuplicateTotal: new Counter({
      name: 'surgewatch_envelopes_duplicate_total',
      help: 'Deliveries whose envelope was stored before. A rise means redelivery, a replay or a sender that resends.',
      labelNames: ['source'] as const,
      registers,
    }),
    envelopeConflictsTotal: new Counter({
      name: 'surgewatch_envelope_conflicts_total',
      help: 'Duplicates whose body differs from the stored envelope, each once. A rise means that a requestId is used again or faked.',
      labelNames: ['source'] as const,
      registers,
    }),
    envelopesSanitizedTotal: new Counter({
      name: 'surgewatch_envelopes_sanitized_total',
      help: 'Envelopes stored with a change, by change; dropped: something was stated that is not read. A rise of one but redacted means that a sender makes a new mistake.',
      labelNames: ['change'] as const,
      registers,
    }),
    envelopesRejectedTotal: new Counter({
      name: 'surgewatch_envelopes_rejected_total',
      help: 'Deliveries that were refused, by reason. A rise means a sender produces something that is no envelope.',
      labelNames: ['source', 'reason'] as const,
      registers,
    }),
    deadLettersTotal: new Counter({
      name: 'surgewatch_dead_letters_total',
      help: 'Dead letters newly recorded, by reason. A rise means deliveries that somebody should look at.',
      labelNames: ['reason'] as const,
      registers,
    }),
    labelOverflowTotal: new Counter({
      name: 'surgewatch_label_overflow_total',
      help: 'Stored envelopes counted as _other because no series was left for their code and status.',
      registers,
    }),
    validationFieldErrorsTotal: new Counter({
      name: 'surgewatch_validation_field_errors_total',
      help: 'Stored VALIDATION_ERROR envelopes by the field and sub-code that they name, each pair once an envelope.',
      labelNames: ['field', 'code'] as const,
      registers,
    }),
    spikesTotal: new Counter({
      name: 'surgewatch_spikes_total',
      help: 'Spikes opened, by kind. Moves on the replica that leads when the detector opens one.',
      labelNames: ['kind'] as const,
      registers,
    }),
    alertmanagerPushesTotal: new Counter({
      name: 'surgewatch_alertmanager_pushes_total',
      help: 'Alerts pushed, one count an alert and Alertmanager. A rise of failed or rejected means that pages may not go out.',
      labelNames: ['result'] as const,
      registers,
    }),
    kafkaRecordsSkippedTotal: new Counter({
      name: 'surgewatch_kafka_records_skipped_total',
      help: 'Kafka records lost to the topic retention before they could be read, or skipped by an operator.',
      labelNames: ['topic', 'partition'] as const,
      registers,
    }),
    ingestLatencySeconds: new Histogram({
      name: 'surgewatch_ingest_latency_seconds',
      help: 'Seconds from taking a delivery in to its COMMIT. A rise means the database or the machine is slow.',
      labelNames: ['source'] as const,
      buckets: LATENCY_BUCKETS_SECONDS,
      registers,
    }),
    storeDurationSeconds: new Histogram({
      name: 'surgewatch_store_duration_seconds',
      help: 'Seconds a batch spent in the database, COMMIT included.',
      buckets: LATENCY_BUCKETS_SECONDS,
      registers,
    }),
    batchSize: new Histogram({
      name: 'surgewatch_batch_size',
      help: 'Deliveries written in one transaction: small when quiet, large when behind.',
      buckets: BATCH_BUCKETS,
      registers,
    }),
    kafkaConsumerLag: new Gauge({
      name: 'surgewatch_kafka_consumer_lag',
      help: 'Records of a Kafka partition that are not committed yet. A rise means ingest is behind.',
      labelNames: ['topic', 'partition'] as const,
      registers,
    }),
    kafkaPartitionPaused: new Gauge({
      name: 'surgewatch_kafka_partition_paused',
      help: '1 while a Kafka partition is paused and waits for the database or for an operator.',
      labelNames: ['topic', 'partition'] as const,
      registers,
    }),
    kafkaConsumerUp: new Gauge({
      name: 'surgewatch_kafka_consumer_up',
      help: '1 while the last fetch is less than 60 s old; no series while Kafka is not configured.',
      registers,
    }),
    databaseUp: new Gauge({
      name: 'surgewatch_database_up',
      help: '1 while the database answers. 0 means that nothing can be acknowledged.',
      registers,
    }),
    databaseConnections: new Gauge({
      name: 'surgewatch_database_connections',
      help: 'Connections of each pool, and who waits for one, as the scrape finds them. Waiting that stays means a slow database.',
      labelNames: ['pool', 'state'] as const,
      registers,
      collect() {
        for (const pool of POOLS) {
          const { busy, idle, waiting } = pools.get(pool)?.() ?? NO_CONNECTIONS;
          this.set({ pool, state: 'busy' }, busy);
          this.set({ pool, state: 'idle' }, idle);
          this.set({ pool, state: 'waiting' }, waiting);
        }
      },
    }),
    spikeActive: new Gauge({
      name: 'surgewatch_spike_active',
      help: '1 for each spike that is pending or firing; the series exists as long as its spike.',
      labelNames: ['code', 'status'] as const,
      registers,
    }),
    expectedErrorsPerSecond: new Gauge({
      name: 'surgewatch_expected_errors_per_second',
      help: "The detector's expectation for each code now, on the replica that leads: what is normal at this time of day.",
      labelNames: ['code'] as const,
      registers,
    }),
    trafficUp: new Gauge({
      name: 'surgewatch_traffic_up',
      help: '1 while Prometheus answers TRAFFIC_PROMQL, on the replica that leads; no series while that is not configured. 0 means that expectations follow the time of day alone.',
      registers,
    }),
    trafficFactor: new Gauge({
      name: 'surgewatch_traffic_factor',
      help: 'How busy the API is against what is usual at this time of day, on the replica that leads: what expectations are multiplied by. 1 while traffic is not known.',
      registers,
    }),
    detectorLastRunTimestampSeconds: new Gauge({
      name: 'surgewatch_detector_last_run_timestamp_seconds',
      help: 'When the detector last finished a tick on this replica, leading or not. Standing still means that nothing is watched.',
      registers,
    }),
    detectorBlind: new Gauge({
      name: 'surgewatch_detector_blind',
      help: '1 while the detector is more than 2 minutes behind.',
      registers,
    }),
    detectorLeader: new Gauge({
      name: 'surgewatch_detector_leader',
      help: '1 on the replica that holds the detector lease. The sum over replicas should be 1.',
      registers,
    }),
    buildInfo: new Gauge({
      name: 'surgewatch_build_info',
      help: 'Always 1; its labels tell the version.',
      labelNames: ['version', 'node'] as const,
      registers,
    }),
  };

  metrics.kafkaConsumerUp.remove();
  metrics.trafficUp.remove();
  metrics.trafficFactor.remove();
  metrics.labelOverflowTotal.inc(0);
  for (const source of SOURCES) {
    for (const counter of [metrics.envelopesReceivedTotal, metrics.envelopesStoredTotal, metrics.envelopesDuplicateTotal]) {
      counter.inc({ source }, 0);
    }
    metrics.envelopeConflictsTotal.inc({ source }, 0);
    for (const reason of REJECT_REASONS) metrics.envelopesRejectedTotal.inc({ source, reason }, 0);
    metrics.ingestLatencySeconds.zero({ source });
  }
  for (const reason of REJECT_REASONS) metrics.deadLettersTotal.inc({ reason }, 0);
  for (const change of STORED_CHANGES) metrics.envelopesSanitizedTotal.inc({ change }, 0);
  for (const kind of SPIKE_KINDS) metrics.spikesTotal.inc({ kind }, 0);
  for (const result of PUSH_RESULTS) metrics.alertmanagerPushesTotal.inc({ result }, 0);
  /** Asked at each scrape. */
  const watchPool = (name: PoolName, read: () => PoolCounts) => void pools.set(name, read);
  return { ...metrics, watchPool };
}

/** Adds the process_ and nodejs_ families of prom-client. Apart, since they read the process and tests need none. */
export function addProcessMetrics(registry: ReturnType<typeof createRegistry>): void {
  client.collectDefaultMetrics({ register: registry });
}
