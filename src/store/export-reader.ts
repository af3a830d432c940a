/**
 * The stored rows for an export: day by day, in key order, a page at a time. Rows never change, so no snapshot is held and
 * no lock for longer than a page takes; ingest, retention and everything else go on meanwhile.
 */
import type { ExportedRow } from '../envelope/export-line.ts';
import type { Database } from './database.ts';
import { momentOf, type RowSpan } from './row-span.ts';

/** As it is exported, but for its details, which are still to be looked into. */
export interface StoredRow extends Omit<ExportedRow, 'detailsJson'> {
  readonly details: unknown;
}

type PageRow = StoredRow & { readonly isWanted: boolean };

export interface NamedSeries {
  /** `code status` of each series. */
  readonly series: ReadonlySet<string>;
  readonly codes: ReadonlySet<string>;
  /** `field sub-code`. */
  readonly fields: ReadonlySet<string>;
}

export interface ExportReader {
  /** How many rows there are about, by their counts: for a progress bar. */
  readonly countRows: (span: RowSpan) => Promise<number>;
  /** What is counted under its own name. */
  readonly readNamed: () => Promise<NamedSeries>;
  readonly readRows: (span: RowSpan) => AsyncGenerator<readonly StoredRow[]>;
}

const PAGE_ROWS = 2000;

/** $1 request id, $2 code, $3 from, $4 to. A day is one table partition; a page looks at as many rows whatever is wanted. */
const pageOf = (day: string) => `
with page as materialized (
  select * from envelope where day = '${day}' and (request_id, code) > ($1, $2) order by request_id, code limit ${PAGE_ROWS}
)
select request_id as "requestId", code, status, message, details,
  to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "occurredAt",
  (extract(epoch from received_at) * 1000)::float8 as "receivedAtMs", source, service, route, method, client, release, traceparent,
  coalesce(sanitized, '{}') as sanitized,
  occurred_at >= coalesce($3::timestamptz, '-infinity') and occurred_at < coalesce($4::timestamptz, 'infinity') as "isWanted"
from page order by request_id, code`;

/** Every method @throws StoreUnavailable | StoreRefused. */
export function createExportReader(database: Database): ExportReader {
  const query = async <Row extends object>(text: string, values: readonly unknown[] = []) =>
    (await database.withClient((client) => client.query<Row>(text, [...values]))).rows;
  const pairs = async (text: string) => new Set((await query<{ key: string }>(text)).map(({ key }) => key));

  return {
    async countRows({ fromMs, toMs }) {
      const [row] = await query<{ count: number }>(
        `select coalesce(sum(error_count), 0)::float8 as count from bucket_count
         where ($1::timestamptz is null or bucket_start >= $1) and ($2::timestamptz is null or bucket_start < $2)`,
        [momentOf(fromMs), momentOf(toMs)],
      );
      return row?.count ?? 0;
    },
    async readNamed() {
      return {
        series: await pairs(`select code || ' ' || status as key from error_series`),
        codes: await pairs('select code as key from counted_code'),
        fields: await pairs(`select field || ' ' || sub_code as key from field_series`),
      };
    },
    async *readRows({ fromMs, toMs }) {
      for (const day of await readDays(database)) {
        if (fromMs !== null && byDay(day, dayOf(fromMs)) < 0) continue;
        if (toMs !== null && byDay(day, dayOf(toMs)) > 0) continue;
        const text = pageOf(day);
        let last: { readonly requestId: string; readonly code: string } | undefined = { requestId: '', code: '' };
        while (last !== undefined) {
          const values = [last.requestId, last.code, momentOf(fromMs), momentOf(toMs)];
          const page: readonly PageRow[] = await query<PageRow>(text, values);
          yield page.filter(({ isWanted }) => isWanted);
          last = page.length < PAGE_ROWS ? undefined : page.at(-1);
        }
      }
    },
  };
}

/** Days that may hold rows, ascending: those with a table partition, and what clocks far off claimed. `YYYY-MM-DD`. */
export async function readDays(database: Pick<Database, 'withClient'>): Promise<readonly string[]> {
  const { rows } = await database.withClient((client) =>
    client.query<{ day: string }>(`
      with prepared as (
        select to_date(right(child.relname, 8), 'YYYYMMDD') as day
        from pg_inherits join pg_class child on child.oid = inhrelid
        where inhparent = 'envelope'::regclass and child.relname ~ '^envelope_[0-9]{8}$'
      )
      select day::text from prepared
      union select day::text from envelope where day < coalesce((select min(day) from prepared), 'infinity')
      union select day::text from envelope where day > (select max(day) from prepared)
      order by 1`),
  );
  return rows.map(({ day }) => day).sort(byDay);
}

/** A year past 9999 has five digits or six. */
function byDay(one: string, other: string): number {
  if (one === other) return 0;
  return one.length - other.length || (one < other ? -1 : 1);
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().replace(/^\+0*/, '').slice(0, -'T00:00:00.000Z'.length);
}
