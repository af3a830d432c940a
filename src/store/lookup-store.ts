/**
 * Reads for people: by requestId, by filter, and how common a code is. Statements are prepared by name, since planning
 * over thirty table partitions costs more than running. Counts come from the event-time counts and never from the rows;
 * distinct others come from a bounded sample of the newest rows, so that a lookup stays quick in a surge.
 */
import type { PoolClient, QueryResultRow } from 'pg';
import { VALIDATION_CODE } from '../envelope/validation-fields.ts';
import type { Bucket, LookupReader } from '../http/ports.ts';
import type { Database } from './database.ts';
import { readPage } from './lookup-list.ts';
import {
  COUNT_CODES_QUERY,
  COUNT_FIELDS_QUERY,
  DAY_QUERY,
  EARLIER_HOURS_QUERY,
  FIELD_SERIES_QUERY,
  HOUR_QUERY,
  LAG_QUERY,
  OTHERS_QUERY,
  SERIES_QUERY,
} from './lookup-queries.ts';
import { type EnvelopeRow, envelopeOf, LISTED_COLUMNS } from './lookup-row.ts';

const DAY_MS = 86_400_000;
/** Clocks of producers may run so far ahead before a list leaves their envelopes for later. */
const AHEAD_MS = 300_000;
const SAMPLE_ROW_COUNT = 1000;
const EARLIER_HOURS_KEPT_MS = 60_000;
const MOST_CODES_KEPT = 1000;
/** Kafka's place is told every few seconds while it is read; older than this, nobody reads. */
const STALE_PROGRESS_SECONDS = 30;

export interface LookupStoreOptions {
  readonly retentionDays?: number;
  /** null: Kafka is off and nothing can wait there. */
  readonly kafkaTopic?: string | null;
}

