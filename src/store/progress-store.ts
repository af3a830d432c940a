/**
 * What the sources tell of event time: how far each Kafka partition is committed, and which spans were collected, so that
 * no error there means zero. Written by whoever reads, on every replica; read by the detector.
 */
import { type Kysely, sql } from 'kysely';
import type { Database } from './database.ts';
import type { DB } from './tables.ts';

/** Where a Kafka partition's reader stands; record times in epoch milliseconds, null: none with a timestamp. */
export interface KafkaProgressReport {
  readonly topic: string;
  readonly partition: number;
  /** Next offset to read, decimal. */
  readonly committedOffset: string;
  readonly firstRecordAtMs: number | null;
  readonly lastRecordAtMs: number | null;
  readonly isCaughtUp: boolean;
  /** Waits for an operator; the detector does not wait for it. */
  readonly isPaused?: boolean;
}

/** Event time from..to in which nothing was missed under this key. Never past the database's clock, never shorter than it was. */
export async function extendSpan(kysely: Kysely<DB>, key: string, fromMs: number, toMs: number): Promise<void> {
  await sql`
    insert into collected_span as span (span_key, started_at, ended_at)
    select ${key}, given.started_at, greatest(given.started_at, least(given.ended_at, clock_timestamp()))
    from (values (${new Date(fromMs)}::timestamptz, ${new Date(toMs)}::timestamptz)) as given (started_at, ended_at)
    on conflict on constraint collected_span_pkey do update set
      started_at = least(span.started_at, excluded.started_at), ended_at = greatest(span.ended_at, excluded.ended_at)`.execute(
    kysely,
  );
}

/** What a source of envelopes tells of how far it is. */
export function createProgressRecorder({ kysely }: Pick<Database, 'kysely'>) {
  return {
    /** Upserts each Kafka partition's place and stretches the topic's span, in one transaction. @throws StoreUnavailable. */
    async recordKafkaProgress(progress: readonly KafkaProgressReport[]): Promise<void> {
      if (progress.length === 0) return;
      await kysely.transaction().execute(async (transaction) => {
        for (const report of progress.toSorted((one, other) => one.partition - other.partition)) {
          await sql`
            insert into kafka_progress as known
              (topic, kafka_partition, committed_offset, first_record_at, last_record_at, is_caught_up, is_paused, updated_at)
            values (${report.topic}, ${report.partition}, ${report.committedOffset}::bigint, ${momentOf(report.firstRecordAtMs)},
              ${momentOf(report.lastRecordAtMs)}, ${report.isCaughtUp}, ${report.isPaused ?? false}, clock_timestamp())
            on conflict on constraint kafka_progress_pkey do update set
              committed_offset = excluded.committed_offset, is_caught_up = excluded.is_caught_up, is_paused = excluded.is_paused,
              first_record_at = least(known.first_record_at, excluded.first_record_at),
              last_record_at = coalesce(excluded.last_record_at, known.last_record_at), updated_at = clock_timestamp()`.execute(
            transaction,
          );
        }
        for (const [topic, { startMs, endMs }] of spansOf(progress))
          await extendSpan(transaction, `kafka:${topic}`, startMs, endMs);
      });
    },
    extendSpan: (key: string, fromMs: number, toMs: number) => extendSpan(kysely, key, fromMs, toMs),
  };
}

function momentOf(atMs: number | null): Date | null {
  return atMs === null ? null : new Date(atMs);
}

function spansOf(progress: readonly KafkaProgressReport[]) {
  const spans = new Map<string, { readonly startMs: number; readonly endMs: number }>();
  for (const { topic, firstRecordAtMs, lastRecordAtMs } of progress) {
    const [firstMs, lastMs] = [firstRecordAtMs ?? lastRecordAtMs, lastRecordAtMs ?? firstRecordAtMs];
    if (firstMs === null || lastMs === null) continue;
    const known = spans.get(topic);
    spans.set(topic, { startMs: Math.min(known?.startMs ?? firstMs, firstMs), endMs: Math.max(known?.endMs ?? lastMs, lastMs) });
  }
  return spans;
}
