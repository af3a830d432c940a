/**
 * Spikes in PostgreSQL. The reader serves the pages and the API: by id, by what is going on, and page by page from the
 * newest.
 */
import type { Selectable } from 'kysely';
import type { SpikeEvidence, SpikeKind, SpikeReader, SpikeRecord, SpikeState } from '../alert/spike.ts';
import { readSpikeCursor, SPIKE_STATES, spikeCursorOf } from '../alert/spike.ts';
import { SPIKE_KINDS } from '../metrics.ts';
import type { Database } from './database.ts';
import type { JsonValue, Spike } from './tables.ts';

const SPIKE_ID = /^\d{1,18}$/;

export function createSpikeReader({ kysely }: Pick<Database, 'kysely'>): SpikeReader {
  const spikes = () => kysely.selectFrom('spike').selectAll().orderBy('opened_at', 'desc').orderBy('id', 'desc');
  return {
    async listSpikes({ state, kind, code, limit, cursor }) {
      let query = spikes().limit(limit + 1);
      if (state !== undefined) query = query.where('state', '=', state);
      if (kind !== undefined) query = query.where('kind', '=', kind);
      if (code !== undefined) query = query.where('code', '=', code);
      if (cursor !== undefined) {
        const after = readSpikeCursor(cursor);
        if (after === null) throw new RangeError('This is no cursor of a list of spikes.');
        const openedAt = new Date(after.openedAtMs);
        query = query.where((where) =>
          where.or([
            where('opened_at', '<', openedAt),
            where.and([where('opened_at', '=', openedAt), where('id', '<', after.id)]),
          ]),
        );
      }
      const found = (await query.execute()).map(spikeOf);
      const items = found.slice(0, limit);
      const last = items.at(-1);
      return { items, nextCursor: found.length > limit && last !== undefined ? spikeCursorOf(last) : null };
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
        .where('starts_at', '<=', at)
        .where((where) => where.or([where('closed_at', 'is', null), where('closed_at', '>=', at)]))
        .limit(1)
        .executeTakeFirst();
      return row === undefined ? null : spikeOf(row);
    },
  };
}

/** A row in the words of everybody else. @throws TypeError when the row holds what this version does not know. */
export function spikeOf(row: Selectable<Spike>): SpikeRecord {
  return {
    id: row.id,
    kind: memberOf<SpikeKind>(SPIKE_KINDS, row.kind),
    code: row.code,
    status: row.status,
    state: memberOf<SpikeState>(SPIKE_STATES, row.state),
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
  };
}

function memberOf<T extends string>(members: readonly T[], value: string): T {
  const found = members.find((member) => member === value);
  if (found === undefined) throw new TypeError(`A spike in the database has a kind or state unknown to this version: ${value}`);
  return found;
}

function fieldsOf(value: JsonValue | undefined): { readonly [key: string]: JsonValue | undefined } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}

function textsOf(value: JsonValue): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fieldsOf(value)).flatMap(([key, text]) => (typeof text === 'string' ? [[key, text]] : [])),
  );
}

function evidenceOf(value: JsonValue): SpikeEvidence {
  const { requestIds, dominantDetail } = fieldsOf(value);
  const { key, value: detail, shareRatio } = fieldsOf(dominantDetail);
  return {
    requestIds: Array.isArray(requestIds) ? requestIds.filter((id) => typeof id === 'string') : [],
    dominantDetail:
      typeof key === 'string' && typeof detail === 'string' && typeof shareRatio === 'number'
        ? { key, value: detail, shareRatio }
        : null,
  };
}