export function createLookupStore(database: Pick<Database, 'withClient'>, options: LookupStoreOptions = {}): LookupReader {
  const { retentionDays = 366, kafkaTopic = null } = options;

  /** A query whose plan PostgreSQL keeps for the connection. */
  async function ask<R extends QueryResultRow>(client: PoolClient, name: string, text: string, values: readonly unknown[]) {
    return (await client.query<R>({ name: `lookup_${name}`, text, values: [...values] })).rows;
  }
  const askAlone = <R extends QueryResultRow>(name: string, text: string, values: readonly unknown[]) =>
    database.withClient((client) => ask<R>(client, name, text, values));

  // What other days held at this hour hardly changes, and costs more than the rest of a lookup together.
  const earlierHours = new Map<string, { readonly readAtMs: number; readonly counts: readonly number[] }>();
  async function readEarlierHours(client: PoolClient, code: string, nowMs: number): Promise<readonly number[]> {
    const known = earlierHours.get(code);
    if (known !== undefined && Math.abs(nowMs - known.readAtMs) < EARLIER_HOURS_KEPT_MS) return known.counts;
    const rows = await ask<{ error_count: string }>(client, 'earlier', EARLIER_HOURS_QUERY, [code, new Date(nowMs)]);
    const counts = rows.map((row) => Number(row.error_count));
    if (earlierHours.size >= MOST_CODES_KEPT) earlierHours.clear();
    earlierHours.set(code, { readAtMs: nowMs, counts });
    return counts;
  }

  return {
    async findRequest(requestId) {
      const others = [...new Set([requestId.toLowerCase(), requestId.toUpperCase()])].filter((id) => id !== requestId);
      return await database.withClient(async (client) => {
        const rows = await ask<EnvelopeRow>(
          client,
          'request',
          `select ${LISTED_COLUMNS} from envelope where request_id = any($1) order by occurred_at, code`,
          [[requestId, ...others]],
        );
        const dead = await ask<{ reason: string; received_at: Date; source: string }>(
          client,
          'rejections',
          'select reason, received_at, source from dead_letter where request_id = $1 order by received_at desc limit 10',
          [requestId],
        );
        const conflicts = await ask<ConflictRow>(
          client,
          'conflicts',
          `select code, source, received_at, encode(digest, 'hex') as digest from envelope_conflict
           where request_id = $1 order by received_at limit 100`,
          [requestId],
        );
        return {
          envelopes: rows.filter((row) => row.request_id === requestId).map(envelopeOf),
          rejections: dead.map((row) => ({ reason: row.reason, receivedAtMs: row.received_at.getTime(), source: row.source })),
          conflicts: conflicts.map(({ received_at, ...same }) => ({ ...same, receivedAtMs: received_at.getTime() })),
          otherCases: others.filter((id) => rows.some((row) => row.request_id === id)),
        };
      });
    },

    async readCommonness(code, exceptRequestId, nowMs) {
      const now = new Date(nowMs);
      return await database.withClient(async (client) => {
        const [hour] = await ask<HourRow>(client, 'hour', HOUR_QUERY, [code, now]);
        const [others] = await ask<OthersRow>(client, 'others', OTHERS_QUERY, [code, now, exceptRequestId, SAMPLE_ROW_COUNT]);
        return {
          lastHourCount: Number(hour?.hour_count ?? 0),
          earlierHourCounts: await readEarlierHours(client, code, nowMs),
          last15MinutesCount: Number(hour?.quarter_count ?? 0),
          otherRequestCount: Number(others?.requests ?? 0),
          otherClientCount: others?.clients === null || others === undefined ? null : Number(others.clients),
          isSampled: Number(others?.sampled ?? 0) >= SAMPLE_ROW_COUNT,
        };
      });
    },

    listEnvelopes: (filter, nowMs) =>
      database.withClient((client) =>
        readPage(client, {
          filter,
          untilMs: filter.toMs ?? nowMs + AHEAD_MS,
          newestDayMs: Math.floor((nowMs + AHEAD_MS) / DAY_MS) * DAY_MS,
          oldestMs: Math.max(nowMs - (retentionDays + 1) * DAY_MS, filter.fromMs ?? 0),
          elapsedMs: () => performance.now(),
        }),
      ),

    async countCodes(nowMs) {
      const rows = await askAlone<CodeRow>('codes', COUNT_CODES_QUERY, [new Date(nowMs)]);
      return rows.map((row) => ({
        code: row.code,
        status: statusOf(row.status),
        lastHourCount: Number(row.hours[0] ?? 0),
        earlierHourCounts: row.hours.slice(1, 1 + row.known_days).map(Number),
        lastDayCount: Number(row.day_count),
        lastSeenAtMs: row.last_seen_at?.getTime() ?? null,
      }));
    },

    countCode: (code, nowMs) =>
      database.withClient(async (client) => {
        const values = [code, new Date(nowMs)];
        const [hour] = await ask<HourRow>(client, 'hour', HOUR_QUERY, values);
        const [day] = await ask<DayRow>(client, 'day', DAY_QUERY, values);
        return {
          code,
          status: statusOf(day?.status ?? null),
          lastHourCount: Number(hour?.hour_count ?? 0),
          earlierHourCounts: await readEarlierHours(client, code, nowMs),
          lastDayCount: Number(day?.day_count ?? 0),
          lastSeenAtMs: day?.last_seen_at?.getTime() ?? null,
        };
      }),

    readBuckets: ({ code, pair, spans, stepSeconds }) =>
      database.withClient(async (client) => {
        const buckets: Bucket[] = [];
        for (const { fromMs, toMs } of spans) {
          const values = [new Date(fromMs), new Date(toMs), stepSeconds];
          const rows =
            pair === null
              ? await ask<BinRow>(client, 'series', SERIES_QUERY, [code, ...values])
              : await ask<BinRow>(client, 'field_series', FIELD_SERIES_QUERY, [pair.field, ...values, pair.code]);
          for (const row of rows) buckets.push({ startMs: row.bin.getTime(), count: Number(row.count) });
        }
        return buckets;
      }),

    async countFields(code, nowMs, limit) {
      if (code !== VALIDATION_CODE) return [];
      const rows = await askAlone<FieldRow>('fields', COUNT_FIELDS_QUERY, [new Date(nowMs), limit]);
      return rows.map((row) => ({
        field: row.field,
        code: row.sub_code,
        lastHourCount: Number(row.hour_count),
        earlierHourCounts: row.earlier.map(Number),
      }));
    },

    async readKnownSinceMs(of = 'codes') {
      const table = of === 'codes' ? 'bucket_count' : 'field_count';
      const [row] = await askAlone<{ since: Date | null }>(`since_${of}`, `select min(bucket_start) as since from ${table}`, []);
      return row?.since?.getTime() ?? null;
    },

    async readIngestBehindSeconds(nowMs) {
      if (kafkaTopic === null) return 0;
      const [row] = await askAlone<{ behind: number | null }>('lag', LAG_QUERY, [
        kafkaTopic,
        new Date(nowMs),
        STALE_PROGRESS_SECONDS,
      ]);
      return Math.max(0, row?.behind ?? 0);
    },

    async isEmpty() {
      const [row] = await askAlone<{ some: boolean }>('empty', 'select exists (select from error_total) as some', []);
      return row?.some !== true;
    },
  };
}

interface ConflictRow {
  readonly code: string;
  readonly source: string;
  readonly received_at: Date;
  readonly digest: string;
}

interface HourRow {
  readonly hour_count: string;
  readonly quarter_count: string;
}

interface OthersRow {
  readonly requests: string;
  readonly clients: string | null;
  readonly sampled: string;
}

interface DayRow {
  readonly day_count: string;
  readonly last_seen_at: Date | null;
  readonly status: string | null;
}

interface BinRow {
  readonly bin: Date;
  readonly count: string;
}

interface FieldRow {
  readonly field: string;
  readonly sub_code: string;
  readonly hour_count: string;
  readonly earlier: readonly string[];
}

interface CodeRow extends DayRow {
  readonly code: string;
  /** Index = days back. */
  readonly hours: readonly string[];
  readonly known_days: number;
}

/** A series' label as a status; `unknown` and `_other` are none. */
function statusOf(label: string | null): number | null {
  return label !== null && /^\d{3}$/.test(label) ? Number(label) : null;
}
