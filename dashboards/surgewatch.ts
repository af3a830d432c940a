/**
 * surgewatch watching itself: whether it is well, what came in and what became of it, how fast, what waits in Kafka,
 * whether the detector ticks and its alerts get out, and what the process costs.
 */
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import type { DashboardSpec, Section } from './layout.ts';
import { bigNumber, COLOUR, DATASOURCE, graph, heat, lanes, rows } from './panels.ts';
import { increaseBy, maxBy, orWords, orZero, quantile, rateBy, select } from './queries.ts';
import {
  CONSUMER_LAG_RECORDS,
  DEAD_LETTERS_COUNT,
  DETECTOR_STALE_SECONDS,
  HARMLESS_REASONS,
  PUSHES_FAILED_RATIO,
  REJECTED_RATIO,
} from './thresholds.ts';

const RECEIVED = 'surgewatch_envelopes_received_total';
const REJECTED = 'surgewatch_envelopes_rejected_total';
const DEAD_LETTERS = 'surgewatch_dead_letters_total';
const PUSHES = 'surgewatch_alertmanager_pushes_total';
const LAST_RUN = 'surgewatch_detector_last_run_timestamp_seconds';
const LAG = 'surgewatch_kafka_consumer_lag';
const PAUSED = 'surgewatch_kafka_partition_paused';
const SKIPPED = 'surgewatch_kafka_records_skipped_total';
const CONSUMER_UP = 'surgewatch_kafka_consumer_up';

const HARMFUL = `reason!~"${HARMLESS_REASONS.join('|')}"`;
const NO_KAFKA = 'Kafka is not configured, or no partition is assigned';

const well: Section = {
  title: 'Is surgewatch well?',
  bands: [
    {
      height: 4,
      panels: [
        [
          4,
          bigNumber({
            title: 'Replicas up',
            description: 'Processes that Prometheus reaches. 0 = nothing is received, nothing is watched (alert SurgewatchDown).',
            unit: 'short',
            goodFrom: 1,
            queries: [{ expr: orZero(`sum (${select('up')})`) }],
          }),
        ],
        [
          4,
          bigNumber({
            title: 'Database',
            description:
              'Away = at least one replica has no database: it acknowledges nothing, senders keep their envelopes and Kafka keeps its records, so nothing is lost yet (alert SurgewatchDatabaseDown).',
            unit: 'short',
            goodFrom: 1,
            words: { 0: ['Away', COLOUR.bad], 1: ['Up', COLOUR.good] },
            queries: [{ expr: orZero(`min (${select('surgewatch_database_up')})`) }],
          }),
        ],
        [
          4,
          bigNumber({
            title: 'Kafka consumer',
            description:
              'Reading = some replica fetched within the last minute. Down = none did: records pile up in the topic (alert SurgewatchConsumerDown). Not configured = the webhook is the only way in.',
            unit: 'short',
            goodFrom: 1,
            words: { '-1': ['Not configured', COLOUR.off], 0: ['Down', COLOUR.bad], 1: ['Reading', COLOUR.good] },
            queries: [{ expr: `${maxBy('', CONSUMER_UP)} or on() vector(-1)` }],
          }),
        ],
        [
          4,
          bigNumber({
            title: "Detector's last tick, ago",
            description: `Seconds since any replica finished a tick. From ${DETECTOR_STALE_SECONDS} s on nothing is watched (alert SurgewatchDetectorStale).`,
            unit: 's',
            decimals: 0,
            badFrom: DETECTOR_STALE_SECONDS,
            queries: [{ expr: `time() - ${maxBy('', LAST_RUN)}` }],
          }),
        ],
        [
          4,
          bigNumber({
            title: 'Detector leader',
            description:
              'Exactly one replica should lead: it alone opens spikes and pushes alerts (alert SurgewatchDetectorNoLeader).',
            unit: 'short',
            goodFrom: 1,
            words: { 0: ['None', COLOUR.bad], 1: ['One', COLOUR.good], 2: ['Two', COLOUR.bad] },
            queries: [{ expr: orZero(`sum (${select('surgewatch_detector_leader')})`) }],
          }),
        ],
        [
          4,
          bigNumber({
            title: 'Pushes that failed',
            description:
              'Share of the pushes to Alertmanager that were refused or did not arrive, over 5 minutes (alert SurgewatchAlertmanagerUnreachable). Nothing pushed = Alertmanager is not configured, or the detector stands still: the watchdog alone is a push every 30 s.',
            unit: 'percentunit',
            decimals: 0,
            badFrom: PUSHES_FAILED_RATIO,
            interval: '5m',
            words: { '-1': ['Nothing pushed', COLOUR.off] },
            queries: [{ expr: `${rateBy('', PUSHES, 'result!="accepted"')} / (${rateBy('', PUSHES)} > 0) or on() vector(-1)` }],
          }),
        ],
      ],
    },
    {
      height: 4,
      panels: [
        [
          4,
          bigNumber({
            title: 'Received',
            description: 'Deliveries per second from all sources, repeats included, with their course.',
            unit: 'reqps',
            hasSparkline: true,
            queries: [{ expr: rateBy('', RECEIVED), legend: 'received' }],
          }),
        ],
        [
          4,
          bigNumber({
            title: 'Rejected for what they are',
            description: `Share of the deliveries that are no valid envelope, over 10 minutes (alert SurgewatchRejectRateHigh, by source). Not counted: ${HARMLESS_REASONS.join(', ')}.`,
            unit: 'percentunit',
            decimals: 1,
            badFrom: REJECTED_RATIO,
            interval: '10m',
            queries: [{ expr: orZero(`${rateBy('', REJECTED, HARMFUL)} / (${rateBy('', RECEIVED)} > 0)`) }],
          }),
        ],
        [
          4,
          bigNumber({
            title: 'New dead letters, most of one reason',
            description: 'Recorded in the last 15 minutes; somebody should look at them (alert SurgewatchDlqGrowing).',
            unit: 'short',
            decimals: 0,
            badFrom: DEAD_LETTERS_COUNT,
            interval: '15m',
            queries: [{ expr: `max (${increaseBy('reason', DEAD_LETTERS, HARMFUL)})` }],
          }),
        ],
        [
          4,
          bigNumber({
            title: 'Kafka records waiting',
            description: 'Records of the topic that are not committed yet (alert SurgewatchConsumerLagHigh).',
            unit: 'short',
            badFrom: CONSUMER_LAG_RECORDS,
            queries: [{ expr: orZero(`sum (${maxBy('topic, partition', LAG)})`) }],
          }),
        ],
        [
          4,
          bigNumber({
            title: 'Kafka partitions paused',
            description:
              'Wait for the database or for a person: 100 rejected records in a row pause one (alert SurgewatchPartitionPaused).',
            unit: 'short',
            badFrom: 1,
            queries: [{ expr: orZero(`sum (${maxBy('topic, partition', PAUSED)})`) }],
          }),
        ],
        [
          4,
          bigNumber({
            title: 'Kafka records lost',
            description:
              'Gone from the topic before they were read, or skipped by a person, within the last hour (alert SurgewatchRecordsSkipped).',
            unit: 'short',
            decimals: 0,
            badFrom: 1,
            interval: '1h',
            queries: [{ expr: orZero(increaseBy('', SKIPPED)) }],
          }),
        ],
      ],
    },
  ],
};

