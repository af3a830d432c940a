/**
 * One living process a REPLICA_ID: two under one id would continue the same counters and overwrite each other's totals.
 * A row that lives 10 s by the database's clock and is renewed while the process lives; a database that is away lets
 * nobody take it either.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { InUse, StoreUnavailable } from '../errors.ts';
import type { Database } from './database.ts';

const LEASE_MS = 10_000;
const RENEW_MS = 3_000;
const ASK_AGAIN_MS = 500;

export interface ReplicaLeaseOptions {
  readonly replicaId: string;
  /** Said to whoever finds the id taken. */
  readonly host: string;
  /** How long to wait for another process to give the id up. */
  readonly waitMs: number;
  /** The database has one owner, us: whoever held the id before is gone. */
  readonly isExclusive?: boolean;
  readonly signal?: AbortSignal;
  readonly log: { warn(fields: object, text: string): void };
}

export interface ReplicaLease {
  /** Resolves when another process has taken the id: this one must stop at once. */
  readonly lost: Promise<InUse>;
  /** Gives the id back. Safe twice. @throws StoreUnavailable: it expires by itself. */
  release(): Promise<void>;
}

/** @throws InUse, naming the holder, when the id is still taken after `waitMs`. @throws StoreUnavailable. */
export async function acquireReplicaLease(database: Database, options: ReplicaLeaseOptions): Promise<ReplicaLease> {
  const { replicaId, host, waitMs, isExclusive = false, signal, log } = options;
  const processId = randomUUID();
  const untilMs = performance.now() + waitMs;
  const take = () => takeRow(database, { replicaId, processId, host, isExclusive });
  while (!(await take())) {
    const holder = await readHolder(database, replicaId);
    if (performance.now() >= untilMs) throw inUse(replicaId, holder);
    await delay(ASK_AGAIN_MS, undefined, signal === undefined ? {} : { signal });
  }

  const { promise: lost, resolve: lose } = Promise.withResolvers<InUse>();
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;

  async function renew(): Promise<void> {
    try {
      if ((await renewRow(database, replicaId, processId)) || isOver) return;
      isOver = true;
      lose(inUse(replicaId, await readHolder(database, replicaId)));
    } catch (err) {
      if (!(err instanceof StoreUnavailable)) log.warn({ err }, 'the REPLICA_ID could not be renewed; trying again');
    }
  }
  function renewLater(): void {
    timer = setTimeout(() => void renew().then(() => isOver || renewLater()), RENEW_MS);
    timer.unref();
  }
  renewLater();

  return {
    lost,
    async release() {
      isOver = true;
      clearTimeout(timer);
      await database.kysely
        .deleteFrom('replica')
        .where('replica_id', '=', replicaId)
        .where('process_id', '=', processId)
        .execute();
    },
  };
}

interface Claim {
  readonly replicaId: string;
  readonly processId: string;
  readonly host: string;
  readonly isExclusive: boolean;
}

async function takeRow({ kysely }: Database, { replicaId, processId, host, isExclusive }: Claim): Promise<boolean> {
  const { rows } = await sql`
    insert into replica as held (replica_id, process_id, host, started_at, expires_at)
    values (${replicaId}, ${processId}, ${host}, clock_timestamp(), clock_timestamp() + ${LEASE_MS}::float8 * interval '1 ms')
    on conflict on constraint replica_pkey do update set
      process_id = excluded.process_id, host = excluded.host, started_at = excluded.started_at, expires_at = excluded.expires_at
    where held.expires_at < clock_timestamp() or ${isExclusive}
    returning replica_id`.execute(kysely);
  return rows.length > 0;
}

/** Also after it expired, when nobody took it meanwhile. */
async function renewRow({ kysely }: Database, replicaId: string, processId: string): Promise<boolean> {
  const { numUpdatedRows } = await kysely
    .updateTable('replica')
    .set({ expires_at: sql<Date>`clock_timestamp() + ${LEASE_MS}::float8 * interval '1 ms'` })
    .where('replica_id', '=', replicaId)
    .where('process_id', '=', processId)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

async function readHolder(
  { kysely }: Database,
  replicaId: string,
): Promise<{ readonly host: string; readonly since: Date } | null> {
  const row = await kysely
    .selectFrom('replica')
    .select(['host', 'started_at as since'])
    .where('replica_id', '=', replicaId)
    .executeTakeFirst();
  return row ?? null;
}

function inUse(replicaId: string, holder: { readonly host: string; readonly since: Date } | null): InUse {
  const by = holder === null ? 'another process' : `a process on ${holder.host} since ${holder.since.toISOString()}`;
  return new InUse('replica_id_in_use', `REPLICA_ID ${replicaId} is held by ${by}. Give each replica an id of its own.`);
}
