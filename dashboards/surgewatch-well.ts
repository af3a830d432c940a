/** The first screen of the watcher itself: twelve numbers, each green or red at the number of its alert. */
import type { Section } from './layout.ts';
import { bigNumber, COLOUR } from './panels.ts';
import { increaseBy, maxBy, orZero, rateBy, select } from './queries.ts';
import {
  CONSUMER_UP,
  DEAD_LETTERS,
  HARMFUL,
  LAG,
  LAST_RUN,
  PAUSED,
  PUSHES,
  RECEIVED,
  REJECTED,
  SKIPPED,
} from './surgewatch-queries.ts';
import {
  CONSUMER_LAG_RECORDS,
  DEAD_LETTERS_COUNT,
  DETECTOR_STALE_SECONDS,
  HARMLESS_REASONS,
  PUSHES_FAILED_RATIO,
  REJECTED_RATIO,
} from './thresholds.ts';

export const well: Section = {
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
