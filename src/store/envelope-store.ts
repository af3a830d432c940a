/**
 * Writes what the pipeline made: each envelope once, its counts with it. Rows go in key order, so that two writers never
 * wait for each other in a circle; each lane has count rows of its own, so that they do not wait at all.
 *
 * A lane knows the totals that it has committed. After a fault whose outcome is unknown it reads them again, and what was
 * committed without our knowing is reported with the next write: `errors_total` stays equal to the rows.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { RejectReason, RequestId } from '../envelope/schema.ts';
import type { EnvelopeStore, Increments, SeriesLabel, Storable, WriteReport, Written } from '../ingest/ports.ts';
import { type Database, isDataFault, isRetryState } from './database.ts';
import { createLabelCaps, statusLabel } from './label-caps.ts';
import { createLaneTotals, labelKey } from './lane-totals.ts';
import { type Plan, planOf } from './write-plan.ts';
import { type DeadRow, deadLettersJson, type Row, rowsJson } from './write-rows.ts';
import { KEPT_STATEMENT, MOST_SIBLINGS, statementFor } from './write-statement.ts';

const LANE_COUNT = 2;
/** How often a write that met a deadlock or a serialisation failure is tried again at once. */
const MOST_RETRIES = 3;
const RETRY_PAUSE_MS = 20;

/** Totals as a lane knows them. $1 replica id, $2 lane. */
const ERROR_TOTALS_QUERY = 'select code as first, status as second, total from error_total where replica_id = $1 and lane ';
const FIELD_TOTALS_QUERY = 'select field as first, sub_code as second, total from field_total where replica_id = $1 and lane ';

interface Answer {
  readonly kind: 'absent' | 'dead' | 'total' | 'field';
  readonly n: number;
  readonly code: string;
  readonly status: string;
  readonly total: string;
}

interface Lane {
  /** By code and status. */
  readonly errors: ReturnType<typeof createLaneTotals>;
  /** By validation field and sub-code. */
  readonly fields: ReturnType<typeof createLaneTotals>;
}

export interface EnvelopeStoreOptions {
  readonly database: Database;
  readonly replicaId: string;
  /** The catalogued pairs: they have a series before any traffic. */
  readonly catalogued: readonly SeriesLabel[];
}

/** `open` admits the catalogued series and answers what this replica has counted before. @throws StoreUnavailable. */
export function createEnvelopeStore(options: EnvelopeStoreOptions): EnvelopeStore & { open(): Promise<Increments> } {
  const { database, replicaId, catalogued } = options;
  const caps = createLabelCaps(database);
  const lanes: readonly Lane[] = Array.from({ length: LANE_COUNT }, (_, lane) => ({
    errors: createLaneTotals(() => readTotals(`${ERROR_TOTALS_QUERY} = $2`, lane)),
    fields: createLaneTotals(() => readTotals(`${FIELD_TOTALS_QUERY} = $2`, lane)),
  }));

  async function readTotals(text: string, lane: number) {
    const { rows } = await database.withClient((client) =>
      client.query<{ first: string; second: string; total: string }>({ text, values: [replicaId, lane] }),
    );
    return rows.map(({ first, second, total }) => ({ first, second, total: Number(total) }));
  }
  async function settle({ errors, fields }: Lane): Promise<void> {
    await errors.settle();
    await fields.settle();
  }

  async function open(): Promise<Increments> {
    await caps.admitSeries(catalogued);
    for (const lane of lanes) await settle(lane);
    const open = lanes.map((lane) => reportOf(lane, NO_EXEMPLARS));
    // A replica may once have run with more lanes: what they counted is counted still.
    const errors = await readTotals(`${ERROR_TOTALS_QUERY} >= $2`, LANE_COUNT);
    const fields = await readTotals(`${FIELD_TOTALS_QUERY} >= $2`, LANE_COUNT);
    return {
      errors: [
        ...open.flatMap((each) => each.errors),
        ...errors.map(({ first, second, total }) => ({ code: first, status: second, count: total, requestId: null })),
      ],
      fields: [
        ...open.flatMap((each) => each.fields),
        ...fields.map(({ first, second, total }) => ({ field: first, code: second, count: total })),
      ],
    };
  }

  async function write(storables: readonly Storable[], index: number): Promise<WriteReport> {
    const lane = lanes[index];
    if (lane === undefined) throw new Error('there is no such lane');
    await caps.admit(storables.flatMap((each) => (each.kind === 'envelope' ? [each.envelope] : [])));
    await settle(lane);
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
    await settle(lane);
    const written = writtenOf(storables, plan, answers, turnedDown);
    return { written, increments: reportOf(lane, exemplarsOf(storables, written, caps)) };
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
    const values: unknown[] = [
      rowsJson(rows),
      deadLettersJson(dead),
      plan.uncountedCodes,
      plan.unlabelledPairs,
      replicaId,
      index,
    ];
    const hasFields = rows.some(({ fields }) => fields.length > 0);
    const statement = statementFor({ hasSiblings: rows.some(({ rank }) => rank > 0), hasFields });
    if (hasFields)
      values.push(
        plan.fields.map(({ field }) => field),
        plan.fields.map(({ code }) => code),
      );
    for (let attempt = 0; ; attempt += 1) {
      try {
        const answers = (await database.withClient((client) => client.query<Answer>({ ...statement, values }))).rows;
        // Noted at once: whatever fails before the report, the next one tells it.
        for (const { kind, code, status, total } of answers) {
          if (kind !== 'total' && kind !== 'field') continue;
          lane[kind === 'total' ? 'errors' : 'fields'].note({ first: code, second: status, total: Number(total) });
        }
        return answers;
      } catch (error) {
        if (isDataFault(error) && rows.length > 0) break;
        // Perhaps it was committed all the same.
        lane.errors.doubt();
        lane.fields.doubt();
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
    exemplars.set(hasOwn ? labelKey(envelope.code, status) : labelKey('_other', '_other'), envelope.requestId);
  });
  return exemplars;
}

const NO_EXEMPLARS: ReadonlyMap<string, RequestId> = new Map();

/** What the lane has committed beyond what it reported before. */
function reportOf({ errors, fields }: Lane, exemplars: ReadonlyMap<string, RequestId>): Increments {
  return {
    errors: errors.report().map(({ first, second, count }) => ({
      code: first,
      status: second,
      count,
      requestId: exemplars.get(labelKey(first, second)) ?? null,
    })),
    fields: fields.report().map(({ first, second, count }) => ({ field: first, code: second, count })),
  };
}
