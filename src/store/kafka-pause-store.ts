/**
 * Kafka partitions that wait for an operator, and how many of their records were rejected in a row. The source pauses and
 * reads; operators end a pause, each time leaving a row that says who, when and what, in the same transaction.
 */
import { type Kysely, sql } from 'kysely';
import type { Database } from './database.ts';
import type { DB, JsonObject } from './tables.ts';

export interface PauseRow {
  readonly partition: number;
  readonly cause: 'rejected_in_a_row' | 'batch_unreadable';
  readonly detail: string;
  /** Next offset to read. */
  readonly offset: bigint;
  readonly knownBadUntil: bigint;
  readonly skipTo: bigint | null;
}

interface Run {
  readonly rejectedCount: number;
  readonly nextOffset: bigint;
}

/** Which Kafka partition an operator means, and who that is. */
export interface OperatorRequest {
  readonly topic: string;
  readonly partition: number;
  readonly actor: string;
}

/** Every method @throws StoreUnavailable | StoreRefused. */
export function createKafkaPauseStore({ kysely }: Pick<Database, 'kysely'>) {
  return {
    async readPauses(topic: string): Promise<readonly PauseRow[]> {
      const rows = await kysely.selectFrom('kafka_pause').selectAll().where('topic', '=', topic).execute();
      return rows.map((row) => ({
        partition: row.kafka_partition,
        cause: row.cause === 'batch_unreadable' ? row.cause : 'rejected_in_a_row',
        detail: row.detail,
        offset: BigInt(row.paused_offset),
        knownBadUntil: BigInt(row.known_bad_until),
        skipTo: row.skip_to === null ? null : BigInt(row.skip_to),
      }));
    },
    async readRuns(topic: string) {
      const rows = await kysely.selectFrom('kafka_rejected_run').selectAll().where('topic', '=', topic).execute();
      return rows.map((row) => ({
        partition: row.kafka_partition,
        rejectedCount: row.rejected_count,
        nextOffset: BigInt(row.next_offset),
      }));
    },
    recordRun: (topic: string, partition: number, run: Run) => writeRun(kysely, topic, partition, run),
    async pause(topic: string, { partition, cause, detail, offset, knownBadUntil }: PauseRow): Promise<void> {
      await kysely.transaction().execute(async (transaction) => {
        await transaction
          .insertInto('kafka_pause')
          .values({ topic, kafka_partition: partition, cause, detail, paused_offset: offset, known_bad_until: knownBadUntil })
          .onConflict((conflict) => conflict.constraint('kafka_pause_pkey').doNothing())
          .execute();
        await writeRun(transaction, topic, partition, { rejectedCount: 0, nextOffset: offset });
      });
    },
    async endSkip(topic: string, partition: number, skipTo: bigint): Promise<void> {
      await kysely
        .deleteFrom('kafka_pause')
        .where('topic', '=', topic)
        .where('kafka_partition', '=', partition)
        .where('skip_to', '=', `${skipTo}`)
        .execute();
    },
    /** Whoever reads the Kafka partition goes on within seconds. Answers the offset, or null when it is not paused. */
    async resume({ topic, partition, actor }: OperatorRequest): Promise<bigint | null> {
      return kysely.transaction().execute(async (transaction) => {
        const ended = await transaction
          .deleteFrom('kafka_pause')
          .where('topic', '=', topic)
          .where('kafka_partition', '=', partition)
          .returning('paused_offset')
          .executeTakeFirst();
        if (ended === undefined) return null;
        await writeAction(transaction, actor, 'kafka_resume', { topic, partition, offset: ended.paused_offset });
        return BigInt(ended.paused_offset);
      });
    },
    /**
     * Asks whoever reads the Kafka partition to go on at `to`; null: behind what is known to be bad. Answers from where to
     * where, or null when it is not paused. @throws RangeError when `to` lies before the pause.
     */
    async askSkip({ topic, partition, actor }: OperatorRequest, to: bigint | null) {
      return kysely.transaction().execute(async (transaction) => {
        const pause = await transaction
          .selectFrom('kafka_pause')
          .select(['paused_offset', 'known_bad_until'])
          .where('topic', '=', topic)
          .where('kafka_partition', '=', partition)
          .forUpdate()
          .executeTakeFirst();
        if (pause === undefined) return null;
        const from = BigInt(pause.paused_offset);
        const target = to ?? BigInt(pause.known_bad_until);
        if (target < from) throw new RangeError(`it is paused at offset ${from}: a skip goes forward`);
        await transaction
          .updateTable('kafka_pause')
          .set({ skip_to: `${target}` })
          .where('topic', '=', topic)
          .where('kafka_partition', '=', partition)
          .execute();
        await writeAction(transaction, actor, 'kafka_skip', { topic, partition, fromOffset: `${from}`, toOffset: `${target}` });
        return { from, to: target };
      });
    },
    /** `topic/partition` of all that wait. */
    async listPaused(): Promise<readonly string[]> {
      const rows = await kysely
        .selectFrom('kafka_pause')
        .select(['topic', 'kafka_partition'])
        .orderBy('topic')
        .orderBy('kafka_partition')
        .execute();
      return rows.map((row) => `${row.topic}/${row.kafka_partition}`);
    },
  };
}

async function writeRun(kysely: Kysely<DB>, topic: string, partition: number, { rejectedCount, nextOffset }: Run): Promise<void> {
  await sql`
    insert into kafka_rejected_run (topic, kafka_partition, rejected_count, next_offset)
    values (${topic}, ${partition}, ${rejectedCount}, ${`${nextOffset}`}::bigint)
    on conflict on constraint kafka_rejected_run_pkey do update set
      rejected_count = excluded.rejected_count, next_offset = excluded.next_offset`.execute(kysely);
}

/** What an operator did stays: the service may not change or delete it. */
export async function writeAction(kysely: Kysely<DB>, actor: string, action: string, subject: JsonObject): Promise<void> {
  await kysely
    .insertInto('operator_action')
    .values({ actor, action, subject: JSON.stringify(subject) })
    .execute();
}
