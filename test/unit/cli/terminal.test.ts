/** What a verb shows on a terminal: tables, charts, words, progress. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createPeaks, drawBars, markedColumns } from '../../../src/cli/terminal-chart.ts';
import { createProgress, progressText } from '../../../src/cli/terminal-progress.ts';
import { renderTable, shorten } from '../../../src/cli/terminal-table.ts';
import { sayCount, sayFigure, sayLasting, sayMinute } from '../../../src/cli/terminal-words.ts';

describe('a table', () => {
  test('lines its columns up by characters, without spaces at the end', () => {
    const columns = [
      { head: 'code', align: 'left' } as const,
      { head: 'n', align: 'right' } as const,
      { head: '', align: 'left' } as const,
    ];
    assert.deepEqual(
      renderTable(columns, [
        ['A', '12', '▁█'],
        ['LONGER', '3', ''],
      ]),
      ['code     n', 'A       12  ▁█', 'LONGER   3'],
    );
  });
  test('shortens what is too long, visibly', () => {
    assert.equal(shorten('PAYMENT', 7), 'PAYMENT');
    assert.equal(shorten('PAYMENTS', 7), 'PAYMEN…');
  });
});

describe('a chart', () => {
  const span = { startSeconds: 1000, endSeconds: 1400, columnCount: 4 };
  test('shows the busiest ten minutes of each column, however long the column is', () => {
    const peaks = createPeaks({ startSeconds: 0, endSeconds: 7200, columnCount: 2 });
    for (const [at, count] of [
      [0, 5],
      [540, 4],
      [600, 8],
      [3600, 3],
      [7190, 1],
    ] as const)
      peaks.add('A', at, count);
    assert.deepEqual(peaks.of('A'), [9, 3]);
  });
  test('shows a short column as it is, the tallest bar for the largest', () => {
    const peaks = createPeaks(span);
    for (const [at, count] of [
      [1000, 1],
      [1050, 70],
      [1099, 3],
      [1100, 0],
      [1399, 37],
    ] as const)
      peaks.add('A', at, count);
    assert.deepEqual(peaks.of('A'), [74, 0, null, 37]);
    assert.equal(drawBars(peaks.of('A')), '█▁·▅');
    assert.equal(drawBars(peaks.of('UNSEEN')), '····');
  });
  test('of zeros is flat', () => assert.equal(drawBars([0, 0]), '▁▁'));
  test('shows anything above zero above the ground', () => assert.equal(drawBars([1, 1000]), '▂█'));
  test('marks every column that a spike touches, and no other', () => {
    assert.deepEqual(markedColumns(span, [{ startSeconds: 1050, endSeconds: 1200 }]), [true, true, false, false]);
    assert.deepEqual(markedColumns(span, [{ startSeconds: 1200, endSeconds: 1201 }]), [false, false, true, false]);
    assert.deepEqual(markedColumns(span, [{ startSeconds: 900, endSeconds: 1010 }]), [true, false, false, false], 'began before');
    assert.deepEqual(markedColumns(span, [{ startSeconds: 1399, endSeconds: 9999 }]), [false, false, false, true], 'goes on');
  });
});

describe('words', () => {
  test('say how long in the largest unit that fits, and the next', () => {
    const said = [0, 59, 60, 35 * 60, 3600, 2 * 3600 + 10 * 60, 86_400, 3 * 86_400 + 4 * 3600, 30 * 86_400].map(sayLasting);
    assert.deepEqual(said, ['0s', '59s', '1m', '35m', '1h', '2h 10m', '1d', '3d 4h', '30d']);
  });
  test('round up into the next unit instead of showing sixty of the smaller', () => {
    assert.equal(sayLasting(3599), '1h');
    assert.equal(sayLasting(86_399), '1d');
  });
  test('say figures as precisely as they count', () => {
    assert.deepEqual([0.034, 2.25, 25.16, 100.4, 12_345.6, Number.POSITIVE_INFINITY].map(sayFigure), [
      '0.03',
      '2.3',
      '25.2',
      '100',
      '12346',
      '-',
    ]);
    assert.equal(sayMinute(Date.UTC(2026, 10, 3, 14, 2, 59) / 1000), '2026-11-03 14:02');
    assert.deepEqual([sayCount(1, 'spike'), sayCount(0, 'spike')], ['1 spike', '0 spikes']);
  });
});

describe('progress', () => {
  function follow(isTTY: boolean, columns = 80) {
    const written: string[] = [];
    let nowMs = 0;
    const stream = { isTTY, columns, write: (text: string) => void written.push(text) };
    const progress = createProgress({ stream, unit: 'buckets', monotonicMs: () => nowMs });
    const at = (ms: number, share: number, done: number) => {
      nowMs = ms;
      progress.update(share, done);
    };
    return { written, at, end: progress.end };
  }
  test('tells share, speed and what is left', () => {
    assert.equal(
      progressText({ share: 0.25, doneCount: 3_000_000, unit: 'buckets', elapsedMs: 2000 }),
      ' 25 %, 1.5 M buckets/s, 6s left',
    );
    assert.equal(progressText({ share: 0, doneCount: 0, unit: 'buckets', elapsedMs: 2000 }), '  0 %');
  });
  test('redraws its bar on a terminal, not more than ten times a second, and takes it away', () => {
    const { written, at, end } = follow(true);
    at(0, 0, 0);
    at(50, 0.1, 10);
    at(100, 0.5, 50);
    end();
    assert.equal(written.length, 3);
    assert.match(written[1] ?? '', /^\r.*█{12}░{12} {2}50 %, 500 buckets\/s, 1s left$/);
    assert.equal(written[2], '\r\u001b[K');
  });
  test('never wraps a narrow terminal', () => {
    const { written, at } = follow(true, 20);
    at(100, 0.5, 50);
    assert.equal((written[0] ?? '').replace('\r\u001b[K', '').length, 19);
  });
  test('is a line every ten seconds where no terminal is', () => {
    const { written, at, end } = follow(false);
    for (let second = 1; second <= 25; second += 1) at(second * 1000, second / 100, second * 1000);
    end();
    assert.deepEqual(written, [' 10 %, 1 k buckets/s, 2m left\n', ' 20 %, 1 k buckets/s, 1m left\n']);
  });
});
