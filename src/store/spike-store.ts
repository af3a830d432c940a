/**
 * Spikes in PostgreSQL. The reader serves the pages and the API: by id, by what is going on, and page by page from the
 * newest; the store serves the detection loop. Time is the database's, and what the loop changes it changes as leader only.
 */
import { type Selectable, sql } from 'kysely';
import type { NewestError, SpikeStore } from '../alert/ports.ts';
import type { Breadth, Escalation, SpikeKind, SpikeReader, SpikeRecord, SpikeState } from '../alert/spike.ts';
import type { Database } from './database.ts';
import { changeAsLeader } from './detection-store.ts';
import { createEvidenceReader } from './evidence-reader.ts';
import { evidenceOf, fieldsOf } from './evidence-row.ts';
import type { JsonValue, Spike } from './tables.ts';

const SPIKE_ID = /^\d{1,18}$/;
const CURSOR = /^(\d{1,15})-(\d{1,18})$/;
const KINDS: readonly SpikeKind[] = ['surge', 'new_code', 'returning_code', 'silent_code', 'all_codes'];
const STATES: readonly SpikeState[] = ['pending', 'firing', 'resolved'];
const NEWEST_COUNT = 3;

export function createSpikeReader({ kysely }: Pick<Database, 'kysely'>): SpikeReader {
  const spikes = () => kysely.selectFrom('spike').selectAll().orderBy('opened_at', 'desc').orderBy('id', 'desc');
  return {
    async listSpikes({ state, kind, code, limit, cursor }) {
      let query = spikes().limit(limit + 1);
      if (state !== undefined) query = query.where('state', '=', state);
      if (kind !== undefined) query = query.where('kind', '=', kind);
      if (code !== undefined) query = query.where('code', '=', code);
      if (cursor !== undefined) {
        const { openedAt, id } = placeOf(cursor);
        query = query.where((where) =>
          where.or([where('opened_at', '<', openedAt), where.and([where('opened_at', '=', openedAt), where('id', '<', id)])]),
        );
      }
      const found = (await query.execute()).map(spikeOf);
      const items = found.slice(0, limit);
      const last = items.at(-1);
      return { items, nextCursor: found.length > limit && last !== undefined ? `${last.openedAtMs}-${last.id}` : null };
    },
    async getSpike(id) {
      if (!SPIKE_ID.test(id)) return null;
      const row = await kysely.selectFrom('spike').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? null : spikeOf(row);
    },
    async activeSpikes() {
      return (await spikes().where('state', '<>', 'resolved').execute()).map(spikeOf);
    },
    async spikeOfCodeAt(code, atMs) {
      const at = new Date(atMs);
      const row = await spikes()
        .where('code', '=', code)
        .where('kind', 'in', ['surge', 'all_codes'])
        .where('field', 'is', null) // Of one field among many it says nothing about this error.
        .where('starts_at', '<=', at)
        .where((where) => where.or([where('closed_at', 'is', null), where('closed_at', '>=', at)]))
        .limit(1)
        .executeTakeFirst();
      return row === undefined ? null : spikeOf(row);
    },
  };
}

/** What the detection loop reads and changes of spikes. */
export function createSpikeStore(database: Database): SpikeStore {
  const { kysely } = database;
  return {
    ...createEvidenceReader(database),
    activeSpikes: createSpikeReader(database).activeSpikes,
    async spikesToTell(resolvedSinceMs) {
      const rows = await kysely
        .selectFrom('spike')
        .selectAll()
        .where((where) => where.or([where('state', '<>', 'resolved'), where('resolved_at', '>=', new Date(resolvedSinceMs))]))
        .orderBy('id')
        .execute();
      return rows.map(spikeOf);
    },
    async sampleNewest(codes, fromMs, toMs) {
      const { rows } = await sql<{ code: string; request_id: string; status: number | null }>`
        select wanted.code, newest.request_id, newest.status from unnest(${codes}::text[]) as wanted (code), lateral (
          select request_id, status from envelope e
          where e.code = wanted.code and occurred_at >= ${new Date(fromMs)}::timestamptz and occurred_at < ${new Date(toMs)}::timestamptz
            and day >= (${new Date(fromMs)}::timestamptz at time zone 'UTC')::date and day <= (${new Date(toMs)}::timestamptz at time zone 'UTC')::date
            and not coalesce('clock_ahead' = any(sanitized), false)
          order by occurred_at desc limit ${NEWEST_COUNT}) as newest`.execute(kysely);
      const found = new Map<string, NewestError[]>();
      for (const { code, request_id, status } of rows) {
        const own = found.get(code) ?? [];
        found.set(code, [...own, { requestId: request_id, status }]);
      }
      return found;
    },
    changeStates: (epoch, changes) =>
      changeAsLeader(database, epoch, async (transaction) => {
        for (const [{ state, isLate }, ids] of groupsOf(changes)) {
          await transaction
            .updateTable('spike')
            .set({
              state,
              is_late: isLate,
              epoch,
              ...(state === 'resolved' ? { resolved_at: sql<Date>`clock_timestamp()` } : {}),
            })
            .where(sql<boolean>`id = any(${ids}::bigint[])`)
            .where('state', '<>', 'resolved')
            .execute();
        }
      }),
    markAccepted: (epoch, accepted) =>
      changeAsLeader(database, epoch, async (transaction) => {
        for (const [{ isLate }, ids] of groupsOf(accepted)) {
          await transaction
            .updateTable('spike')
            .set({ state: 'firing', is_late: isLate, epoch, first_accepted_at: sql<Date>`clock_timestamp()` })
            .where(sql<boolean>`id = any(${ids}::bigint[])`)
            .where('state', '=', 'pending')
            .execute();
        }
      }),
  };
}

