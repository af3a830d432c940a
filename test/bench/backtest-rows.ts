/**
 * Counts for a backtest, made by SQL as live writes them: a row a code and ten seconds in which it erred. The first code
 * errs once a second, the hundredth every quarter of an hour (a power law), all by time of day; each surges for twenty
 * minutes every few weeks. Seeded, so that each run replays the same. Vacuumed and analyzed at the end.
 */
import pg from 'pg';

export const CODE_COUNT = 100;
const DAY_MS = 24 * 3_600_000;

/** $1 the day. Close to Poisson where it matters: how many buckets are empty, and the mean of the others. */
const INSERT_DAY = `
with wanted as (
  select 'CODE_' || lpad(rank::text, 3, '0') as code, at,
    10 / rank ^ 1.5::float8 * (1 + 0.6 * sin(2 * pi() * extract(epoch from at)::float8 / 86400))
      * case when (rank + extract(day from at)::int) % 17 = 0 and at::time >= '12:00' and at::time < '12:20' then 10 else 1 end as mean
  from generate_series($1::timestamptz, $1::timestamptz + interval '1 day' - interval '10 s', interval '10 s') as at,
    generate_series(1, ${CODE_COUNT}) as rank
), drawn as (
  select code, at, case
    when mean >= 3 then greatest(round(mean + sqrt(mean) * random_normal()), 0)
    when random() < 1 - exp(-mean) then 1 + floor(random() * (2 * mean / (1 - exp(-mean)) - 1))
    else 0 end::int as error_count
  from wanted
)
insert into bucket_count (code, bucket_start, is_clock_ahead, replica_id, lane, error_count)
select code, at, false, 'bench', 0, error_count from drawn where error_count > 0 order by at, code`;

export interface Filled {
  readonly rowCount: number;
  /** The end of what is filled: the midnight before now. */
  readonly endMs: number;
}

/** Fills so many whole days. */
export async function fillCounts(connectionString: string, days: number): Promise<Filled> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  const endMs = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  let rowCount = 0;
  try {
    await client.query("set timezone = 'UTC'; select setseed(0.5)");
    for (let day = days; day > 0; day -= 1) {
      rowCount += (await client.query(INSERT_DAY, [new Date(endMs - day * DAY_MS)])).rowCount ?? 0;
    }
    await client.query("insert into collected_span values ('bench', $1, $2)", [new Date(endMs - days * DAY_MS), new Date(endMs)]);
    await client.query('vacuum (analyze) bucket_count');
    return { rowCount, endMs };
  } finally {
    await client.end();
  }
}
