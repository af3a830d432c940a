/**
 * Keeps the days of the row table: every day that may still receive envelopes has its table partition before it is
 * needed, and days past retention are dropped whole, which frees the disk at once. Runs at start and every hour; the
 * functions that it calls take a lock, so replicas may all do it.
 */
import type { Database } from './database.ts';

const KEEP_INTERVAL_MS = 3_600_000;
/** Days ahead that are prepared: an hour's keeping may fail a whole day long before it matters. */
const DAYS_AHEAD = 2;

export interface PartitionKeeper {
  /** Once, at start. @throws StoreUnavailable | StoreRefused. */
  start(): Promise<void>;
  stop(): void;
}

export interface PartitionKeeperOptions {
  readonly database: Database;
  readonly retentionDays: number;
  readonly log: { warn(fields: object, text: string): void };
}

/** Makes the table partitions of the days that may receive envelopes. @throws StoreUnavailable | StoreRefused. */
export async function prepareDays(database: Database, retentionDays: number): Promise<void> {
  await database.withClient((client) =>
    client.query(
      `select prepare_envelope_day(day::date)
       from generate_series((now() at time zone 'UTC')::date - $1::int, (now() at time zone 'UTC')::date + ${DAYS_AHEAD}, '1 day') as day`,
      [retentionDays],
    ),
  );
}

const COUNTS = [
  { table: 'bucket_count', kept: 'error_count' },
  { table: 'field_count', kept: 'field_count' },
] as const;

/** Removes the counts of days past retention and writes down how many errors they were. $1 retention in days. */
function removeCounts(table: string, kept: string): string {
  return `with gone as (
    delete from ${table} where bucket_start < ((now() at time zone 'UTC')::date - $1::int - 1)::timestamp at time zone 'UTC'
    returning bucket_start, error_count)
  insert into removed_count as removed (day, reason, ${kept})
  select (bucket_start at time zone 'UTC')::date, 'retention', sum(error_count) from gone group by 1
  on conflict on constraint removed_count_pkey do update set ${kept} = removed.${kept} + excluded.${kept}`;
}

export function createPartitionKeeper({ database, retentionDays, log }: PartitionKeeperOptions): PartitionKeeper {
  let timer: NodeJS.Timeout | undefined;

  async function keep(): Promise<void> {
    await prepareDays(database, retentionDays);
    await database.withClient(async (client) => {
      // A day is refused by `decode` before it is dropped here: envelopes older than retention never reach the store.
      const days = [retentionDays];
      await client.query("select drop_envelope_days_before((now() at time zone 'UTC')::date - $1::int - 1)", days);
      // After their rows and by whole days, as these: what is compared with rows is kept for as long as they are.
      for (const { table, kept } of COUNTS) await client.query(removeCounts(table, kept), days);
      await client.query("delete from traffic where at < now() - ($1::int + 1) * interval '1 day'", days);
      await client.query("delete from dead_letter where received_at < now() - ($1::int + 1) * interval '1 day'", days);
      await client.query("delete from envelope_conflict where received_at < now() - ($1::int + 1) * interval '1 day'", days);
      await client.query("delete from collected_span where ended_at < now() - ($1::int + 1) * interval '1 day'", days);
    });
  }

  return {
    async start() {
      await keep();
      timer = setInterval(() => {
        keep().catch((err: unknown) => log.warn({ err }, 'table partitions could not be kept; trying again in an hour'));
      }, KEEP_INTERVAL_MS);
      timer.unref();
    },
    stop: () => clearInterval(timer),
  };
}
