/**
 * `surgewatch backtest` on a month of stored counts, end to end as its user waits for it: the verb is a process of its own
 * beside a PostgreSQL with the service's settings, and two weeks more are stored before the month, which it warms up on.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEmbeddedPostgres } from '../../src/store/embedded-postgres.ts';
import { migrate } from '../../src/store/migrate.ts';
import { startProcess } from '../support/real-process.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { CODE_COUNT, fillCounts } from './backtest-rows.ts';
import type { Figure } from './figures.ts';
import type { BenchOptions } from './options.ts';
import { cpuSecondsOf, peakRssBytes } from './process-usage.ts';

const ENTRY = fileURLToPath(new URL('../../src/surgewatch.js', import.meta.url));
const WARM_UP_DAYS = 14;
const AIM_SECONDS = 30;
/** How often memory is looked at: what peaked in the last moment before the exit goes unseen. */
const LOOK_MS = 100;
const DAY_MS = 24 * 3_600_000;
const MEBIBYTE = 2 ** 20;

interface Run {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMebibytes: number;
}

export async function measureBacktest({ sizes }: BenchOptions, say: (text: string) => void): Promise<readonly Figure[]> {
  const dir = makeTempDir('bench-backtest');
  const postgres = await startEmbeddedPostgres({ dataDir: join(dir.path, 'data'), log: { info: () => {}, warn: say } });
  try {
    const { connectionString } = postgres;
    await migrate(connectionString);
    const days = sizes.backtestDays;
    say(`filling ${days + WARM_UP_DAYS} days of counts`);
    const { rowCount, endMs } = await fillCounts(connectionString, days + WARM_UP_DAYS);
    const span = ['--from', new Date(endMs - days * DAY_MS).toISOString(), '--to', new Date(endMs).toISOString()];
    const plain: Run[] = [];
    const compared: Run[] = [];
    for (let round = 1; round <= sizes.rounds; round += 1) {
      say(`backtest of ${rowCount} rows, round ${round} of ${sizes.rounds}`);
      plain.push(await runBacktest(connectionString, span));
      compared.push(await runBacktest(connectionString, [...span, '--false-pages-per-week', '5']));
    }
    const what = `backtest of ${days} days, ${CODE_COUNT} codes, 60 s buckets`;
    const aim = { of: 'figure', is: 'at_most', bound: AIM_SECONDS } as const;
    return [
      { what, unit: 's', values: plain.map(({ seconds }) => seconds), aim },
      { what: '  its own CPU', unit: 's', values: plain.map(({ cpuSeconds }) => cpuSeconds) },
      { what: '  peak RSS', unit: 'MiB', values: plain.map(({ peakMebibytes }) => peakMebibytes) },
      { what: '  beside the current budget', unit: 's', values: compared.map(({ seconds }) => seconds), aim },
    ];
  } finally {
    await postgres.stop();
    dir.remove();
  }
}

async function runBacktest(connectionString: string, args: readonly string[]): Promise<Run> {
  const startedMs = performance.now();
  const verb = await startProcess({
    command: process.execPath,
    args: [ENTRY, 'backtest', ...args],
    env: { PATH: process.env['PATH'], DATABASE_URL: connectionString },
  });
  let [peakBytes, cpuSeconds] = [0, 0];
  const look = setInterval(() => {
    peakBytes = Math.max(peakBytes, peakRssBytes(verb.pid) || 0);
    cpuSeconds = Math.max(cpuSeconds, cpuSecondsOf(verb.pid) || 0);
  }, LOOK_MS);
  const code = await verb.exited;
  clearInterval(look);
  const seconds = (performance.now() - startedMs) / 1000;
  if (code !== 0 || !/ pages a week/.test(verb.output()))
    throw new Error(`backtest ended with ${code}: ${verb.output().slice(-2000)}`);
  return { seconds, cpuSeconds, peakMebibytes: peakBytes / MEBIBYTE };
}
