/**
 * `surgewatch backtest`: what would have been raised on counts that are already known. It opens no database and reads no
 * clock; the counts go bucket by bucket through the same detector as live, and each transition is one line of NDJSON.
 * Lines are written as they come, and the replay waits for whoever reads them.
 */
import { once } from 'node:events';
import { accessSync, constants, createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { Command } from 'commander';
import { createReplay, type ReplayedBucket } from '../detect/replay.ts';
import { type DetectorSettings, type Preset, settingsFor, THRESHOLD_BOUNDS } from '../detect/settings.ts';
import { InputFault, UsageFault } from '../errors.ts';
import { type CountsSource, openCounts, type SeriesBucket } from './counts-csv.ts';

interface BacktestOptions {
  readonly counts: string;
  readonly bucket: number;
  readonly preset?: Preset;
  readonly falsePagesPerWeek?: number;
  readonly threshold?: number;
  readonly catalogue?: string;
  readonly scores?: string;
}

export interface BacktestDeps {
  /** Where the transitions go; the process's standard output by default. */
  readonly output?: Writable;
}

const DEFAULT_BUCKET_SECONDS = 60;
const MS_PER_SECOND = 1000;
/** Lines are handed over in pieces of about this many characters. */
const WRITE_CHUNK_LENGTH = 65_536;
const RATIO_RESOLUTION = 1000;

export function createBacktestCommand({ output = process.stdout }: BacktestDeps = {}): Command {
  return new Command('backtest')
    .description('Replays error counts through the detector and prints each spike that would have opened and closed, as NDJSON.')
    .requiredOption(
      '--counts <path>',
      'folder of CSV files (timestamp,count; one series a file) or one CSV (timestamp,code,count)',
    )
    .option('--bucket <seconds>', 'width of a bucket, 1 to 3600 seconds', parseBucket, DEFAULT_BUCKET_SECONDS)
    .option('--preset <name>', 'standard (the default) or quiet', parsePreset)
    .option('--false-pages-per-week <n>', 'threshold from a budget for all series together', positive('--false-pages-per-week'))
    .option('--threshold <z>', 'threshold itself, in standard deviations', parseThreshold)
    .option('--catalogue <file>', 'catalogue of codes; must exist, nothing in it changes how counts are judged yet')
    .option('--scores <out.csv>', 'also write series,timestamp,score for every bucket that stands out')
    .action((options: BacktestOptions) => runBacktest(options, output));
}

async function runBacktest(options: BacktestOptions, output: Writable): Promise<void> {
  refuseTwoThresholds(options);
  if (options.catalogue !== undefined) requireReadable(options.catalogue, '--catalogue');
  requireReadable(options.counts, '--counts');
  const source = openCounts(options.counts, options.bucket);
  const settings = settingsFor({
    bucketSeconds: options.bucket,
    activeCodeCount: source.seriesCount,
    ...(options.preset === undefined ? {} : { preset: options.preset }),
    ...(options.threshold === undefined ? {} : { threshold: options.threshold }),
    ...(options.falsePagesPerWeek === undefined ? {} : { falsePagesPerWeek: options.falsePagesPerWeek }),
  });
  const transitions = createLineWriter(output);
  const scores = options.scores === undefined ? null : createLineWriter(createWriteStream(options.scores));
  await scores?.write('series,timestamp,score');
  await replayAll(source, settings, transitions, scores);
  await transitions.flush();
  await scores?.end();
}

async function replayAll(
  source: CountsSource,
  settings: DetectorSettings,
  transitions: LineWriter,
  scores: LineWriter | null,
): Promise<void> {
  const replay = createReplay(settings);
  for (const bucket of source.buckets()) {
    const seen = replay.feed(bucket.series, bucket.startSeconds, bucket.count);
    if (seen.transition !== null) await transitions.write(transitionLine(bucket.series, seen.transition));
    if (scores !== null && seen.score > 0) await scores.write(scoreLine(bucket, seen.score));
    if (transitions.isClosed()) return; // the reader has seen enough, as `head` does
  }
}

function transitionLine(series: string, transition: NonNullable<ReplayedBucket['transition']>): string {
  return JSON.stringify({
    series,
    timestamp: rfc3339(transition.bucketStartSeconds),
    event: transition.event,
    startsAt: rfc3339(transition.startsAtSeconds),
    observed: transition.observed,
    expected: rounded(transition.expected),
    ratio: rounded(transition.ratio),
    windowSeconds: transition.windowSeconds,
    score: rounded(transition.score),
    reason: transition.reason, // absent when undefined
  });
}

function scoreLine(bucket: SeriesBucket, score: number): string {
  const series = /[",\n]/.test(bucket.series) ? `"${bucket.series.replaceAll('"', '""')}"` : bucket.series;
  return `${series},${rfc3339(bucket.startSeconds)},${rounded(score)}`;
}

/** Whole seconds without a fraction, as every other time we print. */
function rfc3339(epochSeconds: number): string {
  return new Date(Math.round(epochSeconds * MS_PER_SECOND)).toISOString().replace('.000Z', 'Z');
}

function rounded(value: number): number {
  return Number.isFinite(value) ? Math.round(value * RATIO_RESOLUTION) / RATIO_RESOLUTION : value;
}

interface LineWriter {
  readonly write: (line: string) => Promise<void>;
  readonly flush: () => Promise<void>;
  readonly end: () => Promise<void>;
  /** True once the reader has gone away. */
  readonly isClosed: () => boolean;
}

/** Gathers lines, waits when the reader is slower, takes a reader that went away (EPIPE) for an answer and not a fault. */
function createLineWriter(stream: Writable): LineWriter {
  let pending = '';
  let fault: NodeJS.ErrnoException | null = null;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    fault = error;
  });
  const isClosed = () => fault?.code === 'EPIPE';

  async function flush(): Promise<void> {
    if (fault !== null && !isClosed()) throw fault;
    const chunk = pending;
    pending = '';
    if (chunk === '' || isClosed()) return;
    await new Promise<void>((resolve, reject) => {
      // The callback comes when the chunk has gone out, so nothing gathers here while the reader is slow.
      stream.write(chunk, (error) => (error && !isClosed() && !isBrokenPipe(error) ? reject(error) : resolve()));
    });
  }

  return {
    async write(line) {
      pending += `${line}\n`;
      if (pending.length >= WRITE_CHUNK_LENGTH) await flush();
    },
    flush,
    async end() {
      await flush();
      const finished = once(stream, 'finish');
      stream.end();
      await finished;
    },
    isClosed,
  };
}

function isBrokenPipe(error: NodeJS.ErrnoException): boolean {
  return error.code === 'EPIPE';
}

function refuseTwoThresholds(options: BacktestOptions): void {
  const given = [options.preset, options.falsePagesPerWeek, options.threshold].filter((value) => value !== undefined);
  if (given.length > 1) throw new UsageFault('give one of --preset, --false-pages-per-week and --threshold');
}

/** @throws Error naming the option's path, when nothing readable is there. */
function requireReadable(path: string, option: string): void {
  try {
    accessSync(path, constants.R_OK);
  } catch (cause) {
    throw new InputFault(`${option}: ${path} cannot be read: it must be an existing file or folder`, cause);
  }
}

function parseBucket(text: string): number {
  const seconds = Number(text);
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > 3600) {
    throw new UsageFault('--bucket must be a whole number of seconds from 1 to 3600');
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
