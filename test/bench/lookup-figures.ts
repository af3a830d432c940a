/** Lookups at size: a service on a directory of its own, filled by SQL, then asked in rounds. */
import { join } from 'node:path';
import pg from 'pg';
import { makeTempDir } from '../support/temp-dir.ts';
import type { Figure } from './figures.ts';
import { connectionStringOf, timedStart } from './ingest-rounds.ts';
import { type Latency, type LookupRound, runLookups } from './lookup-round.ts';
import { fillRows, sampleIds } from './lookup-rows.ts';
import type { BenchOptions } from './options.ts';

export async function measureLookups({ sizes, rows }: BenchOptions, say: (text: string) => void): Promise<readonly Figure[]> {
  const dir = makeTempDir('bench-lookup');
  const dataDir = join(dir.path, 'data');
  const { service } = await timedStart({ dataDir });
  const client = new pg.Client({ connectionString: await connectionStringOf(dataDir) });
  await client.connect();
  try {
    say(`filling ${rows} rows`);
    await fillRows(await connectionStringOf(dataDir), rows);
    const rounds: LookupRound[] = [];
    const ask = async (count: number) =>
      runLookups({ service, client, ids: await sampleIds(client, rows, count), commitCount: sizes.commits });
    await ask(sizes.lookupWarmUps);
    for (let round = 1; round <= sizes.rounds; round += 1) {
      say(`lookups, round ${round} of ${sizes.rounds}`);
      rounds.push(await ask(sizes.lookups));
    }
    return lookupFigures(rounds, rows);
  } finally {
    await client.end();
    await service.stop();
    dir.remove();
  }
}

function lookupFigures(rounds: readonly LookupRound[], rows: number): readonly Figure[] {
  const of = (pick: (round: LookupRound) => Latency, share: 'p50Ms' | 'p99Ms') => rounds.map((round) => pick(round)[share]);
  const emptyP50 = { what: 'empty COMMIT, p50', values: of((round) => round.emptyCommit, 'p50Ms') };
  const aim = { of: 'figure', is: 'at_most', bound: 10 } as const;
  const at = `lookup at ${rows.toLocaleString('en-US').replaceAll(',', ' ')} rows`;
  return [
    { what: 'empty COMMIT, p50', unit: 'ms', values: emptyP50.values },
    { what: '  p99', unit: 'ms', values: of((round) => round.emptyCommit, 'p99Ms') },
    { what: 'COMMIT of one row, p50', unit: 'ms', values: of((round) => round.rowCommit, 'p50Ms'), reference: emptyP50 },
    { what: '  p99', unit: 'ms', values: of((round) => round.rowCommit, 'p99Ms') },
    { what: `${at}, one by one, p50`, unit: 'ms', values: of((round) => round.alone, 'p50Ms'), reference: emptyP50 },
    { what: '  p99', unit: 'ms', values: of((round) => round.alone, 'p99Ms'), reference: emptyP50, aim },
    { what: `${at}, 8 at once, p50`, unit: 'ms', values: of((round) => round.concurrent, 'p50Ms'), reference: emptyP50 },
    { what: '  p99', unit: 'ms', values: of((round) => round.concurrent, 'p99Ms'), reference: emptyP50, aim },
    { what: '  lookups', unit: '1/s', values: rounds.map((round) => round.lookupsPerSecond) },
    { what: '  CPU of the service', unit: 'ms/lookup', values: rounds.map((round) => round.serviceCpuMs) },
    { what: '  CPU of PostgreSQL', unit: 'ms/lookup', values: rounds.map((round) => round.postgresCpuMs) },
  ];
}
