/**
 * The detector's place in event time, in PostgreSQL: what was counted, what was collected, how far the readers of Kafka
 * are, and who leads. Leadership is a row by the database's clock with an epoch; every write of a leader locks that row
 * in its own transaction, so a replica that only believes it leads writes nothing.
 */
import { sql, type Transaction } from 'kysely';
import type { DetectionStore, Written } from '../alert/ports.ts';
import type { Database } from './database.ts';
import { extendSpan } from './progress-store.ts';
import { readSeriesCounts } from './series-counts.ts';
import { applyChanges } from './spike-changes.ts';
import type { DB } from './tables.ts';

/** Our clock may be that far behind a producer's: a code admitted within so long may still be one that is to come. */
const ADMITTED_BEFORE_MS = 3_600_000;

/** @throws StoreUnavailable. Runs `work` only while `epoch` leads, and holds the lease row still meanwhile. */
export async function changeAsLeader(
  { kysely }: Pick<Database, 'kysely'>,
  epoch: number,
  work: (transaction: Transaction<DB>) => Promise<void>,
): Promise<Written> {
  return kysely.transaction().execute(async (transaction) => {
    const lease = await transaction
      .selectFrom('detector_lease')
      .select('epoch')
      .where('epoch', '=', String(epoch))
      .forShare()
      .executeTakeFirst();
    if (lease === undefined) return 'stale';
    await work(transaction);
    return 'written';
  });
}

export function createDetectionStore(database: Database): DetectionStore {
  const { kysely } = database;
  return {
    async keepLease(holder, epoch, leaseMs) {
      const { rows } = await sql<{ epoch: string | null; now: Date }>`
        with kept as (
          update detector_lease set holder = ${holder}, expires_at = clock_timestamp() + ${leaseMs}::float8 * interval '1 ms',
            epoch = case when holder = ${holder} and epoch = ${epoch}::bigint then epoch else epoch + 1 end
          where (holder = ${holder} and epoch = ${epoch}::bigint) or expires_at < clock_timestamp()
          returning epoch
        )
        select (select epoch from kept) as epoch, clock_timestamp() as now`.execute(kysely);
      const [row] = rows;
      if (row === undefined) throw new RangeError('The lease answered without a row.');
      return { epoch: row.epoch === null ? null : Number(row.epoch), nowMs: row.now.getTime() };
    },
    async releaseLease(holder, epoch) {
      await kysely
        .updateTable('detector_lease')
        .set({ expires_at: sql<Date>`'-infinity'` })
        .where('holder', '=', holder)
        .where('epoch', '=', String(epoch))
        .execute();
    },
    extendSpan: (key, fromMs, toMs) => extendSpan(kysely, key, fromMs, toMs),
    async readProgress() {
      const row = await kysely
        .selectFrom('detector_progress')
        .select(['evaluated_until', 'blind_since'])
        .executeTakeFirstOrThrow();
      return { evaluatedUntilMs: row.evaluated_until?.getTime() ?? null, blindSinceMs: row.blind_since?.getTime() ?? null };
    },
    async readPartitions(topic) {
      const rows = await kysely.selectFrom('kafka_progress').selectAll().where('topic', '=', topic).execute();
      return rows.map((row) => ({
        lastRecordAtMs: row.last_record_at?.getTime() ?? null,
        isCaughtUp: row.is_caught_up,
        isPaused: row.is_paused,
        updatedAtMs: row.updated_at.getTime(),
      }));
    },
    async readCodeCount() {
      const row = await kysely
        .selectFrom('counted_code')
        .select((counted) => counted.fn.countAll<string>().as('count'))
        .executeTakeFirstOrThrow();
      return Number(row.count);
    },
    async readEarliestBucket(fromMs) {
      // Not min(): it would read every row of codes whose clock was ahead; the index gives the first at once.
      const row = await kysely
        .selectFrom('bucket_count')
        .select('bucket_start')
        .where('bucket_start', '>=', new Date(fromMs))
        .where('is_clock_ahead', '=', false)
        .orderBy('bucket_start')
        .limit(1)
        .executeTakeFirst();
      return row?.bucket_start.getTime() ?? null;
    },
    readCounts: (range, code) => readSeriesCounts(kysely, range, code),
    async hasOtherCodes(code, { startSeconds, endSeconds }) {
      const row = await kysely
        .selectFrom('bucket_count')
        .select('code')
        .where('bucket_start', '>=', new Date(startSeconds * 1000))
        .where('bucket_start', '<', new Date(endSeconds * 1000))
        .where('is_clock_ahead', '=', false)
        .where('code', '<>', code)
        .limit(1)
        .executeTakeFirst();
      return row !== undefined;
    },
    async readSpans({ startSeconds, endSeconds }) {
      const rows = await kysely
        .selectFrom('collected_span')
        .select(['started_at', 'ended_at'])
        .where('ended_at', '>', new Date(startSeconds * 1000))
        .where('started_at', '<', new Date(endSeconds * 1000))
        .execute();
      return rows.map((row) => ({ startSeconds: row.started_at.getTime() / 1000, endSeconds: row.ended_at.getTime() / 1000 }));
    },
    async readLastSeen(beforeMs) {
      // One look at the index a code. Who was admitted long before and has no count left was seen then, at the latest.
      const { rows } = await sql<{ code: string; seen_at: Date }>`
        select code, seen_at from counted_code counted, lateral (select coalesce(
          (select bucket_start from bucket_count b
            where b.code = counted.code and not is_clock_ahead and bucket_start < ${new Date(beforeMs)}::timestamptz
            order by bucket_start desc limit 1),
          case when first_seen_at < ${new Date(beforeMs - ADMITTED_BEFORE_MS)}::timestamptz then first_seen_at end) as seen_at) last_seen
        where seen_at is not null`.execute(kysely);
      return new Map(rows.map((row) => [row.code, row.seen_at.getTime() / 1000]));
    },
    async takeLateCodes(epoch, limit) {
      let codes: readonly string[] = [];
      const written = await changeAsLeader(database, epoch, async (transaction) => {
        const { rows } = await sql<{ code: string }>`
          delete from late_code where code in (select distinct code from late_code order by code limit ${limit})
          returning code`.execute(transaction);
        codes = [...new Set(rows.map(({ code }) => code))];
        if (codes.length === 0) return;
        // Whoever leads before their states are computed anew must know that they are to be.
        await transaction
          .insertInto('detector_state')
          .values(codes.map((code) => ({ code, is_outdated: true })))
          .onConflict((conflict) => conflict.column('code').doUpdateSet({ is_outdated: true }))
          .execute();
      });
      return written === 'stale' ? 'stale' : codes;
    },
    async writeEvaluated(epoch, { fromMs, untilMs, changes }) {
      return changeAsLeader(database, epoch, async (transaction) => {
        const until = new Date(untilMs);
        const from = fromMs === null ? null : new Date(fromMs);
        const { numUpdatedRows } = await transaction
          .updateTable('detector_progress')
          .set({ evaluated_until: until })
          .where('evaluated_until', 'is not distinct from', from)
          .executeTakeFirst();
        // Written before, by a call whose answer was lost: the changes came with it.
        if (numUpdatedRows === 0n) return;
        await applyChanges(transaction, epoch, changes);
      });
    },
    writeBlindSince: (epoch, blindSinceMs) =>
      changeAsLeader(database, epoch, async (transaction) => {
        const blind_since = blindSinceMs === null ? null : new Date(blindSinceMs);
        await transaction.updateTable('detector_progress').set({ blind_since }).execute();
      }),
  };
}
