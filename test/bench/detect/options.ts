/** What the command line of `npm run bench:detect` says. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Preset } from '../../../src/detect/detector.ts';
import { WORLDS } from '../../fixtures/worlds/worlds.ts';

export interface BenchOptions {
  /** Folders with `series/*.csv` and `truth.json`; none: worlds of our own. */
  readonly suites: readonly string[];
  /** Names under which the suites' figures are kept, in their order; a folder's own name where none is given. */
  readonly labels: readonly string[];
  readonly preset: Preset;
  readonly threshold: number | undefined;
  readonly falsePagesPerWeek: number | undefined;
  readonly fromDay: number;
  readonly bucketSeconds: number | undefined;
  readonly seed: number;
  readonly seriesPerWorld: number;
  readonly worlds: readonly string[] | undefined;
  readonly withBaselines: boolean;
  readonly isDetailed: boolean;
  readonly isRecording: boolean;
  readonly writeFolder: string | undefined;
  /** Codes of the live measurement; undefined: no such measurement. */
  readonly liveCodes: number | undefined;
}

export const USAGE = `Usage: npm run bench:detect -- [--suite FOLDER]… [--seed-label NAME]… [--preset standard|quiet]
         [--false-pages-per-week N | --threshold Z] [--bucket 60|10] [--from-day 3] [--detail] [--no-baselines] [--record]
       npm run bench:detect -- [--seed 1] [--series 16] [--world NAME]… [--write FOLDER]     worlds: ${WORLDS.map(({ name }) => name).join(' ')}
       npm run bench:detect -- --live 10000`;

const SERIES_PER_WORLD = 16;
const FIRST_GRADED_DAY = 3;

/** @throws Error that says what is allowed. */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      suite: { type: 'string', multiple: true, default: [] },
      'seed-label': { type: 'string', multiple: true, default: [] },
      preset: { type: 'string', default: 'standard' },
      threshold: { type: 'string' },
      'false-pages-per-week': { type: 'string' },
      'from-day': { type: 'string' },
      bucket: { type: 'string' },
      seed: { type: 'string' },
      series: { type: 'string' },
      world: { type: 'string', multiple: true },
      'no-baselines': { type: 'boolean', default: false },
      detail: { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
      write: { type: 'string' },
      live: { type: 'string' },
    },
  });
  const unknown = values.world?.find((name) => !WORLDS.some((world) => world.name === name));
  if (unknown !== undefined) throw new Error(`--world takes ${WORLDS.map(({ name }) => name).join(', ')}.`);
  for (const folder of values.suite) {
    if (!existsSync(join(folder, 'truth.json')))
      throw new Error(`--suite: ${folder} must be a folder with series/ and truth.json.`);
  }
  const falsePagesPerWeek = numberOf('--false-pages-per-week', values['false-pages-per-week']);
  return {
    suites: values.suite,
    labels: values['seed-label'],
    preset: parsePreset(values.preset),
    threshold: numberOf('--threshold', values.threshold),
    falsePagesPerWeek,
    fromDay: numberOf('--from-day', values['from-day']) ?? FIRST_GRADED_DAY,
    bucketSeconds: numberOf('--bucket', values.bucket),
    seed: numberOf('--seed', values.seed) ?? 1,
    seriesPerWorld: numberOf('--series', values.series) ?? SERIES_PER_WORLD,
    worlds: values.world,
    withBaselines: !values['no-baselines'],
    isDetailed: values.detail,
    isRecording: values.record,
    writeFolder: values.write,
    liveCodes: numberOf('--live', values.live),
  };
}

function parsePreset(text: string): Preset {
  if (text === 'standard' || text === 'quiet') return text;
  throw new Error('--preset takes standard or quiet.');
}

function numberOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number) || number < 0) throw new Error(`${name} takes a number from 0 up.`);
  return number;
}
