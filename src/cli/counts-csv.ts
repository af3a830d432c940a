/**
 * Error counts as people keep them: a folder of `timestamp,count` files, or one `timestamp,code,count` file. The two
 * differ in what a missing row means. A file of one series says nothing about a bucket without a row; a file of all codes
 * shows by its other rows that the bucket was collected, so a code without a row had no errors in it.
 * Faults name file, line and what is allowed, never the value.
 */

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { InputFault } from '../errors.ts';
import { parseIsoSeconds } from './moment.ts';

/** Buckets in the order in which a collector would have closed them. `count` null: not collected. */
export interface SeriesBucket {
  readonly series: string;
  readonly startSeconds: number;
  readonly count: number | null;
}

export interface CountsSource {
  /** Series in it: known before the first bucket is read. */
  readonly seriesCount: number;
  readonly buckets: () => Iterable<SeriesBucket>;
}

/** Longest stretch without any row, in buckets: beyond it the times or the bucket width are wrong. */
const LONGEST_GAP_BUCKETS = 5_000_000;
const COUNT_COLUMNS = ['count', 'value'] as const;

/** @throws Error when PATH or a row of it cannot be read; the message says where and what is allowed. */
export function openCounts(path: string, bucketSeconds: number): CountsSource {
  if (statSync(path).isDirectory()) return openFolder(path, bucketSeconds);
  return openFile(path, bucketSeconds);
}

function openFolder(folder: string, bucketSeconds: number): CountsSource {
  const names = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && entry.name.endsWith('.csv'))
    .map((entry) => entry.name)
    .sort();
  if (names.length === 0) throw new InputFault(`${folder}: no .csv file in this folder (subfolders are not read)`);
  return {
    seriesCount: names.length,
    *buckets() {
      for (const name of names) {
        const file = join(folder, name);
        const table = readTable(file, ['timestamp', 'count']);
        const grid = gridOf(table.rows, bucketSeconds, file);
        const counts = sumByBucket(table.rows, grid);
        const series = basename(name, '.csv');
        for (let index = 0; index <= grid.lastIndex; index += 1) {
          yield { series, startSeconds: grid.originSeconds + index * bucketSeconds, count: counts.get(index) ?? null };
        }
      }
    },
  };
}

function openFile(file: string, bucketSeconds: number): CountsSource {
  const table = readTable(file, ['timestamp', 'code', 'count']);
  const grid = gridOf(table.rows, bucketSeconds, file);
  const byCode = new Map<string, Row[]>();
  for (const row of table.rows) {
    const rows = byCode.get(row.code);
    if (rows === undefined) byCode.set(row.code, [row]);
    else rows.push(row);
  }
  const codes = [...byCode].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    seriesCount: codes.length,
    *buckets() {
      const collected = sumByBucket(table.rows, grid);
      const counts = codes.map(([code, rows]) => ({ code, byIndex: sumByBucket(rows, grid) }));
      for (let index = 0; index <= grid.lastIndex; index += 1) {
        const missing = collected.has(index) ? 0 : null;
        const startSeconds = grid.originSeconds + index * bucketSeconds;
        for (const { code, byIndex } of counts) yield { series: code, startSeconds, count: byIndex.get(index) ?? missing };
      }
    },
  };
}

interface Row {
  readonly seconds: number;
  /** Empty in a file of one series. */
  readonly code: string;
  readonly count: number;
}

interface Table {
  readonly rows: readonly Row[];
}

function readTable(file: string, columns: readonly string[]): Table {
  const lines = readFileSync(file, 'utf8')
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/);
  const header = (lines[0] ?? '').split(',').map((cell) => unquoted(cell).toLowerCase());
  const allowed = `${columns.join(',')} (value may stand for count)`;
  const timestampAt = header.indexOf('timestamp');
  const codeAt = columns.includes('code') ? header.indexOf('code') : -1;
  const countAt = COUNT_COLUMNS.map((name) => header.indexOf(name)).find((index) => index >= 0) ?? -1;
  if (timestampAt < 0 || countAt < 0 || (columns.includes('code') && codeAt < 0)) {
    throw new InputFault(`${file}:1: the header must be ${allowed}`);
  }
  const rows: Row[] = [];
  for (const [index, line] of lines.entries()) {
    if (index === 0 || line.trim() === '') continue;
    const at = `${file}:${index + 1}`;
    const cells = line.split(',');
    if (cells.length !== header.length) throw new InputFault(`${at}: the row must have ${header.length} cells, as the header`);
    const seconds = parseTimestamp(unquoted(cells[timestampAt] ?? ''));
    if (seconds === null) {
      throw new InputFault(`${at}: timestamp must be epoch seconds or ISO 8601 such as 2026-01-05T00:00:00Z (no zone means UTC)`);
    }
    const count = parseCount(unquoted(cells[countAt] ?? ''));
    if (count === null) throw new InputFault(`${at}: ${header[countAt]} must be a number of errors from 0 up`);
    const code = codeAt < 0 ? '' : unquoted(cells[codeAt] ?? '');
    if (codeAt >= 0 && code === '') throw new InputFault(`${at}: code must not be empty`);
    rows.push({ seconds, code, count });
  }
  return { rows };
}

function unquoted(cell: string): string {
  const trimmed = cell.trim();
  return trimmed.length >= 2 && trimmed.startsWith('"') && trimmed.endsWith('"') ? trimmed.slice(1, -1) : trimmed;
}

const EPOCH_SECONDS = /^\d{1,11}(\.\d+)?$/;

/** Epoch seconds, or null when it is neither form. */
function parseTimestamp(text: string): number | null {
  return EPOCH_SECONDS.test(text) ? Number(text) : parseIsoSeconds(text);
}

const COUNT = /^\d+(\.\d+)?(e[+-]?\d+)?$/i;

function parseCount(text: string): number | null {
  const count = COUNT.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(count) ? count : null;
}

/** The buckets that the rows of one file lie in: counted from its earliest row, which need not be a multiple of the width. */
interface Grid {
  readonly originSeconds: number;
  readonly bucketSeconds: number;
  readonly lastIndex: number;
}

function gridOf(rows: readonly Row[], bucketSeconds: number, file: string): Grid {
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  let previous = Number.NEGATIVE_INFINITY;
  let longest = 0;
  for (const { seconds } of rows) {
    first = Math.min(first, seconds);
    last = Math.max(last, seconds);
    if (previous !== Number.NEGATIVE_INFINITY) longest = Math.max(longest, Math.abs(seconds - previous));
    previous = seconds;
  }
  if (longest > LONGEST_GAP_BUCKETS * bucketSeconds) {
    throw new InputFault(`${file}: rows lie more than ${LONGEST_GAP_BUCKETS} buckets apart: check the timestamps and --bucket`);
  }
  if (rows.length === 0) return { originSeconds: 0, bucketSeconds, lastIndex: -1 };
  return { originSeconds: first, bucketSeconds, lastIndex: Math.floor((last - first) / bucketSeconds) };
}

/** Errors by bucket index; rows finer than a bucket add up. A bucket without a row is absent. */
function sumByBucket(rows: readonly Row[], grid: Grid): ReadonlyMap<number, number> {
  const sums = new Map<number, number>();
  for (const { seconds, count } of rows) {
    const index = Math.floor((seconds - grid.originSeconds) / grid.bucketSeconds);
    sums.set(index, (sums.get(index) ?? 0) + count);
  }
  return sums;
}
