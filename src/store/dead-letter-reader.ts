/** Dead letters as people read them: page by page from the newest, counted by reason, and the Kafka partitions that wait. */
import type { DeadLetterReader, PausedPartition } from '../http/ports.ts';
import type { Database } from './database.ts';

const DAY_MS = 86_400_000;
/** A dead letter's id: later ones have larger ones. */
const CURSOR = /^\d{1,18}$/;

export function createDeadLetterReader({ kysely }: Pick<Database, 'kysely'>): DeadLetterReader {
  return {
    async listDeadLetters({ reason, limit, cursor }) {
      if (cursor !== undefined && !CURSOR.test(cursor)) return null;
      let query = kysely
        .selectFrom('dead_letter')
        .selectAll()
        .where('replayed_at', 'is', null)
        .orderBy('id', 'desc')
        .limit(limit + 1);
      if (reason !== undefined) query = query.where('reason', '=', reason);
      if (cursor !== undefined) query = query.where('id', '<', cursor);
      const rows = await query.execute();
      const items = rows.slice(0, limit).map((row) => ({
        id: row.id,
        source: row.source,
        reason: row.reason,
        coordinates: coordinatesOf(row),
        sizeBytes: row.size_bytes,
        digest: row.digest.toString('hex'),
        requestId: row.request_id,
        receivedAtMs: row.received_at.getTime(),
      }));
      return { items, nextCursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
    },

    async countReasons(nowMs) {
      const rows = await kysely
        .selectFrom('dead_letter')
        .select((row) => ['reason', row.fn.countAll<string>().as('day_count'), row.fn.max('received_at').as('newest_at')])
        .where('replayed_at', 'is', null)
        .where('received_at', '>', new Date(nowMs - DAY_MS))
        .groupBy('reason')
        .orderBy('day_count', 'desc')
        .orderBy('reason')
        .execute();
      return rows.map((row) => ({
        reason: row.reason,
        lastDayCount: Number(row.day_count),
        newestAtMs: row.newest_at.getTime(),
      }));
    },

    async listPausedPartitions() {
      const rows = await kysely.selectFrom('kafka_pause').selectAll().orderBy('paused_at').orderBy('kafka_partition').execute();
      return rows.map((row) => ({
        topic: row.topic,
        partition: row.kafka_partition,
        cause: causeOf(row.cause),
        detail: row.detail,
        offset: row.paused_offset,
        pausedAtMs: row.paused_at.getTime(),
        skipTo: row.skip_to,
      }));
    },
  };
}

interface CoordinateColumns {
  readonly topic: string | null;
  readonly kafka_partition: number | null;
  readonly kafka_offset: string | null;
}

function coordinatesOf({ topic, kafka_partition: partition, kafka_offset: offset }: CoordinateColumns) {
  return topic === null || partition === null || offset === null ? null : { topic, partition, offset };
}

/** The table's own check holds that there is no third. */
function causeOf(cause: string): PausedPartition['cause'] {
  return cause === 'batch_unreadable' ? cause : 'rejected_in_a_row';
}
