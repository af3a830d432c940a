/** The table of a backtest as people read it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { layOutReport, type Report, renderReport } from '../../../src/cli/backtest-report.ts';
import { createPeaks } from '../../../src/cli/terminal-chart.ts';
import type { ReplayedSpike } from '../../../src/detect/spike-list.ts';

const START = Date.UTC(2026, 10, 1) / 1000;
const DAY = 24 * 3600;
const WEEK = 7 * DAY;
const span = { startSeconds: START, endSeconds: START + WEEK };

function spikeOf(code: string, days: number, minutes: number | null): ReplayedSpike {
  const startsAtSeconds = START + days * DAY;
  const closedAtSeconds = minutes === null ? null : startsAtSeconds + minutes * 60;
  const evidence = { observed: 312, expected: 12.4, windowSeconds: 300, score: 9.84 };
  return { code, startsAtSeconds, openedAtSeconds: startsAtSeconds + 60, closedAtSeconds, ...evidence };
}
const TWICE = [spikeOf('PAYMENT_FAILED', 1, 35), spikeOf('PAYMENT_FAILED', 3.5, 130)];
const ONCE = spikeOf('TOKEN_EXPIRED', 6.99, null);

function report(given: Partial<Report> & { readonly columns?: number } = {}): Report {
  const codes = ['PAYMENT_FAILED', 'TOKEN_EXPIRED'];
  const layout = layOutReport({ columns: given.columns ?? 80, codes, isCompared: given.now !== undefined });
  const chart = { ...span, columnCount: layout.chartColumns };
  const peaks = createPeaks(chart);
  for (const code of codes) for (let at = START; at < span.endSeconds; at += 600) peaks.add(code, at, at % 7000 === 0 ? 9 : 3);
  return {
    span,
    warmUpSeconds: 14 * DAY,
    collectedSeconds: WEEK,
    bucketSeconds: 60,
    erringCodeCount: 5,
    severityOf: null,
    next: { words: 'preset standard', threshold: 4.2, spikes: [...TWICE, ONCE] },
    now: null,
    budget: 1,
    layout,
    chart,
    peaks,
    isColoured: false,
    ...given,
  };
}

describe('the report of a backtest', () => {
  test('says what was replayed, lists the spikes, then the codes with the noisiest first, then the pages a week', () => {
    const lines = renderReport(report());
    assert.deepEqual(lines.slice(0, 8), [
      '2026-11-01 00:00 to 2026-11-08 00:00 UTC, all of it collected, 14d before it to warm up on.',
      'Buckets of 60 s, preset standard (threshold 4.2).',
      '',
      'code            since (UTC)       lasting  observed  expected  ratio  score',
      'PAYMENT_FAILED  2026-11-02 00:00      35m       312      12.4  25.2x    9.8',
      'PAYMENT_FAILED  2026-11-04 12:00   2h 10m       312      12.4  25.2x    9.8',
      'TOKEN_EXPIRED   2026-11-07 23:45     >14m       312      12.4  25.2x    9.8',
      '',
    ]);
    assert.match(lines[8] ?? '', /^code {12}spikes {2}lasting {2}a week {2}busiest 10m of each 4h 18m$/);
    assert.match(lines[9] ?? '', /^PAYMENT_FAILED {7}2 {3}2h 45m {7}2 {2}[▁▂▃▄▅▆▇█]{39}$/);
    assert.equal((lines[10] ?? '').indexOf('^'), 41 + 5, 'a seventh of the chart after its first column');
    assert.match(lines[11] ?? '', /^TOKEN_EXPIRED/);
    assert.equal(lines[12], `${' '.repeat(79)}^`);
    assert.equal(lines[13], '3 more codes had errors and no spike.');
    assert.equal(
      lines.at(-1),
      '3 spikes of 2 codes in 7d: 3 pages a week, with cause or without; the budget for those without is 1.',
    );
  });
  test('fills the width that there is with its charts, and no more', () => {
    for (const columns of [64, 80, 132]) {
      const bars = renderReport(report({ columns })).filter((line) => /[▁▂▃▄▅▆▇█]/.test(line));
      assert.deepEqual(
        bars.map((line) => [...line].length),
        [columns, columns],
      );
    }
  });
  test('marks what another budget would bring and take, by sign and not only by colour', () => {
    const now = { words: 'FALSE_PAGES_PER_WEEK=1', threshold: 4.6, spikes: TWICE };
    const next = { words: '--false-pages-per-week 5', threshold: 4.1, spikes: [...TWICE.slice(0, 1), ONCE] };
    const lines = renderReport(report({ now, next, budget: 5 }));
    assert.equal(
      lines[1],
      'Buckets of 60 s, --false-pages-per-week 5 (threshold 4.1) beside the current FALSE_PAGES_PER_WEEK=1 (threshold 4.6).',
    );
    assert.deepEqual(
      lines.slice(4, 7).map((line) => line.slice(0, 20)),
      ['   PAYMENT_FAILED  2', '-  PAYMENT_FAILED  2', '+  TOKEN_EXPIRED   2'],
    );
    assert.match(lines[8] ?? '', /^code +spikes {2}now /);
    assert.match(lines[9] ?? '', /^PAYMENT_FAILED +1 +2 /);
    assert.equal(lines.at(-1), '+ 1 would come, - 1 would go, 1 would stay.');
  });
  test('still names a code that another budget would silence', () => {
    const now = { words: 'now', threshold: 4, spikes: [ONCE] };
    const lines = renderReport(report({ now, next: { words: 'next', threshold: 9, spikes: [] } }));
    assert.ok(lines.some((line) => /^TOKEN_EXPIRED +0 +1 +0s +0 /.test(line)));
  });
  test('colours on request only, and then the bars of a spike too', () => {
    const plain = renderReport(report());
    const coloured = renderReport(report({ isColoured: true }));
    const escapes = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g');
    assert.deepEqual(
      coloured.map((line) => line.replace(escapes, '')),
      plain,
    );
    assert.match(coloured[9] ?? '', /\[31m[▁▂▃▄▅▆▇█]/);
  });
  test('says what was not collected, and that nothing would have been raised', () => {
    const lines = renderReport(
      report({ collectedSeconds: WEEK - 3 * 3600, warmUpSeconds: 0, next: { words: 'x', threshold: 5, spikes: [] } }),
    );
    assert.match(lines[0] ?? '', /3h of it not collected, nothing before it to warm up on\.$/);
    assert.equal(lines[3], 'No spike would have been raised.');
    assert.match(lines.at(-1) ?? '', /^0 spikes of 0 codes in 7d: 0 pages a week/);
  });

  test('says how grave each spike is, when a catalogue was given', () => {
    const lines = renderReport(report({ severityOf: (code) => (code === 'TOKEN_EXPIRED' ? null : 'critical') }));
    assert.deepEqual(
      lines.slice(3, 7).map((line) => line.slice(0, 43)),
      [
        'code            severity  since (UTC)      ',
        'PAYMENT_FAILED  critical  2026-11-02 00:00 ',
        'PAYMENT_FAILED  critical  2026-11-04 12:00 ',
        'TOKEN_EXPIRED   –         2026-11-07 23:45 ',
      ],
    );
  });
});
