/** What is normal, for all chosen codes together and for each on its own. */
import { ERRORS, expectedInAll, NOW, timesNormal } from './api-errors-queries.ts';
import type { Section } from './layout.ts';
import { graph, graphAgainstNormal } from './panels.ts';
import { CODES, DAY_BEFORE, hourlyRateBy, orWords, rateBy, WEEK_BEFORE } from './queries.ts';
import { SURGE_FACTOR } from './thresholds.ts';

export const againstNormal: Section = {
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

export const eachCode: Section = {
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
