import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { describe, it } from 'node:test';
import { createBacktestCommand } from '../../src/cli/backtest.ts';
import { UsageFault } from '../../src/errors.ts';
import { MONDAY_SECONDS } from '../fixtures/detect/run-series.ts';
import { createDice } from '../fixtures/detect/seeded-counts.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const MINUTES = 600;
const SURGE = { from: 500, until: 520 } as const;

/** Ten hours at ten a minute with a surge of eighty a minute. */
function surgingCounts(seed = 1): readonly number[] {
  const dice = createDice(seed);
  return Array.from({ length: MINUTES }, (_, minute) => dice.poisson(minute >= SURGE.from && minute < SURGE.until ? 80 : 10));
}

function writeCsv(file: string, header: string, rows: readonly string[]): string {
  writeFileSync(file, `${[header, ...rows].join('\n')}\n`);
  return file;
}

function writeSeries(folder: string, name: string, counts: readonly (number | null)[], originSeconds = MONDAY_SECONDS): void {
  const rows = counts.flatMap((count, minute) => (count === null ? [] : [`${originSeconds + minute * 60},${count}`]));
  writeCsv(join(folder, `${name}.csv`), 'timestamp,count', rows);
}

async function backtest(...argv: readonly string[]): Promise<readonly Record<string, unknown>[]> {
  let text = '';
  const output = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  await createBacktestCommand({ output }).parseAsync(['--counts', ...argv], { from: 'user' });
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

function folderOf(): string {
  const folder = makeTempDir('backtest').path;
  writeSeries(folder, 'PAYMENT_DECLINED', surgingCounts());
  return folder;
}

describe('backtest --counts', () => {
  it('prints an open and a close for a surge, with its evidence and RFC 3339 times', async () => {
    const [open, close, ...more] = await backtest(folderOf());
    assert.ok(open !== undefined && close !== undefined);
    assert.deepEqual(more, []);
    assert.deepEqual(Object.keys(open), [
      'series',
      'timestamp',
      'event',
      'startsAt',
      'observed',
      'expected',
      'ratio',
      'windowSeconds',
      'score',
    ]);
    assert.equal(open['series'], 'PAYMENT_DECLINED');
    assert.equal(open['event'], 'open');
    assert.equal(open['startsAt'], '2026-01-05T08:20:00Z');
    assert.match(String(open['timestamp']), /^2026-01-05T08:2[01]:00Z$/);
    assert.equal(close['event'], 'close');
    assert.equal(close['reason'], 'subsided');
    assert.equal(close['startsAt'], open['startsAt']);
  });

  it('gives the same rows up to the cut when the series is cut', async () => {
    const folder = folderOf();
    const whole = await backtest(folder);
    writeSeries(folder, 'PAYMENT_DECLINED', surgingCounts().slice(0, SURGE.from + 5));
    assert.deepEqual(await backtest(folder), whole.slice(0, 1));
  });

  it('reads ISO 8601 with T or a space, with or without a zone, `value` for `count`, CRLF and a grid of its own', async () => {
    const folder = folderOf();
    const wanted = await backtest(folder);
    const styles = [
      (iso: string) => iso.replace('Z', ''),
      (iso: string) => iso.replace('T', ' ').replace('.000Z', ''),
      (iso: string) => iso.replace('.000Z', '+00:00'),
    ];
    for (const style of styles) {
      const rows = surgingCounts().map(
        (count, minute) => `${style(new Date((MONDAY_SECONDS + minute * 60) * 1000).toISOString())},${count}\r`,
      );
      writeCsv(join(folder, 'PAYMENT_DECLINED.csv'), 'timestamp,value\r', rows);
      assert.deepEqual(await backtest(folder), wanted);
    }
    writeSeries(folder, 'PAYMENT_DECLINED', surgingCounts(), MONDAY_SECONDS + 17);
    assert.equal((await backtest(folder))[0]?.['startsAt'], '2026-01-05T08:20:17Z');
  });

  it('takes a missing row for unknown in a folder, and for zero in one file whose other codes have rows', async () => {
    const folder = folderOf();
    const counts = surgingCounts();
    const isRow = (minute: number) => minute < 200 || minute >= 480;
    writeSeries(
      folder,
      'PAYMENT_DECLINED',
      counts.map((count, minute) => (isRow(minute) ? count : null)),
    );
    assert.deepEqual(
      (await backtest(folder)).map((row) => row['startsAt']),
      ['2026-01-05T08:20:00Z', '2026-01-05T08:20:00Z'],
      'a gap is no change of level',
    );
    const rows = counts.flatMap((count, minute) => {
      const timestamp = MONDAY_SECONDS + minute * 60;
      return [`${timestamp},ALWAYS,1`, ...(isRow(minute) ? [`${timestamp},SOMETIMES,${count}`] : [])];
    });
    const file = writeCsv(join(folder, 'codes.csv'), 'timestamp,code,count', rows);
    const opens = (await backtest(file)).filter((row) => row['event'] === 'open');
    assert.ok(opens.length > 0 && opens.every((row) => row['series'] === 'SOMETIMES'));
    assert.ok(Number(opens.at(-1)?.['expected']) < 10, 'hours of zeros lower what is expected');
  });

  it('does not look into subfolders or at other files', async () => {
    const folder = folderOf();
    const wanted = await backtest(folder);
    mkdirSync(join(folder, 'older'));
    writeSeries(join(folder, 'older'), 'OLD', surgingCounts(2));
    writeFileSync(join(folder, 'notes.txt'), 'not a series');
    assert.deepEqual(await backtest(folder), wanted);
  });

  it('writes a score for every bucket that stands out', async () => {
    const folder = folderOf();
    const scores = join(makeTempDir('scores').path, 'scores.csv');
    await backtest(folder, '--scores', scores, '--preset', 'quiet');
    const [header, ...rows] = readFileSync(scores, 'utf8').trimEnd().split('\n');
    assert.equal(header, 'series,timestamp,score');
    assert.ok(rows.length >= SURGE.until - SURGE.from);
    assert.ok(rows.every((row) => /^PAYMENT_DECLINED,2026-01-05T\d\d:\d\d:00Z,\d+(\.\d+)?$/.test(row)));
  });

  it('names file, line and what is allowed, never the value, when a row cannot be read', async () => {
    const folder = folderOf();
    for (const [row, allowed] of [
      ['1767571200,s3cret', /a\.csv:3: count must be a number of errors from 0 up/],
      ['1767571200,-4', /a\.csv:3: count must be a number of errors from 0 up/],
      ['s3cret,4', /a\.csv:3: timestamp must be epoch seconds or ISO 8601/],
      ['2026-02-30T00:00:00Z,4', /a\.csv:3: timestamp must be epoch seconds or ISO 8601/],
      ['1767571200', /a\.csv:3: the row must have 2 cells/],
    ] as const) {
      writeCsv(join(folder, 'a.csv'), 'timestamp,count', ['1767571140,1', row]);
      await assert.rejects(backtest(folder), (fault: Error) => allowed.test(fault.message) && !/s3cret|-4/.test(fault.message));
    }
    writeCsv(join(folder, 'a.csv'), 'time,errors', []);
    await assert.rejects(backtest(folder), /a\.csv:1: the header must be timestamp,count/);
  });

  it('fails when there is nothing to read', async () => {
    const empty = makeTempDir('empty').path;
    await assert.rejects(backtest(empty), /no \.csv file/);
    await assert.rejects(backtest(join(empty, 'absent')), /--counts: .* cannot be read/);
    await assert.rejects(backtest(folderOf(), '--catalogue', join(empty, 'absent.yaml')), /--catalogue: .* cannot be read/);
  });

  it('says of each opening what severity a catalogue gives its code, and what is wrong in the catalogue by its lines', async () => {
    const folder = folderOf();
    writeSeries(folder, 'PAYMENT_FAILED', surgingCounts(2));
    const file = join(makeTempDir('catalogue').path, 'catalogue.yaml');
    const words = 'meaning: It failed.\n    callerAdvice: Wait.\n    supportWords: We look into it.\n    retryable: true';
    writeFileSync(file, `codes:\n  PAYMENT_DECLINED:\n    status: 402\n    severity: critical\n    ${words}\n`);
    const without = await backtest(folder);
    const lines = await backtest(folder, '--catalogue', file);
    assert.deepEqual(
      lines.map(({ series, event, severity }) => `${series} ${event} ${severity}`).toSorted(),
      [
        'PAYMENT_DECLINED close undefined',
        'PAYMENT_DECLINED open critical',
        'PAYMENT_FAILED close undefined',
        'PAYMENT_FAILED open undefined',
      ],
      'nothing of a code that it does not list',
    );
    assert.deepEqual(
      lines.map(({ severity: _, ...rest }) => rest),
      without,
      'counts are judged alike',
    );
    writeFileSync(file, 'codes:\n  PAYMENT_DECLINED:\n    status: 9\n');
    await assert.rejects(backtest(folder, '--catalogue', file), /catalogue\.yaml:3: /);
  });

  it('refuses wrong options as usage, and two ways to set the threshold at once', async () => {
    const folder = folderOf();
    for (const options of [
      ['--bucket', '0'],
      ['--bucket', '1.5'],
      ['--preset', 'loud'],
      ['--threshold', '0'],
      ['--false-pages-per-week', '-1'],
      ['--preset', 'quiet', '--threshold', '5'],
      ['--threshold', '5', '--false-pages-per-week', '1'],
    ]) {
      await assert.rejects(backtest(folder, ...options), UsageFault, options.join(' '));
    }
  });

  it('stops quietly when its reader goes away', async () => {
    const folder = folderOf();
    const output = new Writable({
      write(_chunk, _encoding, done) {
        done(Object.assign(new Error('broken pipe'), { code: 'EPIPE' }));
      },
    });
    await createBacktestCommand({ output }).parseAsync(['--counts', folder], { from: 'user' });
  });
});
