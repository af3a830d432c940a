/**
 * The detector at its limit of codes: one leader over a PostgreSQL of its own, told of time and not waiting for it. A tick
 * is every 4 s and reads, steps and writes a bucket in two of five; a core can follow when both together stay far below.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startEmbeddedPostgres } from '../../src/store/embedded-postgres.ts';
import { migrate } from '../../src/store/migrate.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import type { DetectorRun } from './detector-process.ts';
import { fillCounts } from './detector-rows.ts';
import { type Figure, percentileOf } from './figures.ts';
import type { BenchOptions } from './options.ts';

const PROCESS = fileURLToPath(new URL('./detector-process.ts', import.meta.url));
const HISTORY_SECONDS = 1800;
const MEBIBYTE = 2 ** 20;
const MOST_OUTPUT_BYTES = 16 * MEBIBYTE;

export async function measureDetector({ sizes }: BenchOptions, say: (text: string) => void): Promise<readonly Figure[]> {
  const dir = makeTempDir('bench-detector');
  const server = await startEmbeddedPostgres({ dataDir: dir.path, log: { info() {}, warn: say } });
  try {
    await migrate(server.connectionString);
    const liveSeconds = Math.floor(Date.now() / 3_600_000) * 3600 - 3600;
    const span = { startSeconds: liveSeconds - HISTORY_SECONDS, endSeconds: liveSeconds + sizes.detectorSeconds };
    say(`filling the counts of ${sizes.codes} codes`);
    await fillCounts(server.connectionString, sizes.codes, span);
    say('the detector follows them');
    const moments = [span.startSeconds, liveSeconds, span.endSeconds].map(String);
    const { stdout } = await promisify(execFile)(process.execPath, [PROCESS, server.connectionString, ...moments], {
      maxBuffer: MOST_OUTPUT_BYTES,
    });
    return figuresOf(JSON.parse(stdout));
  } finally {
    await server.stop();
    dir.remove();
  }
}

function figuresOf(run: DetectorRun): readonly Figure[] {
  const ticks = run.ticks.filter(({ hasBucket }) => hasBucket);
  const of = (what: string, share: number, pick: (tick: DetectorRun['ticks'][number]) => number): Figure => {
    return { what, unit: 'ms', values: [percentileOf(ticks.map(pick), share)] };
  };
  const at = `tick with a bucket of ${run.codeCount} codes`;
  return [
    of(`${at}, p50`, 0.5, ({ wholeMs }) => wholeMs),
    { ...of('  p99', 0.99, ({ wholeMs }) => wholeMs), aim: { of: 'figure', is: 'at_most', bound: 2_000 } },
    of('  reading, p50', 0.5, ({ readMs }) => readMs),
    of('  stepping, p50', 0.5, ({ wholeMs, readMs, writeMs, snapshotMs }) => wholeMs - readMs - writeMs - snapshotMs),
    of('  writing, p50', 0.5, ({ writeMs }) => writeMs),
    of('  snapshots, p50', 0.5, ({ snapshotMs }) => snapshotMs),
    { what: '  longest hold of the event loop', unit: 'ms', values: [run.longestBlockMs] },
    { what: 'first start over half an hour of counts', unit: 'ms', values: [run.firstStartMs] },
    { what: 'writing all states at a stop', unit: 'ms', values: [run.stopMs] },
    {
      what: 'start after a stop',
      unit: 'ms',
      values: [run.startAfterStopMs],
      aim: { of: 'figure', is: 'at_most', bound: 10_000 },
    },
    {
      what: 'start after a death',
      unit: 'ms',
      values: [run.startAfterDeathMs],
      aim: { of: 'figure', is: 'at_most', bound: 20_000 },
    },
    { what: 'memory of the process', unit: 'MiB', values: [run.rssBytes / MEBIBYTE] },
  ];
}
