/** Dead letters that may be read again, and what became of them when they were. */
import { sql } from 'kysely';
import type { Database } from './database.ts';

/** One that Kafka may still hold. */
export interface OpenDeadLetter {
  readonly id: string;
  readonly reason: string;
  readonly partition: number;
  readonly offset: bigint;
  /** Keyed digest of the bytes that were rejected: other bytes at the same offset are another record. */
  readonly digest: Uint8Array;
}

export interface OpenFilter {
  readonly topic: string;
  readonly reason?: string;
  readonly limit: number;
}

/** Every method @throws StoreUnavailable | StoreRefused. */
export function createDeadLetterReplay({ kysely }: Pick<Database, 'kysely'>) {
  const open = () => kysely.selectFrom('dead_letter').where('source', '=', 'kafka').where('replayed_at', 'is', null);
  return {
    /** Topics that have any. */
    async listTopics(): Promise<readonly string[]> {
      const rows = await open().select('topic').distinct().orderBy('topic').execute();
      return rows.flatMap(({ topic }) => (topic === null ? [] : [topic]));
    },
    /** Oldest first. */
    async listOpen({ topic, reason, limit }: OpenFilter): Promise<readonly OpenDeadLetter[]> {
      let query = open()
        .select(['id', 'reason', 'kafka_partition', 'kafka_offset', 'digest'])
        .where('topic', '=', topic)
        .orderBy('id')
        .limit(limit);
      if (reason !== undefined) query = query.where('reason', '=', reason);
      return (await query.execute()).flatMap(({ id, kafka_partition, kafka_offset, digest, ...row }) =>
        kafka_partition === null || kafka_offset === null
          ? []
          : [{ id, reason: row.reason, partition: kafka_partition, offset: BigInt(kafka_offset), digest }],
      );
    },
    /** These are accepted now: told and counted no more. */
    async markReplayed(ids: readonly string[]): Promise<void> {
      if (ids.length === 0) return;
      await kysely
        .updateTable('dead_letter')
        .set({ replayed_at: sql<Date>`clock_timestamp()` })
        .where('id', 'in', ids)
        .where('replayed_at', 'is', null)
        .execute();
    },
    /** Still rejected, for another reason than before. */
    async changeReason(id: string, reason: string): Promise<void> {
      await kysely.updateTable('dead_letter').set({ reason }).where('id', '=', id).execute();
    },
    async readDigestKey(): Promise<Uint8Array> {
      return (await kysely.selectFrom('installation').select('digest_key').executeTakeFirstOrThrow()).digest_key;
    },
  };
}
