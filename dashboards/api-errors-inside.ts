/** Whose fault it is, the spikes over time, and what is inside. */
import { ERRORS, NOW, observedByCode, SPIKE } from './api-errors-queries.ts';
import type { Section } from './layout.ts';
import { COLOUR, graph, lanes } from './panels.ts';
import { CLIENT_FAULT, CODES, increaseBy, maxBy, orWords, rateBy, SERVER_FAULT } from './queries.ts';

export const fault: Section = {
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

export const spikes: Section = {
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