const intake: Section = {
  title: 'What came in, and what became of it',
  bands: [
    {
      height: 8,
      panels: [
        [
          8,
          graph({
            title: 'Received, by source',
            description:
              'Deliveries per second by the way they came. A source that falls to 0 while the API works is a sender that stopped.',
            unit: 'reqps',
            stacking: 'normal',
            queries: [{ expr: rateBy('source', RECEIVED), legend: '{{source}}' }],
          }),
        ],
        [
          8,
          graph({
            title: 'Stored and duplicate, by source',
            description:
              'Stored = a new row. Duplicate = stored before: a redelivery, a replay or a sender that resends; harmless.',
            unit: 'reqps',
            queries: [
              { expr: rateBy('source', 'surgewatch_envelopes_stored_total'), legend: 'stored {{source}}' },
              { expr: rateBy('source', 'surgewatch_envelopes_duplicate_total'), legend: 'duplicate {{source}}' },
            ],
          }),
        ],
        [
          8,
          graph({
            title: 'Rejected, by source and reason',
            description:
              'Deliveries per second that were refused, and why. The page of dead letters shows single ones, without their content.',
            unit: 'reqps',
            stacking: 'normal',
            queries: [
              { expr: orWords(`${rateBy('source, reason', REJECTED)} > 0`, 'reason', 'none'), legend: '{{source}} {{reason}}' },
            ],
          }),
        ],
      ],
    },
    {
      height: 7,
      panels: [
        [
          12,
          graph({
            title: 'New dead letters, by reason',
            description: `How many were recorded within each 15 minutes. Broken line: the alert's number, for one reason; it leaves out ${HARMLESS_REASONS.join(', ')}.`,
            unit: 'short',
            badFrom: DEAD_LETTERS_COUNT,
            interval: '15m',
            queries: [{ expr: orWords(`${increaseBy('reason', DEAD_LETTERS)} > 0`, 'reason', 'none'), legend: '{{reason}}' }],
          }),
        ],
        [
          12,
          graph({
            title: 'Envelopes counted as _other',
            description:
              'Stored envelopes per second for whose code and status no series was left. Their rows keep the code; graphs and this Prometheus do not. A rise = someone invents codes.',
            unit: 'cps',
            queries: [{ expr: rateBy('', 'surgewatch_label_overflow_total'), legend: 'without a series' }],
          }),
        ],
      ],
    },
  ],
};

