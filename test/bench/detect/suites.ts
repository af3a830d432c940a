/**
 * What the bench runs on: a folder of series beside its truth, or worlds made on the spot. Either hands its series over one
 * at a time; folders are read by the very reader of `surgewatch backtest --counts`.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type CountsSource, openCounts } from '../../../src/cli/counts-csv.ts';
import { WORLD_START_SECONDS } from '../../fixtures/worlds/scene.ts';
import type { SeriesTruth, Truth } from '../../fixtures/worlds/truth.ts';
import { generateWorlds, WORLDS, type WorldOptions, worldsEndSeconds } from '../../fixtures/worlds/worlds.ts';
import { parseTruth } from './parse-truth.ts';

export interface CountSeries {
  readonly name: string;
  readonly startSeconds: number;
  /** One a bucket from the first to the last; null = not collected. */
  readonly counts: readonly (number | null)[];
}

export interface Suite {
  /** Under which its figures are kept. */
  readonly label: string;
  /** Width of the buckets that the detector is given. */
  readonly bucketSeconds: number;
  readonly seriesCount: number;
  /** Can be gone through once. */
  readonly series: Iterable<CountSeries>;
  /** Complete once all series were gone through. */
  readonly truth: () => Truth;
}

/** @throws Error when the folder holds no truth, or no series. */
export function openSuite(
  folder: string,
  asked: { readonly label?: string | undefined; readonly bucketSeconds?: number | undefined } = {},
): Suite {
  const truth = parseTruth(readFileSync(join(folder, 'truth.json'), 'utf8'));
  const bucketSeconds = asked.bucketSeconds ?? truth.bucket;
  const source = openCounts(join(folder, 'series'), bucketSeconds);
  return {
    label: asked.label ?? basename(folder),
    bucketSeconds,
    seriesCount: source.seriesCount,
    series: readSeries(source),
    truth: () => truth,
  };
}

function* readSeries(source: CountsSource): Generator<CountSeries> {
  let current: { name: string; startSeconds: number; counts: (number | null)[] } | null = null;
  for (const { series, startSeconds, count } of source.buckets()) {
    if (current === null || current.name !== series) {
      if (current !== null) yield current;
      current = { name: series, startSeconds, counts: [] };
    }
    current.counts.push(count);
  }
  if (current !== null) yield current;
}

export function makeWorldSuite(options: WorldOptions): Suite {
  const truths: Record<string, SeriesTruth> = {};
  return {
    label: worldLabel(options),
    bucketSeconds: options.bucketSeconds,
    seriesCount: options.seriesPerWorld * (options.names ?? WORLDS).length,
    series: keepTruth(options, truths),
    truth: () => ({
      bucket: options.bucketSeconds,
      start: WORLD_START_SECONDS,
      end: worldsEndSeconds(options),
      suite: 'worlds',
      series: truths,
    }),
  };
}

/** Figures of some worlds, or of fewer series, are not those of all. */
function worldLabel({ seed, names, seriesPerWorld }: WorldOptions): string {
  const which = names === undefined ? '' : ` ${names.join('+')}`;
  return `worlds${seed}${which} of ${seriesPerWorld}`;
}

function* keepTruth(options: WorldOptions, truths: Record<string, SeriesTruth>): Generator<CountSeries> {
  for (const { truth, ...series } of generateWorlds(options)) {
    truths[series.name] = truth;
    yield series;
  }
}

/** Writes a suite as a folder, so that other graders and other detectors can be run on it. */
export function writeSuite(suite: Suite, folder: string): void {
  const seriesFolder = join(folder, 'series');
  mkdirSync(seriesFolder, { recursive: true });
  for (const { name, startSeconds, counts } of suite.series) {
    const rows = counts.flatMap((count, index) =>
      count === null ? [] : [`${startSeconds + index * suite.bucketSeconds},${count}\n`],
    );
    writeFileSync(join(seriesFolder, `${name}.csv`), `timestamp,count\n${rows.join('')}`);
  }
  writeFileSync(join(folder, 'truth.json'), JSON.stringify(suite.truth()));
}
