/**
 * Counts of many codes, made by SQL: a tenth of the codes has errors in every second bucket, the rest in one of fifty.
 * Every bucket is collected.
 */
import pg from 'pg';

export interface FilledSpan {
  readonly startSeconds: number;
  readonly endSeconds: number;
}

export async function fillCounts(connectionString: string, codeCount: number, span: FilledSpan): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    const between = [span.startSeconds, span.endSeconds];
    await client.query("insert into counted_code select 'CODE_' || n, to_timestamp($2) from generate_series(1, $1::int) as n", [
      codeCount,
      span.startSeconds,
    ]);
    await client.query(
      `insert into bucket_count
       select 'CODE_' || n, at, false, 'bench', 0, 1 + n % 3
       from generate_series(to_timestamp($2), to_timestamp($3) - interval '10 s', '10 s') as at, generate_series(1, $1::int) as n
       where abs(hashint8(n::bigint * 1000003 + extract(epoch from at)::bigint)) % 100 < case when n % 10 = 0 then 50 else 2 end`,
      [codeCount, ...between],
    );
    await client.query("insert into collected_span values ('bench', to_timestamp($1), to_timestamp($2))", between);
    await client.query('vacuum (analyze) bucket_count');
    await client.query('checkpoint');
  } finally {
    await client.end();
  }
}