const speed: Section = {
  title: 'How fast',
  bands: [
    {
      height: 8,
      panels: [
        [
          8,
          graph({
            title: 'Ingest latency, p50 and p99, by source',
            description:
              'From taking a delivery in to its COMMIT. A rise of both = the database is slow; of p99 alone = bursts wait for a lane.',
            unit: 's',
            queries: [
              { expr: quantile(0.5, 'surgewatch_ingest_latency_seconds', 'source'), legend: 'p50 {{source}}' },
              { expr: quantile(0.99, 'surgewatch_ingest_latency_seconds', 'source'), legend: 'p99 {{source}}' },
            ],
          }),
        ],
        [
          8,
          heat({
            title: 'Ingest latency, all of it',
            description: 'How many deliveries took how long. Two bands = two kinds of traffic, which an average would hide.',
            unit: 's',
            queries: [{ expr: increaseBy('le', 'surgewatch_ingest_latency_seconds_bucket'), legend: '{{le}}' }],
          }),
        ],
        [
          8,
          graph({
            title: 'Time in the database, p50 and p99',
            description: 'Seconds that one batch spent there, COMMIT included.',
            unit: 's',
            queries: [
              { expr: quantile(0.5, 'surgewatch_store_duration_seconds'), legend: 'p50' },
              { expr: quantile(0.99, 'surgewatch_store_duration_seconds'), legend: 'p99' },
            ],
          }),
        ],
      ],
    },
    {
      height: 7,
      panels: [
        [
          12,
          graph({
            title: 'Batch size, mean and p99',
            description: 'Deliveries written in one transaction: 1 to 10 when quiet; hundreds = it is catching up.',
            unit: 'short',
            queries: [
              {
                expr: `${rateBy('', 'surgewatch_batch_size_sum')} / ${rateBy('', 'surgewatch_batch_size_count')}`,
                legend: 'mean',
              },
              { expr: quantile(0.99, 'surgewatch_batch_size'), legend: 'p99' },
            ],
          }),
        ],
        [
          12,
          heat({
            title: 'Batch size, all of it',
            description: 'How many transactions had which size. A second band at the top = it is catching up with a backlog.',
            unit: 'short',
            queries: [{ expr: increaseBy('le', 'surgewatch_batch_size_bucket'), legend: '{{le}}' }],
          }),
        ],
      ],
    },
  ],
};

const kafka: Section = {
  title: 'Kafka',
  bands: [
    {
      height: 8,
      panels: [
        [
          10,
          graph({
            title: 'Records waiting, by Kafka partition',
            description: `Not committed yet. All rise together = ingest is slow; one rises alone = it is paused, or its key is hot. Broken line: the alert's number for the whole topic.`,
            unit: 'short',
            badFrom: CONSUMER_LAG_RECORDS,
            queries: [{ expr: orWords(maxBy('topic, partition', LAG), 'topic', NO_KAFKA), legend: '{{topic}} {{partition}}' }],
          }),
        ],
        [
          8,
          lanes({
            title: 'Paused Kafka partitions',
            description:
              'One lane a Kafka partition. Red = paused; after the database is back, only `surgewatch kafka resume` or `skip` ends it.',
            unit: 'short',
            words: { 0: ['reading', COLOUR.good], 1: ['paused', COLOUR.bad] },
            queries: [{ expr: orWords(maxBy('topic, partition', PAUSED), 'topic', NO_KAFKA), legend: '{{topic}} {{partition}}' }],
          }),
        ],
        [
          6,
          graph({
            title: 'Records lost or skipped',
            description: 'Gone from the topic before they were read, or skipped by a person, within each point.',
            unit: 'short',
            style: 'bars',
            queries: [
              { expr: orWords(increaseBy('topic, partition', SKIPPED), 'topic', 'none'), legend: '{{topic}} {{partition}}' },
            ],
          }),
        ],
      ],
    },
  ],
};

