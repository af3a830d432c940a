/**
 * What the command line of `surgewatch backtest` asks for: counts from files or the stored ones, never both, with one way
 * to set the threshold. All that can be wrong is said here, before anything opens.
 */
import type { Command } from 'commander';
import { type Preset, type SettingsOptions, THRESHOLD_BOUNDS } from '../detect/settings.ts';
import { UsageFault } from '../errors.ts';
import { parseMoment } from './moment.ts';

/** How the threshold was asked for; empty: the standard preset. */
export type ThresholdChoice = Pick<SettingsOptions, 'preset' | 'threshold' | 'falsePagesPerWeek'>;

interface CommonRequest {
  readonly bucketSeconds: number;
  readonly choice: ThresholdChoice;
  readonly catalogueFile: string | null;
}

export interface CountsRequest extends CommonRequest {
  readonly kind: 'counts';
  readonly path: string;
  readonly scoresFile: string | null;
}

export interface StoredRequest extends CommonRequest {
  readonly kind: 'stored';
  readonly fromSeconds: number;
  readonly toSeconds: number;
  /** False: until now, as far as counts are complete. */
  readonly isToGiven: boolean;
  /** null: all. */
  readonly codes: readonly string[] | null;
  readonly isJson: boolean;
}

/** As commander hands them over, each parsed on its own. */
export interface GivenOptions {
  readonly counts?: string;
  readonly from?: string;
  readonly to?: string;
  readonly codes?: readonly string[];
  readonly bucket: number;
  readonly preset?: Preset;
  readonly falsePagesPerWeek?: number;
  readonly threshold?: number;
  readonly catalogue?: string;
  readonly scores?: string;
  readonly json?: boolean;
}

const DEFAULT_BUCKET_SECONDS = 60;
const LONGEST_BUCKET_SECONDS = 3600;
/** Width of the stored buckets: others are sums of them. */
const STORED_BUCKET_SECONDS = 10;

const EXAMPLES = `
Examples:
  surgewatch backtest --from 30d                             the last 30 days of the stored counts
  surgewatch backtest --from 2026-11-01 --to 2026-11-08 --codes PAYMENT_FAILED,RATE_LIMIT_EXCEEDED
  surgewatch backtest --from 30d --false-pages-per-week 5    how the list would change
  surgewatch backtest --counts counts.csv                    counts from elsewhere, as NDJSON
`;

export function declareOptions(command: Command): Command {
  return command
    .option('--from <time>', 'replay the stored counts from then: 2026-11-01T08:00:00Z, 2026-11-01, or an age such as 30d')
    .option('--to <time>', 'until then (default: now)')
    .option('--codes <a,b>', 'only these codes, with --from', parseCodes)
    .option('--json', 'print each opening and closing as NDJSON instead of the table, with --from')
    .option(
      '--counts <path>',
      'replay counts from files: a folder of CSV files (timestamp,count; one series a file) or one CSV (timestamp,code,count)',
    )
    .option('--scores <out.csv>', 'also write series,timestamp,score for every bucket that stands out, with --counts')
    .option(
      '--bucket <seconds>',
      'width of a bucket, 1 to 3600 seconds; a multiple of 10 with --from',
      parseBucket,
      DEFAULT_BUCKET_SECONDS,
    )
    .option('--preset <name>', 'standard (the default) or quiet', parsePreset)
    .option(
      '--false-pages-per-week <n>',
      'threshold from a budget for all codes together; with --from beside what FALSE_PAGES_PER_WEEK gives',
      positive('--false-pages-per-week'),
    )
    .option('--threshold <z>', 'threshold itself, in standard deviations', parseThreshold)
    .option(
      '--catalogue <file>',
      'say of each spike the severity that its code has in this catalogue; counts are judged alike without',
    )
    .addHelpText('after', EXAMPLES);
}

/** @throws UsageFault. */
export function readRequest(given: GivenOptions, nowSeconds: number): CountsRequest | StoredRequest {
  const common = { bucketSeconds: given.bucket, choice: choiceOf(given), catalogueFile: given.catalogue ?? null };
  const { counts, from } = given;
  if (counts !== undefined) {
    refuse(given, ['from', 'to', 'codes', 'json'], '--counts replays files: it goes without');
    return { ...common, kind: 'counts', path: counts, scoresFile: given.scores ?? null };
  }
  if (from === undefined) {
    throw new UsageFault('give --from TIME to replay the stored counts, or --counts PATH to replay files (see --help)');
  }
  refuse(given, ['scores'], '--from replays the stored counts: it goes without');
  if (given.bucket % STORED_BUCKET_SECONDS !== 0) {
    throw new UsageFault(`--bucket must be a multiple of ${STORED_BUCKET_SECONDS} with --from, as counts are stored`);
  }
  const fromSeconds = parseMoment('--from', from, nowSeconds);
  const toSeconds = parseMoment('--to', given.to ?? 'now', nowSeconds);
  if (toSeconds - fromSeconds < given.bucket) throw new UsageFault('--to must be at least one bucket later than --from');
  return {
    ...common,
    kind: 'stored',
    fromSeconds,
    toSeconds,
    isToGiven: given.to !== undefined,
    codes: given.codes ?? null,
    isJson: given.json === true,
  };
}

function choiceOf({ preset, falsePagesPerWeek, threshold }: GivenOptions): ThresholdChoice {
  const given = [preset, falsePagesPerWeek, threshold].filter((value) => value !== undefined);
  if (given.length > 1) throw new UsageFault('give one of --preset, --false-pages-per-week and --threshold');
  return {
    ...(preset === undefined ? {} : { preset }),
    ...(falsePagesPerWeek === undefined ? {} : { falsePagesPerWeek }),
    ...(threshold === undefined ? {} : { threshold }),
  };
}

function refuse(given: GivenOptions, names: readonly (keyof GivenOptions)[], why: string): void {
  const wrong = names.filter((name) => given[name] !== undefined).map((name) => `--${name}`);
  if (wrong.length > 0) throw new UsageFault(`${why} ${wrong.join(' and ')}`);
}

function parseCodes(text: string): readonly string[] {
  const codes = text
    .split(',')
    .map((code) => code.trim())
    .filter((code) => code !== '');
  if (codes.length === 0) throw new UsageFault('--codes must be a comma list of codes');
  return [...new Set(codes)];
}

function parseBucket(text: string): number {
  const seconds = Number(text);
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > LONGEST_BUCKET_SECONDS) {
    throw new UsageFault(`--bucket must be a whole number of seconds from 1 to ${LONGEST_BUCKET_SECONDS}`);
  }
  return seconds;
}

function parsePreset(text: string): Preset {
  if (text === 'standard' || text === 'quiet') return text;
  throw new UsageFault('--preset must be standard or quiet');
}

function positive(option: string): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (text.trim() === '' || !(number > 0 && Number.isFinite(number)))
      throw new UsageFault(`${option} must be a number above 0`);
    return number;
  };
}

function parseThreshold(text: string): number {
  const threshold = positive('--threshold')(text);
  const { least, most } = THRESHOLD_BOUNDS;
  if (threshold < least || threshold > most) throw new UsageFault(`--threshold must be from ${least} to ${most}`);
  return threshold;
}
