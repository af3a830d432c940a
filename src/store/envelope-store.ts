/**
 * Writes what the pipeline made: each envelope once, its counts with it. Rows go in key order, so that two writers never
 * wait for each other in a circle; each lane has count rows of its own, so that they do not wait at all.
 *
 * A lane knows the totals that it has committed. After a fault whose outcome is unknown it reads them again, and what was
 * committed without our knowing is reported with the next write: `errors_total` stays equal to the rows.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { RejectReason, RequestId } from '../envelope/schema.ts';
import type { EnvelopeStore, ErrorIncrement, SeriesLabel, Storable, WriteReport, Written } from '../ingest/ports.ts';
import { type Database, isDataFault, isRetryState } from './database.ts';
import { createLabelCaps, statusLabel } from './label-caps.ts';
import { type Plan, planOf, seriesKey, splitKey } from './write-plan.ts';
import { type DeadRow, deadLettersJson, type Row, rowsJson } from './write-rows.ts';
import { KEPT_STATEMENT, MOST_SIBLINGS, WRITE_STATEMENTS } from './write-statement.ts';

const LANE_COUNT = 2;
/** How often a write that met a deadlock or a serialisation failure is tried again at once. */
const MOST_RETRIES = 3;
const RETRY_PAUSE_MS = 20;

interface Answer {
  readonly kind: 'absent' | 'dead' | 'total';
  readonly n: number;
  readonly code: string;
  readonly status: string;
  readonly total: string;
}

interface Lane {
  /** Series key -> total committed on this lane; null: in doubt, read it first. */
  totals: Map<string, number> | null;
  /** What errors_total already moved by, for each series of this lane. */
  readonly reported: Map<string, ErrorIncrement>;
}

export interface EnvelopeStoreOptions {
  readonly database: Database;
  readonly replicaId: string;
  /** The catalogued pairs: they have a series before any traffic. */
  readonly catalogued: readonly SeriesLabel[];
}

/** `open` admits the catalogued series and answers what this replica has counted before. @throws StoreUnavailable. */
export function createEnvelopeStore(
  options: EnvelopeStoreOptions,
): EnvelopeStore & { open(): Promise<readonly ErrorIncrement[]> } {
  const { database, replicaId, catalogued } = options;
  const caps = createLabelCaps(database);
  const lanes: readonly Lane[] = Array.from({ length: LANE_COUNT }, () => ({ totals: null, reported: new Map() }));

  async function readTotals(lane: number): Promise<Map<string, number>> {
    const { rows } = await database.withClient((client) =>
      client.query<{ code: string; status: string; total: string }>({
        text: 'select code, status, total from error_total where replica_id = $1 and lane = $2',
        values: [replicaId, lane],
      }),
    );
    return new Map(rows.map(({ code, status, total }) => [seriesKey(code, status), Number(total)]));
  }

  async function open(): Promise<readonly ErrorIncrement[]> {
    await caps.admitSeries(catalogued);
    const increments: ErrorIncrement[] = [];
    for (const [index, lane] of lanes.entries()) {
      lane.totals = await readTotals(index);
      increments.push(...report(lane, new Map()));
    }
    // A replica may once have run with more lanes: what they counted is counted still.
    const { rows } = await database.withClient((client) =>
      client.query<{ code: string; status: string; total: string }>({
        text: 'select code, status, sum(total) as total from error_total where replica_id = $1 and lane >= $2 group by code, status',
        values: [replicaId, LANE_COUNT],
      }),
    );
    for (const { code, status, total } of rows) increments.push({ code, status, count: Number(total), requestId: null });
    return increments;
  }

  async function write(storables: readonly Storable[], index: number): Promise<WriteReport> {
    const lane = lanes[index];
    if (lane === undefined) throw new Error('there is no such lane');
    await caps.admit(storables.flatMap((each) => (each.kind === 'envelope' ? [each.envelope] : [])));
    lane.totals ??= await readTotals(index);
    const plan = planOf(storables, caps);
    const turnedDown = new Map<number, RejectReason>();
    const answers = await execute(plan, index, lane, turnedDown);
    const capped = await findCapped(plan, answers);
    if (capped.length > 0) {
      // Not in the same transaction, but before anything is acknowledged: a repeat finds the same cap.
      for (const { n } of capped) turnedDown.set(n, 'sibling_cap');
      const dead = capped.map(({ n, storable }): DeadRow => ({ n, storable, reason: 'sibling_cap' }));
      answers.push(...(await execute({ ...plan, rows: [], dead }, index, lane, turnedDown)));
    }
    lane.totals ??= await readTotals(index);
    const written = writtenOf(storables, plan, answers, turnedDown);
    return { written, increments: report(lane, exemplarsOf(storables, written, caps)) };
  }

  /** Rows that were not inserted because their requestId has as many siblings as it may, and not because they are stored. */
  async function findCapped({ rows }: Plan, answers: readonly Answer[]): Promise<readonly Row[]> {
    const crowded = new Set(
      answers.flatMap(({ kind, n, total }) => (kind === 'absent' && Number(total) >= MOST_SIBLINGS ? [n] : [])),
    );
    if (crowded.size === 0) return [];
    const suspects = rows.filter(({ n }) => crowded.has(n));
    const envelopes = suspects.map(({ storable }) => storable.envelope);
    const values = [
      envelopes.map((each) => each.requestId),
      envelopes.map((each) => each.code),
      envelopes.map((each) => each.day),
    ];
    const kept = await database.withClient((client) => client.query<{ place: number }>({ text: KEPT_STATEMENT, values }));
    const places = new Set(kept.rows.map(({ place }) => place));
    return suspects.filter((_, at) => !places.has(at + 1));
  }

  /** Runs the statement; a row that PostgreSQL refuses is found by halving, set aside as a dead letter and noted in `turnedDown`. */
  async function execute(plan: Plan, index: number, lane: Lane, turnedDown: Map<number, RejectReason>): Promise<Answer[]> {
    const { rows, dead } = plan;
    const values = [rowsJson(rows), deadLettersJson(dead), plan.uncountedCodes, plan.unlabelledPairs, replicaId, index];
    const statement = rows.some(({ rank }) => rank > 0) ? WRITE_STATEMENTS.withSiblings : WRITE_STATEMENTS.plain;
    for (let attempt = 0; ; attempt += 1) {
      try {
        const answers = (await database.withClient((client) => client.query<Answer>({ ...statement, values }))).rows;
        // Noted at once: whatever fails before the report, the next one tells it.
        for (const { kind, code, status, total } of answers)
          if (kind === 'total') lane.totals?.set(seriesKey(code, status), Number(total));
        return answers;
      } catch (error) {
        if (isDataFault(error) && rows.length > 0) break;
        lane.totals = null; // Perhaps it was committed all the same.
        const cause = error instanceof Error ? error.cause : undefined;
        if (attempt >= MOST_RETRIES || !isRetryState(cause)) throw error;
        await delay(RETRY_PAUSE_MS * (attempt + 1));
      }
    }
    const [only] = rows;
    if (rows.length === 1 && only !== undefined) {
      turnedDown.set(only.n, 'store_refused');
      return execute({ ...plan, rows: [], dead: [...dead, { ...only, reason: 'store_refused' }] }, index, lane, turnedDown);
    }
    const middle = rows.length >> 1;
    const first = await execute({ ...plan, rows: rows.slice(0, middle) }, index, lane, turnedDown);
    return [...first, ...(await execute({ ...plan, rows: rows.slice(middle), dead: [] }, index, lane, turnedDown))];
  }

  return { laneCount: LANE_COUNT, open, write };
}

