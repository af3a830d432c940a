/**
 * What a row costs while the table is small and once it is ten times as large: NDJSON by webhook into a real service whose
 * table was filled by SQL. The rows that lie there have random requestIds and are spread evenly over two days up to
 * now, so that the table partition that the measured ones fall into has grown as the whole; its indexes are what grows.
 *
 * Both sizes are measured in the same way: checkpoint, a warm-up, then the rounds without another checkpoint. What a page
 * costs that is written whole after a checkpoint is part of it, and more of it the larger the index is: in a longer run it
 * would weigh less.
 */
import { join } from 'node:path';
import pg from 'pg';
import { makeTempDir } from '../support/temp-dir.ts';
import type { Figure } from './figures.ts';
import { connectionStringOf, timedStart } from './ingest-rounds.ts';
import { insertNumbered, insertOf } from './lookup-rows.ts';
import type { BenchOptions } from './options.ts';
import { cpuSecondsOf, postgresCpuSeconds } from './process-usage.ts';
import { BATCH_SIZE, runBatches } from './webhook-round.ts';

const DAYS = 2;
const MICROSECONDS = 1_000_000;

/** $1 first and $2 last number, $3 the end of the span, $4 seconds of its day. All days have as many rows, up to that time of day. */
const INSERT_ROWS = insertOf(`
  select n, (n % 8)::int as kind, $3::timestamptz - (n / 8 % ${DAYS}) * interval '1 day'
    - (1 - (n - $1)::float8 / ($2 - $1 + 1)) * $4 * interval '1 second' as at
  from generate_series($1::bigint, $2::bigint) as n`);

interface GrowthRound {
  readonly perSecond: number;
  /** CPU microseconds a row. */
  readonly postgresCpu: number;
  readonly serviceCpu: number;
}

export async function measureGrowth({ sizes }: BenchOptions, say: (text: string) => void): Promise<readonly Figure[]> {
  const { growthFromRows, growthToRows, growthRequests, rounds } = sizes;
  const dir = makeTempDir('bench-growth');
  const dataDir = join(dir.path, 'data');
  const { service } = await timedStart({ dataDir });
  const connectionString = await connectionStringOf(dataDir);
  const client = new pg.Client({ connectionString });
  await client.connect();
  const start = new Date();
  const dayStartMs = Date.parse(start.toISOString().slice(0, 10));

  async function fill(first: number, last: number): Promise<void> {
    say(`filling rows ${first} to ${last}`);
    const values = [start, (start.getTime() - dayStartMs) / 1000];
    await insertNumbered(connectionString, { text: INSERT_ROWS, first, last, values });
    await client.query('vacuum (analyze) envelope');
    await client.query('checkpoint');
  }
  async function measureRound(): Promise<GrowthRound> {
    const read = () => ({ postgres: postgresCpuSeconds(dataDir), service: cpuSecondsOf(service.pid) });
    const before = read();
    const { envelopesPerSecond } = await runBatches(service.url, growthRequests);
    const after = read();
    const micros = (from: number, to: number) => ((to - from) * MICROSECONDS) / (growthRequests * BATCH_SIZE);
    return {
      perSecond: envelopesPerSecond,
      postgresCpu: micros(before.postgres, after.postgres),
      serviceCpu: micros(before.service, after.service),
    };
  }
  async function measureAt(rowCount: number): Promise<readonly GrowthRound[]> {
    say(`writing at ${rowCount} rows`);
    await runBatches(service.url, growthRequests);
    const all: GrowthRound[] = [];
    for (let round = 1; round <= rounds; round += 1) all.push(await measureRound());
    return all;
  }

  try {
    await fill(1, growthFromRows);
    const small = await measureAt(growthFromRows);
    await fill(growthFromRows + 1, growthToRows);
    const large = await measureAt(growthToRows);
    // What was measured would have fallen into a table partition that had not grown.
    if (new Date().getUTCDate() !== start.getUTCDate()) throw new Error('midnight passed meanwhile; begin again');
    return [...figuresAt(growthFromRows, small), ...figuresAt(growthToRows, large, small)];
  } finally {
    await client.end();
    await service.stop();
    dir.remove();
  }
}

function figuresAt(rowCount: number, large: readonly GrowthRound[], small?: readonly GrowthRound[]): readonly Figure[] {
  const microsARow = ({ perSecond }: GrowthRound) => MICROSECONDS / perSecond;
  const cost = (what: string, of: (round: GrowthRound) => number): Figure => ({
    what,
    unit: 'us/row',
    values: large.map(of),
    ...(small === undefined
      ? {}
      : { reference: { what: 'the small table', values: small.map(of) }, aim: { of: 'ratio', is: 'at_most', bound: 1.3 } }),
  });
  const at = `a row by webhook at ${rowCount.toLocaleString('en-US').replaceAll(',', ' ')} rows`;
  return [
    { what: `${at}, NDJSON of ${BATCH_SIZE}`, unit: 'rows/s', values: large.map(({ perSecond }) => perSecond) },
    cost('  time', microsARow),
    cost('  CPU of PostgreSQL', ({ postgresCpu }) => postgresCpu),
    cost('  CPU of the service', ({ serviceCpu }) => serviceCpu),
  ];
}
