/**
 * The watched API's errors. The first screen answers "is anything wrong now, and which code"; below it stand what is
 * normal, whose fault it is, the spikes, and each code on its own.
 */
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import type { DashboardSpec, Section } from './layout.ts';
import { bigNumber, COLOUR, codeLink, DATASOURCE, graph, graphAgainstNormal, lanes, rows } from './panels.ts';
import {
  CLIENT_FAULT,
  CODES,
  DAY_BEFORE,
  hourlyRateBy,
  increaseBy,
  maxBy,
  orWords,
  orZero,
  rateBy,
  SERVER_FAULT,
  select,
  WEEK_BEFORE,
} from './queries.ts';
import { DETECTOR_STALE_SECONDS, SURGE_FACTOR } from './thresholds.ts';

/** Counts are smoothed over this where a number stands for "now", so that one request does not turn a panel red. */
const NOW = '5m';
/** Errors per second below which a factor says nothing: with an expectation near 0 the first error would be 1000 times normal. */
const FACTOR_FLOOR_PER_SECOND = 1 / 60;

const ERRORS = 'surgewatch_errors_total';
const EXPECTED = 'surgewatch_expected_errors_per_second';
const SPIKE = 'surgewatch_spike_active';

const observedByCode = rateBy('code', ERRORS, CODES);
const expectedByCode = maxBy('code', EXPECTED, CODES);
const expectedInAll = `sum (${expectedByCode})`;
const timesNormal = `${observedByCode} / clamp_min(${expectedByCode}, ${FACTOR_FLOOR_PER_SECOND.toFixed(4)})`;
const tickAge = `time() - max (${select('surgewatch_detector_last_run_timestamp_seconds')})`;

const now: Section = {
  title: 'Is anything wrong now, and which code?',
  bands: [
    {
      height: 5,
      panels: [
        [
          8,
          bigNumber({
            title: 'Open spikes',
            description:
              'The codes that surge now, by name: the detector sees more of them than is normal at this time of day. Green = no code does. Click a name to open its page.',
            unit: 'short',
            shows: 'name',
            badFrom: 1,
            opensCode: true,
            queries: [{ expr: orWords(maxBy('code, status', SPIKE), 'code', 'No open spike'), legend: '{{code}} {{status}}' }],
          }),
        ],
        [
          4,
          bigNumber({
            title: 'Is the detector watching?',
            description:
              'Before you trust a green board: Watching = the detector finished a tick within the last minute and is not behind. Behind = it runs, but on counts more than 2 minutes old. Not watching = no spike can open; see the dashboard "surgewatch itself".',
            unit: 'short',
            words: { 0: ['Watching', COLOUR.good], 1: ['Behind', COLOUR.watch], 2: ['Not watching', COLOUR.bad] },
            badFrom: 1,
            queries: [
              {
                expr: `clamp_max(2 * (${tickAge} > bool ${DETECTOR_STALE_SECONDS}) + max (${select('surgewatch_detector_blind')}), 2) or on() vector(2)`,
              },
            ],
          }),
        ],
        [
          4,
          bigNumber({
            title: 'Server errors now',
            description:
              "Errors per second whose status is 5xx or unknown: the API's own fault. All codes, smoothed over 5 minutes, with their course over the time shown.",
            unit: 'cps',
            hasSparkline: true,
            colour: COLOUR.server,
            interval: NOW,
            queries: [{ expr: orZero(rateBy('', ERRORS, SERVER_FAULT)), legend: '5xx and unknown' }],
          }),
        ],
        [
          4,
          bigNumber({
            title: 'Client errors now',
            description:
              'Errors per second whose status is 4xx: the client must change its request. A surge of one 4xx code still often is our change that broke a client.',
            unit: 'cps',
            hasSparkline: true,
            colour: COLOUR.client,
            interval: NOW,
            queries: [{ expr: orZero(rateBy('', ERRORS, CLIENT_FAULT)), legend: '4xx' }],
          }),
        ],
        [
          4,
          bigNumber({
            title: 'All errors, of normal',
            description:
              'All chosen codes together as a share of what the detector expects at this time of day: 100 % is normal. It says how large the whole thing is, not whether one code surges.',
            unit: 'percentunit',
            decimals: 0,
            interval: NOW,
            colour: COLOUR.off,
            words: { '-1': ['No baseline yet', COLOUR.off] },
            queries: [
              {
                expr: `${rateBy('', ERRORS, CODES)} / clamp_min(${expectedInAll}, ${FACTOR_FLOOR_PER_SECOND.toFixed(4)}) or on() vector(-1)`,
              },
            ],
          }),
        ],
      ],
    },
    {
      height: 10,
      panels: [
        [
          12,
          rows(
            {
              title: 'Which codes, the most unusual first',
              description:
                'Every chosen code now (5 minutes): errors per second, what the detector expects, how many times that is, and its share of all errors. "Spike" marks what the detector calls a surge. Click a code to open its page.',
              unit: 'short',
              decimals: 2,
              interval: NOW,
              queries: [
                { expr: `${maxBy('code', SPIKE, CODES)} or on(code) 0 * sum by (code) (${select(ERRORS, CODES)})` },
                { expr: observedByCode },
                { expr: expectedByCode },
                { expr: timesNormal },
                { expr: `${observedByCode} / on() group_left() sum (${observedByCode})` },
              ],
            },
            {
              code: 'Code',
              'Value #A': 'Spike',
              'Value #B': 'Errors/s',
              'Value #C': 'Expected/s',
              'Value #D': 'Times normal',
              'Value #E': 'Share',
            },
          )
            .sortBy([sortedDown('Spike'), sortedDown('Times normal')])
            .overrideByName('code', [{ id: 'links', value: [codeLink('cell').build()] }])
            .overrideByName('Value #A', [
              {
                id: 'mappings',
                value: [{ type: 'value', options: { 0: { text: '–' }, 1: { text: 'SPIKE', color: COLOUR.bad } } }],
              },
              { id: 'custom.cellOptions', value: { type: 'color-text' } },
              { id: 'custom.width', value: 80 },
            ])
            .overrideByName('Value #D', [
              { id: 'decimals', value: 1 },
              {
                id: 'thresholds',
                value: {
                  mode: 'absolute',
                  steps: [
                    { value: null, color: 'text' },
                    { value: SURGE_FACTOR, color: COLOUR.bad },
                  ],
                },
              },
              { id: 'custom.cellOptions', value: { type: 'color-text' } },
            ])
            .overrideByName('Value #E', [
              { id: 'unit', value: 'percentunit' },
              { id: 'decimals', value: 0 },
            ]),
        ],
        [
          12,
          graph({
            title: 'Errors per second, by code and status',
            description:
              'When did it start, and which code? Each dot is one real request: click it, then "Look up request", and you stand before its envelope. Shaded spans = open spikes.',
            unit: 'cps',
            opensCode: true,
            hasLegendTable: true,
            queries: [{ expr: rateBy('code, status', ERRORS, CODES), legend: '{{code}} {{status}}', hasExemplars: true }],
          }),
        ],
      ],
    },
  ],
};

