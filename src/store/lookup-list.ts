/**
 * The list of envelopes, newest first. It walks the table partitions day by day and stops when the page is full or its
 * time is up: a filter that matches little would else read everything that is kept. The cursor says where to go on.
 */
import type { PoolClient } from 'pg';
import type { EnvelopeFilter, Page, StoredEnvelope } from '../http/ports.ts';
import { type EnvelopeRow, envelopeOf, LISTED_COLUMNS } from './lookup-row.ts';

const DAY_MS = 86_400_000;
/** A page that has looked for so long is answered with what it has. */
const PAGE_BUDGET_MS = 1_500;
const CURSOR = /^(-?\d{1,19})~([A-Za-z0-9._:-]{0,128})~(.*)$/s;

/** Rows strictly before this place are wanted: event time in microseconds, then requestId and code. */
interface Place {
  readonly micros: string;
  readonly requestId: string;
  readonly code: string;
}

export function writeCursor({ micros, requestId, code }: Place): string {
  return Buffer.from(`${micros}~${requestId}~${code}`).toString('base64url');
}

export function readCursor(cursor: string): Place | null {
  const [, micros, requestId, code] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  return micros === undefined || requestId === undefined || code === undefined ? null : { micros, requestId, code };
}

export interface ListOptions {
  readonly filter: EnvelopeFilter;
  /** Exclusive end when there is no cursor. */
  readonly untilMs: number;
  /** The oldest day that may hold rows. */
  readonly oldestMs: number;
  /** Start of the newest day that clocks may tell; whatever claims a later one is read in one go. */
  readonly newestDayMs: number;
  /** Monotonic, milliseconds. */
  readonly elapsedMs: () => number;
}

export async function readPage(client: PoolClient, options: ListOptions): Promise<Page<StoredEnvelope> | null> {
  const { filter, untilMs, oldestMs, newestDayMs, elapsedMs } = options;
  let place: Place | null = { micros: `${Math.trunc(untilMs)}000`, requestId: '', code: '' };
  if (filter.cursor !== undefined) place = readCursor(filter.cursor);
  if (place === null) return null;
  const startedMs = elapsedMs();
  const rows: EnvelopeRow[] = [];
  for (;;) {
    const ownDayMs: number = startOfDayBefore(place);
    const isAhead = ownDayMs > newestDayMs;
    const dayStartMs: number = isAhead ? newestDayMs + DAY_MS : ownDayMs;
    if (dayStartMs + DAY_MS <= oldestMs) break;
    const { text, values } = dayQuery(filter, place, { dayStartMs, isAhead }, filter.limit + 1 - rows.length);
    rows.push(...(await client.query<EnvelopeRow>(text, values)).rows);
    if (rows.length > filter.limit) break;
    place = { micros: `${dayStartMs}000`, requestId: '', code: '' };
    if (elapsedMs() - startedMs > PAGE_BUDGET_MS && dayStartMs > oldestMs) {
      return { items: rows.map(envelopeOf), nextCursor: writeCursor(place) };
    }
  }
  const items = rows.slice(0, filter.limit);
  const last = items.at(-1);
  const hasMore = rows.length > filter.limit && last !== undefined;
  return {
    items: items.map(envelopeOf),
    nextCursor: hasMore ? writeCursor({ micros: last.micros, requestId: last.request_id, code: last.code }) : null,
  };
}

/** Start of the newest UTC day with moments before the place. */
function startOfDayBefore({ micros, requestId }: Place): number {
  const day = BigInt(DAY_MS) * 1000n;
  const at = BigInt(micros) - (requestId === '' ? 1n : 0n);
  return Number((at / day) * day) / 1000;
}

function dayQuery(
  filter: EnvelopeFilter,
  place: Place,
  { dayStartMs, isAhead }: { readonly dayStartMs: number; readonly isAhead: boolean },
  limit: number,
) {
  const values: unknown[] = [];
  const given = (value: unknown) => `$${values.push(value)}`;
  const before = given(place.micros);
  const conditions = [
    `day ${isAhead ? '>=' : '='} ${given(new Date(dayStartMs).toISOString().slice(0, 10))}`,
    `occurred_at <= timestamptz 'epoch' + ${before}::bigint * interval '1 microsecond'`,
    `(occurred_at, request_id, code) < (timestamptz 'epoch' + ${before}::bigint * interval '1 microsecond', ${given(place.requestId)}, ${given(place.code)})`,
  ];
  if (filter.fromMs !== undefined) conditions.push(`occurred_at >= ${given(new Date(filter.fromMs))}`);
  for (const column of ['code', 'status', 'service', 'client'] as const) {
    const value = filter[column];
    if (value !== undefined) conditions.push(`${column} = ${given(value)}`);
  }
  const text = `select ${LISTED_COLUMNS} from envelope where ${conditions.join(' and ')}
    order by occurred_at desc, request_id desc, code desc limit ${given(limit)}`;
  return { text, values };
}
