/** The first screen: is anything wrong now, and which code. */
import {
  ERRORS,
  expectedByCode,
  expectedInAll,
  FACTOR_FLOOR_PER_SECOND,
  NOW,
  observedByCode,
  SPIKE,
  timesNormal,
} from './api-errors-queries.ts';
import type { Section } from './layout.ts';
import { bigNumber, COLOUR, codeLink, graph, rows } from './panels.ts';
import { CLIENT_FAULT, CODES, maxBy, orWords, orZero, rateBy, SERVER_FAULT, select } from './queries.ts';
import { DETECTOR_STALE_SECONDS, SURGE_FACTOR } from './thresholds.ts';

const tickAge = `time() - max (${select('surgewatch_detector_last_run_timestamp_seconds')})`;

export const now: Section = {
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

function sortedDown(displayName: string) {
  return { build: () => ({ displayName, desc: true }) };
}