/** Ids of what changes alike: thousands of new codes are one statement. */
function groupsOf<T extends { readonly id: string }>(changes: readonly T[]): readonly (readonly [T, readonly string[]])[] {
  const groups = Map.groupBy(changes, ({ id: _, ...change }) => JSON.stringify(change));
  return [...groups.values()].flatMap((alike) => {
    const [first] = alike;
    return first === undefined ? [] : [[first, alike.map(({ id }) => id)] as const];
  });
}

/** A row in the words of everybody else. @throws TypeError when the row holds what this version does not know. */
function spikeOf(row: Selectable<Spike>): SpikeRecord {
  return {
    id: row.id,
    kind: memberOf(KINDS, row.kind),
    code: row.code,
    pair: row.field === null || row.sub_code === null ? null : { field: row.field, code: row.sub_code },
    status: row.status,
    state: memberOf(STATES, row.state),
    startsAtMs: row.starts_at.getTime(),
    openedAtMs: row.opened_at.getTime(),
    closedAtMs: row.closed_at?.getTime() ?? null,
    closeReason: row.close_reason,
    detectedAtMs: row.detected_at.getTime(),
    firstAcceptedAtMs: row.first_accepted_at?.getTime() ?? null,
    resolvedAtMs: row.resolved_at?.getTime() ?? null,
    isLate: row.is_late,
    observed: row.observed,
    expected: row.expected,
    windowSeconds: row.window_seconds,
    score: row.score,
    labels: textsOf(row.labels),
    evidence: evidenceOf(row.evidence),
    lastSeenAtMs: row.last_seen_at?.getTime() ?? null,
    breadth: breadthOf(row.breadth),
    coveredBy: row.covered_by,
    escalation: escalationOf(row.escalation),
  };
}

/** @throws RangeError when the cursor is none of ours. */
function placeOf(cursor: string): { readonly openedAt: Date; readonly id: string } {
  const [, openedAtMs, id] = CURSOR.exec(cursor) ?? [];
  if (openedAtMs === undefined || id === undefined) throw new RangeError('This is no cursor of a list of spikes.');
  return { openedAt: new Date(Number(openedAtMs)), id };
}

function memberOf<T extends string>(members: readonly T[], value: string): T {
  const found = members.find((member) => member === value);
  if (found === undefined) throw new TypeError(`A spike in the database has a kind or state unknown to this version: ${value}`);
  return found;
}

function textsOf(value: JsonValue): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fieldsOf(value)).flatMap(([key, text]) => (typeof text === 'string' ? [[key, text]] : [])),
  );
}

function breadthOf(value: JsonValue): Breadth | null {
  const { risenCount, fairCount, codes } = fieldsOf(value);
  if (typeof risenCount !== 'number' || typeof fairCount !== 'number' || !Array.isArray(codes)) return null;
  return { risenCount, fairCount, codes: codes.filter((code) => typeof code === 'string') };
}

function escalationOf(value: JsonValue): Escalation | null {
  const { atMs, observed, expected, windowSeconds } = fieldsOf(value);
  if (typeof atMs !== 'number' || typeof observed !== 'number') return null;
  if (typeof expected !== 'number' || typeof windowSeconds !== 'number') return null;
  return { atMs, observed, expected, windowSeconds };
}