function writtenOf(
  storables: readonly Storable[],
  plan: Plan,
  answers: readonly Answer[],
  turnedDown: ReadonlyMap<number, RejectReason>,
): readonly Written[] {
  const absent = new Set<number>();
  const newDead = new Set<number>();
  for (const { kind, n } of answers) {
    if (kind === 'absent') absent.add(n);
    else if (kind === 'dead') newDead.add(n);
  }
  const written = storables.map((storable, n): Written => {
    const reason = storable.kind === 'rejected' ? storable.reason : turnedDown.get(n);
    if (reason !== undefined) return { kind: 'rejected', reason, isNewDeadLetter: newDead.has(n) };
    return { kind: absent.has(n) ? 'duplicate' : 'stored' };
  });
  for (const [place, earlier] of plan.repeats) {
    const first = written[earlier];
    written[place] = first?.kind === 'rejected' ? { ...first, isNewDeadLetter: false } : { kind: 'duplicate' };
  }
  return written;
}

/** One stored requestId for each series of the batch. */
function exemplarsOf(
  storables: readonly Storable[],
  written: readonly Written[],
  caps: { hasSeries(code: string, status: string): boolean },
) {
  const exemplars = new Map<string, RequestId>();
  storables.forEach((storable, n) => {
    if (storable.kind !== 'envelope' || written[n]?.kind !== 'stored') return;
    const { envelope } = storable;
    const status = statusLabel(envelope);
    const hasOwn = envelope.isCodeValid && caps.hasSeries(envelope.code, status);
    exemplars.set(hasOwn ? seriesKey(envelope.code, status) : seriesKey('_other', '_other'), envelope.requestId);
  });
  return exemplars;
}

/** What the lane has committed beyond what it reported before. */
function report(lane: Lane, exemplars: ReadonlyMap<string, RequestId>): readonly ErrorIncrement[] {
  const increments: ErrorIncrement[] = [];
  for (const [key, total] of lane.totals ?? []) {
    const count = total - (lane.reported.get(key)?.count ?? 0);
    if (count <= 0) continue;
    const [code = '', status = ''] = splitKey(key);
    lane.reported.set(key, { code, status, count: total, requestId: null });
    increments.push({ code, status, count, requestId: exemplars.get(key) ?? null });
  }
  return increments;
}
