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

export function createPartitionKeeper({ database, retentionDays, log }: PartitionKeeperOptions): PartitionKeeper {
  let timer: NodeJS.Timeout | undefined;

  async function keep(): Promise<void> {
    await database.withClient(async (client) => {
      // A day is refused by `decode` before it is dropped here: envelopes older than retention never reach the store.
      const days = [retentionDays];
      await client.query(
        `select prepare_envelope_day(day::date)
         from generate_series((now() at time zone 'UTC')::date - $1::int, (now() at time zone 'UTC')::date + ${DAYS_AHEAD}, '1 day') as day`,
        days,
      );
      await client.query("select drop_envelope_days_before((now() at time zone 'UTC')::date - $1::int - 1)", days);
      await client.query("delete from bucket_count where bucket_start < now() - ($1::int + 1) * interval '1 day'", days);
      await client.query("delete from field_count where bucket_start < now() - ($1::int + 1) * interval '1 day'", days);
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
