/** What surgewatch hangs on and what it costs: Kafka, the detector with its way to Alertmanager, the process. */
import type { Section } from './layout.ts';
import { COLOUR, graph, lanes, rows } from './panels.ts';
import { increaseBy, maxBy, orWords, rateBy, select } from './queries.ts';
import { LAG, LAST_RUN, NO_KAFKA, PAUSED, PUSHES, SKIPPED } from './surgewatch-queries.ts';
import { CONSUMER_LAG_RECORDS, DETECTOR_STALE_SECONDS } from './thresholds.ts';

export const kafka: Section = {
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

export const detector: Section = {
  title: 'Detector and alerts',
  bands: [
    {
      height: 8,
      panels: [
        [
          5,
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
          5,
          lanes({
            title: 'Database, leader, blind, traffic: over time',
            description:
              'A lane each. Database = every replica has it. Leader = a replica leads. Not blind = the detector is less than 2 minutes behind. Traffic known = Prometheus answers TRAFFIC_PROMQL, which is optional. Red = not so.',
            unit: 'short',
            words: { '-1': ['not configured', COLOUR.off], 0: ['no', COLOUR.bad], 1: ['yes', COLOUR.good] },
            queries: [
              { expr: `min (${select('surgewatch_database_up')})`, legend: 'database up' },
              { expr: `clamp_max(sum (${select('surgewatch_detector_leader')}), 1)`, legend: 'a replica leads' },
              { expr: `1 - ${maxBy('', 'surgewatch_detector_blind')}`, legend: 'not blind' },
              { expr: `${maxBy('', 'surgewatch_traffic_up')} or on() vector(-1)`, legend: 'traffic known' },
            ],
          }),
        ],
        [
          4,
          graph({
            title: 'Waiting for a database connection',
            description:
              'Who waits for a connection, by pool, at the moment of a scrape. A line that stays up is a slow database or connections that are not given back.',
            unit: 'short',
            queries: [
              {
                expr: `max by (instance, pool) (${select('surgewatch_database_connections', 'state="waiting"')})`,
                legend: '{{instance}} {{pool}}',
              },
            ],
          }),
        ],
        [
          5,
          graph({
            title: 'Traffic, times usual',
            description:
              'What expected errors are multiplied by: 1 = as busy as usual at this time of day, or not known. Needs TRAFFIC_PROMQL.',
            unit: 'short',
            queries: [
              {
                expr: orWords(maxBy('', 'surgewatch_traffic_factor'), 'traffic', 'not configured'),
                legend: 'traffic {{traffic}}',
              },
            ],
          }),
        ],
        [
          5,
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

export const cost: Section = {
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
