/**
 * Writes what the pipeline made: each envelope once, its counts with it. Rows go in key order, so that two writers never
 * wait for each other in a circle; each lane has count rows of its own, so that they do not wait at all.
 *
 * A lane knows the totals that it has committed. After a fault whose outcome is unknown it reads them again, and what was
 * committed without our knowing is reported with the next write: `errors_total` stays equal to the rows.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { RejectReason } from '../envelope/schema.ts';
import type { EnvelopeStore, Increments, SeriesLabel, Storable, WriteReport } from '../ingest/ports.ts';
import { type Database, isDataFault, isRetryState, sqlStateOf } from './database.ts';
import { createLabelCaps } from './label-caps.ts';
import { createLaneTotals } from './lane-totals.ts';
import { type Plan, planOf } from './write-plan.ts';
import { type Answer, exemplarsOf, NO_EXEMPLARS, reportOf, type Totals, writtenOf } from './write-report.ts';
import { createRowColumns, type DeadRow, deadLettersJson, fieldColumnsOf, type Row } from './write-rows.ts';
import { KEPT_STATEMENT, MOST_SIBLINGS, type StatementNeeds, statementFor } from './write-statement.ts';

const LANE_COUNT = 2;
/** How often a write that met a deadlock or a serialisation failure is tried again at once. */
const MOST_RETRIES = 3;
const RETRY_PAUSE_MS = 20;
const UNIQUE_VIOLATION = '23505';

/** Totals as a lane knows them. $1 replica id, $2 lane. */
const ERROR_TOTALS_QUERY = 'select code as first, status as second, total from error_total where replica_id = $1 and lane ';
const FIELD_TOTALS_QUERY = 'select field as first, sub_code as second, total from field_total where replica_id = $1 and lane ';

interface Lane extends Totals {
  readonly columnsOf: ReturnType<typeof createRowColumns>;
  /** Of the rows that are being written. */
  ids: Plan['ids'];
}

const NO_IDS: Plan['ids'] = new Map();

export interface EnvelopeStoreOptions {
  readonly database: Database;
  readonly replicaId: string;
  /** The catalogued pairs: they have a series before any traffic. */
  readonly catalogued: readonly SeriesLabel[];
}

/** `open` admits the catalogued series and answers what this replica has counted before. @throws StoreUnavailable. */
export function createEnvelopeStore(options: EnvelopeStoreOptions): EnvelopeStore & { open(): Promise<Increments> } {
  const { database, replicaId, catalogued } = options;
  const caps = createLabelCaps(
    database,
    catalogued.map(({ code }) => code),
  );
  const lanes: readonly Lane[] = Array.from({ length: LANE_COUNT }, (_, lane) => ({
    errors: createLaneTotals(() => readTotals(`${ERROR_TOTALS_QUERY} = $2`, lane)),
    fields: createLaneTotals(() => readTotals(`${FIELD_TOTALS_QUERY} = $2`, lane)),
    columnsOf: createRowColumns(),
    ids: NO_IDS,
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
    await caps.admit(storables);
    await settle(lane);
    const plan = planOf(storables, caps);
    const turnedDown = new Map<number, RejectReason>();
    lane.ids = plan.ids;
    try {
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
      return { written, increments: reportOf(lane, exemplarsOf(plan, written, caps)) };
    } finally {
      lane.ids = NO_IDS;
    }
  }

  /** Whether another lane is at one of the ids; other replicas make themselves felt by 23505. */
  function isContested(plan: Plan, lane: Lane): boolean {
    const others = lanes.filter((other) => other !== lane && other.ids.size > 0);
    return others.length > 0 && plan.rows.some(({ storable }) => others.some(({ ids }) => ids.has(storable.envelope.requestId)));
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
    const hasFields = rows.some(({ fields }) => fields > 0);
    const values: unknown[] = [
      ...lane.columnsOf(rows),
      ...daysOf(rows),
      plan.uncountedCodes,
      plan.unlabelledPairs,
      replicaId,
      index,
      deadLettersJson(dead),
      ...(hasFields ? fieldColumnsOf(plan) : []),
    ];
    const isCareful = plan.hasSiblings || isContested(plan, lane);
    for (let attempt = 0; ; attempt += 1) {
      try {
        const answers = await run({ isCareful, hasFields }, values, rows);
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

  /** One statement, and the careful one after it when another replica was at the same rows. */
  async function run(needs: StatementNeeds, values: unknown[], rows: readonly Row[]): Promise<Answer[]> {
    const careful = () => [...values, rows.map(({ n }) => n)];
    const { rows: answers } = await database.withClient(async (client) => {
      try {
        return await client.query<Answer>({ ...statementFor(needs), values: needs.isCareful ? careful() : values });
      } catch (error) {
        if (needs.isCareful || sqlStateOf(error) !== UNIQUE_VIOLATION) throw error;
        return await client.query<Answer>({ ...statementFor({ ...needs, isCareful: true }), values: careful() });
      }
    });
    return answers.map((answer) => (answer.kind === 'absent' ? { ...answer, n: rows[answer.n - 1]?.n ?? -1 } : answer));
  }

  return { laneCount: LANE_COUNT, open, write };
}

/** First and last day of the rows; null for none. */
function daysOf(rows: readonly Row[]): readonly [string | null, string | null] {
  let first = rows[0]?.storable.envelope;
  let last = first;
  for (const { storable } of rows) {
    const { envelope } = storable;
    if (first === undefined || envelope.occurredAtMs < first.occurredAtMs) first = envelope;
    if (last === undefined || envelope.occurredAtMs > last.occurredAtMs) last = envelope;
  }
  return [first?.day ?? null, last?.day ?? null];
}
