/**
 * A database whose `clock_timestamp()` a test moves: a function of that name is found before PostgreSQL's own. For what
 * lives by the database's clock and would otherwise take minutes to see.
 */
import type { TestDatabase } from './postgres.ts';

export interface DatabaseClock {
  moveBy(ms: number): Promise<void>;
  /** Start of its 10 s bucket. */
  bucketStartMs(): Promise<number>;
}

/** Only connections opened afterwards see it. */
export async function addDatabaseClock({ connectionString, query }: TestDatabase): Promise<DatabaseClock> {
  await query('create schema fake');
  await query("create table fake.clock (shift interval not null default '0')");
  await query('insert into fake.clock default values');
  await query(
    'create function fake.clock_timestamp() returns timestamptz language sql volatile as $$ select pg_catalog.clock_timestamp() + shift from fake.clock $$',
  );
  await query('grant usage on schema fake to public');
  await query('grant select on fake.clock to public');
  const name = new URL(connectionString).pathname.slice(1);
  await query(`alter database ${name} set search_path = public, fake, pg_catalog`);
  return {
    moveBy: async (ms) => void (await query(`update fake.clock set shift = shift + $1::float8 * interval '1 ms'`, [ms])),
    async bucketStartMs() {
      const [row] = await query("select extract(epoch from date_bin('10 s', clock_timestamp(), 'epoch'))::float8 * 1000 as now");
      return Number(row?.['now']);
    },
  };
}
