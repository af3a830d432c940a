/**
 * What a stretch of event time changes about spikes, written in the leader's transaction together with how far it read.
 * Spikes that begin together go in together: a flood of new codes is thousands.
 */
import { sql, type Transaction } from 'kysely';
import type { SpikeChange } from '../alert/ports.ts';
import type { DB } from './tables.ts';

type Beginning = Extract<SpikeChange, { readonly kind: 'begin' }>;
/** Each row has 20 values, and a statement holds at most 65,535. */
const ROWS_A_STATEMENT = 1000;

export async function applyChanges(transaction: Transaction<DB>, epoch: number, changes: readonly SpikeChange[]): Promise<void> {
  let beginnings: Beginning[] = [];
  for (const change of changes) {
    if (change.kind === 'begin') {
      // A covered spike refers to the row of the all-codes spike, which must be there.
      if (beginnings.length === ROWS_A_STATEMENT || change.isCovered !== beginnings[0]?.isCovered) {
        await begin(transaction, epoch, beginnings);
        beginnings = [];
      }
      beginnings.push(change);
      continue;
    }
    await begin(transaction, epoch, beginnings);
    beginnings = [];
    await changeLive(transaction, epoch, change);
  }
  await begin(transaction, epoch, beginnings);
}

async function begin(transaction: Transaction<DB>, epoch: number, beginnings: readonly Beginning[]): Promise<void> {
  if (beginnings.length === 0) return;
  const coveredBy = sql<string>`(select id from spike where kind = 'all_codes' and state <> 'resolved')`;
  await transaction
    .insertInto('spike')
    .values(
      beginnings.map(({ spike, isCovered }) => ({
        kind: spike.kind,
        code: spike.code,
        field: spike.pair?.field ?? null,
        sub_code: spike.pair?.code ?? null,
        status: spike.status,
        state: 'pending',
        starts_at: new Date(spike.startsAtMs),
        opened_at: new Date(spike.openedAtMs),
        observed: spike.observed,
        expected: spike.expected,
        window_seconds: spike.windowSeconds,
        score: spike.score,
        labels: JSON.stringify(spike.labels),
        evidence: JSON.stringify(spike.evidence),
        last_seen_at: spike.lastSeenAtMs === null ? null : new Date(spike.lastSeenAtMs),
        breadth: spike.breadth === null ? null : JSON.stringify(spike.breadth),
        covered_by: isCovered ? coveredBy : null,
        detected_at: sql<Date>`clock_timestamp()`,
        epoch,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

async function changeLive(
  transaction: Transaction<DB>,
  epoch: number,
  change: Exclude<SpikeChange, { readonly kind: 'begin' }>,
): Promise<void> {
  const live = transaction
    .updateTable('spike')
    .set('epoch', String(epoch))
    .where('code', '=', change.code)
    .where('field', 'is not distinct from', change.pair?.field ?? null)
    .where('sub_code', 'is not distinct from', change.pair?.code ?? null)
    .where('kind', '=', change.of)
    .where('state', '<>', 'resolved');
  switch (change.kind) {
    case 'continue':
      await live.set({ closed_at: null, close_reason: null }).execute();
      return;
    case 'close':
      // An onset estimated later than a close that was recomputed would break the order of the two.
      await live
        .set({
          closed_at: sql<Date>`greatest(starts_at, ${new Date(change.closedAtMs)}::timestamptz)`,
          close_reason: change.reason,
        })
        .where('closed_at', 'is', null)
        .execute();
      return;
    case 'escalate':
      await live
        .set('escalation', JSON.stringify(change.escalation))
        .where('closed_at', 'is', null)
        .where('escalation', 'is', null)
        .execute();
      return;
    case 'end_untold':
      await live.set({ state: 'resolved', is_late: true, resolved_at: sql<Date>`clock_timestamp()` }).execute();
      return;
    case 'uncover':
      await live.set({ state: 'pending', covered_by: null, opened_at: new Date(change.openedAtMs) }).execute();
      return;
    default:
      change satisfies never;
  }
}
