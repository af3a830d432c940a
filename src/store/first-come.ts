/**
 * Who gets one of a bounded number of names: first come, first served, decided in the database under a lock, so that all
 * replicas say the same. Nobody is ever put out again.
 */
import type { Database } from './database.ts';

export interface FirstComeTable {
  readonly name: 'error_series' | 'counted_code' | 'field_series';
  /** Its key. */
  readonly columns: readonly string[];
  readonly mostRows: number;
}

/** Admits what is wanted, in its order, while there is room; answers the keys of all that are in. @throws StoreUnavailable. */
export function admitFirstCome(
  database: Pick<Database, 'withClient'>,
  { name, columns, mostRows }: FirstComeTable,
  wanted: readonly (readonly string[])[],
): Promise<readonly (readonly string[])[]> {
  const list = columns.join(', ');
  const arrays = columns.map((_, at) => `$${at + 2}::text[]`).join(', ');
  const isSame = columns.map((column) => `kept.${column} = wanted.${column}`).join(' and ');
  return database.withClient(async (client) => {
    await client.query('begin');
    await client.query(`select pg_advisory_xact_lock(hashtext('surgewatch'), hashtext('${name}'))`);
    await client.query(
      `insert into ${name} (${list})
       select ${list} from unnest(${arrays}) with ordinality as wanted (${list}, place)
       where not exists (select from ${name} kept where ${isSame})
       order by place limit greatest(0, $1 - (select count(*) from ${name})) on conflict do nothing`,
      [mostRows, ...columns.map((_, at) => wanted.map((key) => key[at] ?? ''))],
    );
    const result = await client.query<string[]>({ text: `select ${list} from ${name}`, rowMode: 'array' });
    await client.query('commit');
    return result.rows;
  });
}