const againstNormal: Section = {
  title: 'Now against normal',
  bands: [
    {
      height: 9,
      panels: [
        [
          12,
          graphAgainstNormal({
            title: 'The chosen codes together, against normal',
            description:
              'Line = what comes. Grey area = what the detector expects of this time of day. Broken lines = the same hour a day and a week before (drawn once Prometheus has kept that long). Choose one code above to see it alone.',
            unit: 'cps',
            queries: [{ expr: rateBy('', ERRORS, CODES), legend: 'observed', hasExemplars: true }],
            normal: {
              expected: expectedInAll,
              dayBefore: hourlyRateBy('', ERRORS, DAY_BEFORE, CODES),
              weekBefore: hourlyRateBy('', ERRORS, WEEK_BEFORE, CODES),
            },
          }),
        ],
        [
          12,
          graph({
            title: 'Times normal, by code',
            description: `Errors per second divided by what the detector expects (of at least one a minute). Broken line at ${SURGE_FACTOR}: from there the Prometheus rules, which know no time of day, call it a surge. The detector opens earlier for steady codes and later for restless ones.`,
            unit: 'short',
            badFrom: SURGE_FACTOR,
            opensCode: true,
            interval: NOW,
            queries: [{ expr: orWords(timesNormal, 'code', 'no baseline yet'), legend: '{{code}}' }],
          }),
        ],
      ],
    },
  ],
};

