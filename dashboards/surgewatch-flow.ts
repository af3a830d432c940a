/** What came in, what became of it, and how fast. */
import type { Section } from './layout.ts';
import { graph, heat } from './panels.ts';
import { increaseBy, orWords, quantile, rateBy } from './queries.ts';
import { DEAD_LETTERS, RECEIVED, REJECTED } from './surgewatch-queries.ts';
import { DEAD_LETTERS_COUNT, HARMLESS_REASONS } from './thresholds.ts';

export const intake: Section = {
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
          6,
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
          6,
          graph({
            title: 'Envelopes counted as _other',
            description:
              'Stored envelopes per second for whose code and status no series was left. Their rows keep the code; graphs and this Prometheus do not. A rise = someone invents codes.',
            unit: 'cps',
            queries: [{ expr: rateBy('', 'surgewatch_label_overflow_total'), legend: 'without a series' }],
          }),
        ],
        [
          6,
          graph({
            title: 'Mended for storing, by change',
            description:
              'Stored envelopes per second in which something was changed, and what. Redacted is everyday; another one that rises = a sender makes a new mistake.',
            unit: 'cps',
            queries: [
              {
                expr: orWords(`${rateBy('change', 'surgewatch_envelopes_sanitized_total')} > 0`, 'change', 'none'),
                legend: '{{change}}',
              },
            ],
          }),
        ],
        [
          6,
          graph({
            title: 'Other bodies under a stored identity',
            description:
              'Duplicates within each 15 minutes that said something else than what is stored; the first is kept. A rise = a requestId is used twice, or someone invents errors.',
            unit: 'short',
            interval: '15m',
            queries: [{ expr: increaseBy('source', 'surgewatch_envelope_conflicts_total'), legend: '{{source}}' }],
          }),
        ],
      ],
    },
  ],
};

export const speed: Section = {
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