const detector: Section = {
  title: 'Detector and alerts',
  bands: [
    {
      height: 8,
      panels: [
        [
          8,
          graph({
            title: 'Last tick of the detector, ago',
            description:
              "Seconds since each replica's loop finished a tick, leading or not. A line that climbs is a loop that hangs.",
            unit: 's',
            badFrom: DETECTOR_STALE_SECONDS,
            queries: [{ expr: `time() - ${maxBy('instance', LAST_RUN)}`, legend: '{{instance}}' }],
          }),
        ],
        [
          8,
          lanes({
            title: 'Database, leader, blind: over time',
            description:
              'A lane each. Database = every replica has it. Leader = a replica leads. Not blind = the detector is less than 2 minutes behind. Red = not so.',
            unit: 'short',
            words: { 0: ['no', COLOUR.bad], 1: ['yes', COLOUR.good] },
            queries: [
              { expr: `min (${select('surgewatch_database_up')})`, legend: 'database up' },
              { expr: `clamp_max(sum (${select('surgewatch_detector_leader')}), 1)`, legend: 'a replica leads' },
              { expr: `1 - ${maxBy('', 'surgewatch_detector_blind')}`, legend: 'not blind' },
            ],
          }),
        ],
        [
          8,
          graph({
            title: 'Alerts pushed, by result',
            description:
              'Per second and Alertmanager, the watchdog included. Rejected = Alertmanager answered that the alert is not valid; failed = it did not answer.',
            unit: 'cps',
            stacking: 'normal',
            queries: [{ expr: rateBy('result', PUSHES), legend: '{{result}}' }],
          }),
        ],
      ],
    },
  ],
};

const cost: Section = {
  title: 'What the process costs',
  bands: [
    {
      height: 7,
      panels: [
        [
          8,
          graph({
            title: 'CPU',
            description: 'Cores used by each replica, without its database. 100 % = one whole core.',
            unit: 'percentunit',
            queries: [{ expr: rateBy('instance', 'process_cpu_seconds_total'), legend: '{{instance}}' }],
          }),
        ],
        [
          8,
          graph({
            title: 'Memory',
            description:
              "Resident memory, and the part of it that is JavaScript's heap. It levels out; a steady climb over hours is a leak.",
            unit: 'bytes',
            queries: [
              { expr: maxBy('instance', 'process_resident_memory_bytes'), legend: 'resident {{instance}}' },
              { expr: maxBy('instance', 'nodejs_heap_size_used_bytes'), legend: 'heap {{instance}}' },
            ],
          }),
        ],
        [
          8,
          graph({
            title: 'Event loop lag, p50 and p99',
            description: 'How late a timer runs. Above some 100 ms answers are late and Kafka heartbeats are at risk.',
            unit: 's',
            queries: [
              { expr: maxBy('instance', 'nodejs_eventloop_lag_p50_seconds'), legend: 'p50 {{instance}}' },
              { expr: maxBy('instance', 'nodejs_eventloop_lag_p99_seconds'), legend: 'p99 {{instance}}' },
            ],
          }),
        ],
      ],
    },
    {
      height: 6,
      panels: [
        [
          8,
          graph({
            title: 'Garbage collection',
            description: 'Share of the time each replica spends collecting garbage, by kind.',
            unit: 'percentunit',
            queries: [{ expr: rateBy('instance, kind', 'nodejs_gc_duration_seconds_sum'), legend: '{{kind}} {{instance}}' }],
          }),
        ],
        [
          8,
          graph({
            title: 'Time since start',
            description: 'A line that falls to 0 is a restart; they are marked in every graph too.',
            unit: 's',
            queries: [{ expr: `time() - ${maxBy('instance', 'process_start_time_seconds')}`, legend: '{{instance}}' }],
          }),
        ],
        [
          8,
          rows(
            {
              title: 'What runs',
              description: 'Version of surgewatch and of Node, a row a replica. Two versions = an update is under way, or stuck.',
              unit: 'short',
              queries: [{ expr: maxBy('instance, version, node', 'surgewatch_build_info') }],
            },
            { instance: 'Instance', version: 'surgewatch', node: 'Node', Value: 'Up' },
          ),
        ],
      ],
    },
  ],
};

const restarts = new dashboard.AnnotationQueryBuilder()
  .name('Restarts')
  .datasource(DATASOURCE)
  .enable(true)
  .iconColor('purple')
  .target(new prometheus.DataqueryBuilder().refId('Restarts').expr(restartsExpression()).range())
  .expr(restartsExpression())
  .titleFormat('{{instance}} restarted')
  .step('60s');

function restartsExpression(): string {
  return `changes(${select('process_start_time_seconds')}[$__rate_interval]) > 0`;
}

export const surgewatch: DashboardSpec = {
  uid: 'surgewatch-itself',
  title: 'surgewatch itself',
  description: 'Is the watcher well? What came in, what became of it, how fast, and whether alerts get out.',
  span: '3h',
  hasCodeVariable: false,
  annotations: [restarts],
  link: new dashboard.DashboardLinkBuilder('API errors')
    .type(dashboard.DashboardLinkType.Link)
    .url('/d/surgewatch-api-errors')
    .keepTime(true)
    .tooltip('What the API answers, against what is normal'),
  sections: [well, intake, speed, kafka, detector, cost],
};