const fault: Section = {
  title: 'Whose fault',
  bands: [
    {
      height: 8,
      panels: [
        [
          8,
          graph({
            title: 'Server errors (5xx and unknown), by code',
            description: "The API's fault: retry or fix it. Unknown = neither the producer nor the catalogue states a status.",
            unit: 'cps',
            stacking: 'normal',
            opensCode: true,
            queries: [
              {
                expr: orWords(rateBy('code, status', ERRORS, `${CODES}, ${SERVER_FAULT}`), 'code', 'none'),
                legend: '{{code}} {{status}}',
                hasExemplars: true,
              },
            ],
          }),
        ],
        [
          8,
          graph({
            title: 'Client errors (4xx), by code',
            description:
              "The client's request must change. A surge of one code usually is one client, or our release that broke many.",
            unit: 'cps',
            stacking: 'normal',
            opensCode: true,
            queries: [
              {
                expr: orWords(rateBy('code, status', ERRORS, `${CODES}, ${CLIENT_FAULT}`), 'code', 'none'),
                legend: '{{code}} {{status}}',
                hasExemplars: true,
              },
            ],
          }),
        ],
        [
          8,
          graph({
            title: 'Share of each code',
            description:
              'How the errors divide among the codes. A change of the mix without a change of the sum is a change in the API or in its clients.',
            unit: 'cps',
            stacking: 'percent',
            opensCode: true,
            interval: NOW,
            queries: [{ expr: observedByCode, legend: '{{code}}' }],
          }),
        ],
      ],
    },
  ],
};

const spikes: Section = {
  title: 'Spikes and what is inside',
  bands: [
    {
      height: 8,
      panels: [
        [
          12,
          lanes({
            title: 'Spikes over time',
            description: 'One lane a spike, from its opening to its resolve. Red = pending or firing.',
            unit: 'short',
            opensCode: true,
            words: { 0: ['none', COLOUR.good], 1: ['spike', COLOUR.bad] },
            queries: [{ expr: orWords(maxBy('code, status', SPIKE), 'code', 'No open spike'), legend: '{{code}} {{status}}' }],
          }),
        ],
        [
          6,
          graph({
            title: 'Spikes opened, by kind',
            description:
              'How many spikes opened within each point: a code surges, is new, is back after days, fell silent, or all codes rose together (traffic, not one fault).',
            unit: 'short',
            style: 'bars',
            stacking: 'normal',
            interval: NOW,
            queries: [{ expr: increaseBy('kind', 'surgewatch_spikes_total'), legend: '{{kind}}' }],
          }),
        ],
        [
          6,
          graph({
            title: 'Validation errors, by field',
            description:
              'What stands inside the VALIDATION_ERROR envelopes: which field fails by which rule. One field that rises alone is a form or an SDK that changed.',
            unit: 'cps',
            stacking: 'normal',
            queries: [
              {
                expr: orWords(`topk(10, ${rateBy('field, code', 'surgewatch_validation_field_errors_total')})`, 'field', 'none'),
                legend: '{{field}} {{code}}',
              },
            ],
          }),
        ],
      ],
    },
  ],
};

const eachCode: Section = {
  title: 'Each code on its own (open me; with many codes, choose some above first)',
  isCollapsed: true,
  bands: [
    {
      height: 7,
      panels: [
        [
          8,
          graphAgainstNormal({
            title: `$code, against normal`,
            description:
              'Line = what comes; grey area = expected by the detector; broken lines = the same hour a day and a week before.',
            unit: 'cps',
            opensCode: true,
            queries: [{ expr: rateBy('code, status', ERRORS, CODES), legend: '{{code}} {{status}}', hasExemplars: true }],
            normal: {
              expected: expectedInAll,
              dayBefore: hourlyRateBy('', ERRORS, DAY_BEFORE, CODES),
              weekBefore: hourlyRateBy('', ERRORS, WEEK_BEFORE, CODES),
            },
          })
            .repeat('code')
            .repeatDirection('h')
            .maxPerRow(3),
        ],
      ],
    },
  ],
};

function sortedDown(displayName: string) {
  return { build: () => ({ displayName, desc: true }) };
}

const spikeSpans = new dashboard.AnnotationQueryBuilder()
  .name('Spikes')
  .datasource(DATASOURCE)
  .enable(true)
  .iconColor(COLOUR.bad)
  .target(
    new prometheus.DataqueryBuilder()
      .refId('Spikes')
      .expr(`${maxBy('code, status', SPIKE, CODES)} == 1`)
      .range(),
  )
  .expr(`${maxBy('code, status', SPIKE, CODES)} == 1`)
  .titleFormat('{{code}} {{status}} surges')
  .step('60s');

export const apiErrors: DashboardSpec = {
  uid: 'surgewatch-api-errors',
  title: 'API errors',
  description: 'What errors the API answers, against what is normal, code by code; a click leads to the requests behind them.',
  span: '6h',
  hasCodeVariable: true,
  annotations: [spikeSpans],
  link: new dashboard.DashboardLinkBuilder('surgewatch itself')
    .type(dashboard.DashboardLinkType.Link)
    .url('/d/surgewatch-itself')
    .keepTime(true)
    .tooltip('Is the watcher well?'),
  sections: [now, againstNormal, fault, spikes, eachCode],
};
