/**
 * What the command line of `npm run bench` says. Sizes are chosen so that a whole run stays under a quarter of an hour on two cores;
 * so the latency of alerts, which is half an hour of waiting, a flood of a million codes, exactness under kills and a
 * table that grows to ten million rows are measured only when asked for.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

export const SECTIONS = [
  'start',
  'path',
  'kafka',
  'webhook',
  'import',
  'quiet',
  'lookup',
  'backtest',
  'detector',
  'idle',
  'latency',
  'codes',
  'kills',
  'growth',
] as const;
export type Section = (typeof SECTIONS)[number];
const LONG_SECTIONS: ReadonlySet<Section> = new Set(['latency', 'codes', 'kills', 'growth']);
const DEFAULT_SECTIONS = SECTIONS.filter((section) => !LONG_SECTIONS.has(section));

export interface Sizes {
  readonly rounds: number;
  /** Records that the clock sees, and those before it that warm the service up. */
  readonly kafkaRecords: number;
  readonly kafkaWarmUpRecords: number;
  readonly batchRequests: number;
  readonly batchWarmUpRequests: number;
  readonly singleSeconds: number;
  readonly singleWarmUpSeconds: number;
  /** Of the imported file, repeats included. */
  readonly importLines: number;
  /** Sent one by one. */
  readonly quietEnvelopes: number;
  readonly lookups: number;
  readonly lookupWarmUps: number;
  readonly commits: number;
  readonly backtestDays: number;
  readonly codes: number;
  /** Event time of the detector's ticks; it is not waited for. */
  readonly detectorSeconds: number;
  readonly idleSettleSeconds: number;
  readonly idleSeconds: number;
  /** Surges of each rate. */
  readonly latencySurges: number;
  /** From one surge's slot to the next. */
  readonly latencySpacingSeconds: number;
  readonly latencyHistoryHours: number;
  /** Distinct codes of the flood, and errors of known codes before it. */
  readonly floodCodes: number;
  readonly floodWarmUpErrors: number;
  /** Records of the topic that is read under kills. */
  readonly killRecords: number;
  /** Rows of the table before and after it has grown, and requests of each of the rounds that are measured at either. */
  readonly growthFromRows: number;
  readonly growthToRows: number;
  readonly growthRequests: number;
}

const FULL: Sizes = {
  rounds: 3,
  kafkaRecords: 400_000,
  kafkaWarmUpRecords: 60_000,
  batchRequests: 320,
  batchWarmUpRequests: 120,
  singleSeconds: 5,
  singleWarmUpSeconds: 4,
  importLines: 1_000_000,
  quietEnvelopes: 100,
  lookups: 2_000,
  lookupWarmUps: 300,
  commits: 300,
  backtestDays: 30,
  codes: 10_000,
  detectorSeconds: 1200,
  idleSettleSeconds: 10,
  idleSeconds: 30,
  latencySurges: 10,
  latencySpacingSeconds: 60,
  latencyHistoryHours: 48,
  floodCodes: 1_000_000,
  floodWarmUpErrors: 200_000,
  killRecords: 1_000_000,
  growthFromRows: 1_000_000,
  growthToRows: 10_000_000,
  growthRequests: 80,
};

const QUICK: Sizes = {
  rounds: 3,
  kafkaRecords: 50_000,
  kafkaWarmUpRecords: 10_000,
  batchRequests: 40,
  batchWarmUpRequests: 8,
  singleSeconds: 2,
  singleWarmUpSeconds: 1,
  importLines: 50_000,
  quietEnvelopes: 20,
  lookups: 500,
  lookupWarmUps: 100,
  commits: 100,
  backtestDays: 7,
  codes: 10_000,
  detectorSeconds: 300,
  idleSettleSeconds: 5,
  idleSeconds: 10,
  latencySurges: 2,
  latencySpacingSeconds: 45,
  latencyHistoryHours: 26,
  floodCodes: 100_000,
  floodWarmUpErrors: 50_000,
  killRecords: 50_000,
  growthFromRows: 100_000,
  growthToRows: 1_000_000,
  growthRequests: 20,
};

const ROWS = 1_000_000;
const QUICK_ROWS = 200_000;

export interface BenchOptions {
  readonly isQuick: boolean;
  readonly sizes: Sizes;
  /** Rows of the table that lookups run on. */
  readonly rows: number;
  readonly sections: ReadonlySet<Section>;
  /** Decides the errors and the seconds at which the surges of the latency section begin. */
  readonly seed: number;
  readonly jsonFile: string;
  /** Directory for CPU profiles of the service in the Kafka rounds; null: none are taken, for they cost time. */
  readonly profileDir: string | null;
}

export const USAGE = `Usage: npm run bench -- [--quick] [--rows N] [--only ${SECTIONS.join(',')}] [--seed N] [--json FILE] [--profile DIR]
Left out unless named by --only: latency, which takes half an hour, codes, kills and growth, which fills 10 000 000 rows.`;

/** @throws Error that says what is allowed. */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      rows: { type: 'string' },
      only: { type: 'string' },
      seed: { type: 'string', default: '1' },
      json: { type: 'string' },
      profile: { type: 'string' },
    },
  });
  const { quick: isQuick, rows = String(isQuick ? QUICK_ROWS : ROWS), only = DEFAULT_SECTIONS.join(','), seed } = values;
  if (!/^[1-9]\d{3,9}$/.test(rows)) throw new Error('--rows takes a whole number, at least 1000.');
  if (!/^\d{1,9}$/.test(seed)) throw new Error('--seed takes a whole number.');
  return {
    isQuick,
    sizes: isQuick ? QUICK : FULL,
    rows: Number(rows),
    sections: new Set(only.split(',').map(parseSection)),
    seed: Number(seed),
    jsonFile: values.json ?? join(tmpdir(), `surgewatch-bench-${process.pid}.json`),
    profileDir: values.profile ?? null,
  };
}

function parseSection(text: string): Section {
  const found = SECTIONS.find((section) => section === text.trim());
  if (found === undefined) throw new Error(`--only takes a comma list of ${SECTIONS.join(', ')}.`);
  return found;
}
