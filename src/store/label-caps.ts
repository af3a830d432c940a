/**
 * Which codes and (code, status) pairs are counted by name. First come, first served, decided in the database so that
 * all replicas say the same; what is admitted is remembered here, and once full nothing is asked any more. Without these
 * caps a sender of random codes would grow every metric and count without end.
 */
import type { RedactedEnvelope } from '../envelope/schema.ts';
import type { SeriesLabel } from '../ingest/ports.ts';
import type { Database } from './database.ts';

/** Most (code, status) pairs with a series of their own. */
const MOST_SERIES = 1000;
/** Most codes that bucket counts and the detector know by name. */
const MOST_COUNTED_CODES = 10_000;

export interface LabelCaps {
  /** Learns what is admitted; asks for what these envelopes bring anew. @throws StoreUnavailable. */
  admit(envelopes: readonly RedactedEnvelope[]): Promise<void>;
  /** The catalogued pairs, before any traffic. */
  admitSeries(pairs: readonly SeriesLabel[]): Promise<void>;
  hasSeries(code: string, status: string): boolean;
  isCounted(code: string): boolean;
}

export function statusLabel(envelope: RedactedEnvelope): string {
  return envelope.status === null ? 'unknown' : String(envelope.status);
}

export function createLabelCaps(database: Database): LabelCaps {
  const series = new Map<string, Set<string>>();
  const codes = new Set<string>();
  let seriesCount = 0;
  const hasSeries = (code: string, status: string) => series.get(code)?.has(status) ?? false;

  async function admitSeries(pairs: readonly SeriesLabel[]): Promise<void> {
    const rows = await database.withClient(async (client) => {
      await client.query('begin');
      await client.query("select pg_advisory_xact_lock(hashtext('surgewatch'), hashtext('error_series'))");
      await client.query(
        `insert into error_series (code, status)
         select code, status from unnest($1::text[], $2::text[]) with ordinality as wanted (code, status, place)
         where not exists (select from error_series e where e.code = wanted.code and e.status = wanted.status)
         order by place
         limit greatest(0, $3 - (select count(*) from error_series)) on conflict do nothing`,
        [pairs.map((pair) => pair.code), pairs.map((pair) => pair.status), MOST_SERIES],
      );
      const result = await client.query<SeriesLabel>('select code, status from error_series');
      await client.query('commit');
      return result.rows;
    });
    for (const { code, status } of rows) {
      const statuses = series.get(code) ?? new Set();
      series.set(code, statuses.add(status));
    }
    seriesCount = rows.length;
  }

  async function admitCodes(wanted: readonly string[]): Promise<void> {
    const rows = await database.withClient(async (client) => {
      await client.query('begin');
      await client.query("select pg_advisory_xact_lock(hashtext('surgewatch'), hashtext('counted_code'))");
      await client.query(
        `insert into counted_code (code) select wanted.code from unnest($1::text[]) with ordinality as wanted (code, place)
         where not exists (select from counted_code c where c.code = wanted.code)
         order by place
         limit greatest(0, $2 - (select count(*) from counted_code)) on conflict do nothing`,
        [wanted, MOST_COUNTED_CODES],
      );
      const result = await client.query<{ code: string }>('select code from counted_code');
      await client.query('commit');
      return result.rows;
    });
    for (const { code } of rows) codes.add(code);
  }

  async function admit(envelopes: readonly RedactedEnvelope[]): Promise<void> {
    const newPairs = new Map<string, SeriesLabel>();
    const newCodes = new Set<string>();
    for (const envelope of envelopes) {
      if (!envelope.isCodeValid) continue;
      const { code } = envelope;
      const status = statusLabel(envelope);
      if (seriesCount < MOST_SERIES && !hasSeries(code, status)) newPairs.set(`${code} ${status}`, { code, status });
      if (codes.size < MOST_COUNTED_CODES && !codes.has(code)) newCodes.add(code);
    }
    if (newPairs.size > 0) await admitSeries([...newPairs.values()]);
    if (newCodes.size > 0) await admitCodes([...newCodes]);
  }

  return { admit, admitSeries, hasSeries, isCounted: (code) => codes.has(code) };
}
