/**
 * The detector's states in PostgreSQL: deflated, for a state is ten kilobytes of text that shrink to three, and written
 * only by who leads.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { sql } from 'kysely';
import type { Snapshot } from '../alert/code-states.ts';
import type { SnapshotStore } from '../alert/ports.ts';
import type { Database } from './database.ts';
import { changeAsLeader } from './detection-store.ts';

/** Of all tried the cheapest for ten kilobytes of numbers, and as small: most of a call's cost is making its buffers. */
const DEFLATE = { level: 1, windowBits: 13, memLevel: 7, chunkSize: 4096 } as const;

interface SharedRow {
  readonly history_start: number;
  readonly threshold_hours: NonNullable<Awaited<ReturnType<SnapshotStore['readShared']>>>['thresholdHours'];
  readonly silent_stepped_until: number | null;
  readonly silent_state: Buffer | null;
}

interface CodeRow {
  readonly code: string;
  readonly stepped_until: number | null;
  readonly last_seen: number | null;
  readonly last_opening: Snapshot['lastOpening'];
  readonly state: Buffer | null;
  readonly is_outdated: boolean;
}

export function createSnapshotStore(database: Database): SnapshotStore {
  const { kysely } = database;
  return {
    async readShared() {
      const { rows } = await sql<SharedRow>`
        select extract(epoch from history_start)::float8 as history_start, threshold_hours,
          extract(epoch from silent_stepped_until)::float8 as silent_stepped_until, silent_state
        from detector_memory`.execute(kysely);
      const [row] = rows;
      if (row === undefined) return null;
      const silent = snapshotOf({
        stepped_until: row.silent_stepped_until,
        state: row.silent_state,
        last_seen: null,
        last_opening: null,
      });
      return { historyStartSeconds: row.history_start, thresholdHours: row.threshold_hours, silent };
    },
    async readCodes(after, limit) {
      const { rows } = await sql<CodeRow>`
        select code, extract(epoch from stepped_until)::float8 as stepped_until, extract(epoch from last_seen)::float8 as last_seen,
          last_opening, state, is_outdated
        from detector_state where ${after}::text is null or code > ${after} order by code limit ${limit}`.execute(kysely);
      return rows.map((row) => ({ code: row.code, isOutdated: row.is_outdated, snapshot: snapshotOf(row) }));
    },
    writeSnapshots: (epoch, { codes, shared }) =>
      changeAsLeader(database, epoch, async (transaction) => {
        if (codes.length > 0) {
          const snapshots = codes.map(({ snapshot }) => snapshot);
          await sql`
            insert into detector_state (code, is_outdated, stepped_until, last_seen, last_opening, state)
            select code, is_outdated, to_timestamp(stepped_until), to_timestamp(last_seen), last_opening, state
            from unnest(${codes.map(({ code }) => code)}::text[], ${codes.map(({ isOutdated }) => isOutdated)}::boolean[],
              ${snapshots.map((each) => each.steppedUntilSeconds)}::float8[],
              ${snapshots.map((each) => each.lastSeenSeconds)}::float8[],
              ${snapshots.map((each) => (each.lastOpening === null ? null : JSON.stringify(each.lastOpening)))}::jsonb[],
              ${snapshots.map((each) => deflate(each.state))}::bytea[])
              as given (code, is_outdated, stepped_until, last_seen, last_opening, state)
            on conflict on constraint detector_state_pkey do update set is_outdated = excluded.is_outdated,
              stepped_until = excluded.stepped_until, last_seen = excluded.last_seen, last_opening = excluded.last_opening,
              state = excluded.state`.execute(transaction);
        }
        if (shared === null) return;
        const { silent } = shared;
        await sql`
          insert into detector_memory as known (history_start, threshold_hours, silent_stepped_until, silent_state)
          values (to_timestamp(${shared.historyStartSeconds}::float8), ${JSON.stringify(shared.thresholdHours)}::jsonb,
            to_timestamp(${silent?.steppedUntilSeconds ?? null}::float8), ${silent === null ? null : deflate(silent.state)}::bytea)
          on conflict on constraint detector_memory_pkey do update set history_start = excluded.history_start,
            threshold_hours = excluded.threshold_hours,
            silent_stepped_until = coalesce(excluded.silent_stepped_until, known.silent_stepped_until),
            silent_state = coalesce(excluded.silent_state, known.silent_state)`.execute(transaction);
      }),
  };
}

function deflate(state: string): Buffer {
  return deflateRawSync(state, DEFLATE);
}

function snapshotOf({ stepped_until, last_seen, last_opening, state }: Omit<CodeRow, 'code' | 'is_outdated'>): Snapshot | null {
  if (stepped_until === null || state === null) return null;
  return {
    steppedUntilSeconds: stepped_until,
    lastSeenSeconds: last_seen,
    lastOpening: last_opening,
    state: inflateRawSync(state).toString(),
  };
}
