/**
 * Remembers who delivered another body under an identity that is stored. Only duplicates are looked at, a day at a time:
 * a statement that names its day opens one table partition, one that joins on it opens all.
 */
import { REDACTION_VERSION } from '../envelope/redact.ts';
import type { ConflictStore, Storable } from '../ingest/ports.ts';
import { type Database, isDataFault } from './database.ts';

type Repeat = Extract<Storable, { kind: 'envelope' }>;

/** Past so many of one identity the rest says nothing new. */
const MOST_CONFLICTS = 10;

/**
 * What a body says: message, details, and the context that both state, since headers may carry it on one path only. Not the
 * status, which may come from another edition of the catalogue, and not the times and the trace, which a resend restamps.
 */
const DIFFERS = `stored.message <> given.m or stored.details <> given.j or stored.service <> given.sv
  or stored.route <> given.ro or stored.method <> given.me or stored.client <> given.cl or stored.release <> given.re`;

/**
 * $1 day, $2 redaction version, $3 repeats (json array); answers places. `offset 0` makes it look rows up one by one and
 * keeps the code outside: while a table partition is new, its index by code looks as good, and reads a tenth of the day.
 */
export const DIFFERENT_QUERY = `
select given.n from json_to_recordset($3::json) as given(
  n int, r text, c text, m text, j jsonb, sv text, ro text, me text, cl text, re text)
cross join lateral (select * from envelope where request_id = given.r and day = $1::date offset 0) as stored
where stored.code = given.c and stored.redaction_version = $2::smallint and (${DIFFERS})`;

const FLAG_STATEMENT = `
insert into envelope_conflict (request_id, code, day, digest, source, received_at)
select $1, $2, $3::date, $4, $5, to_timestamp($6::float8)
where (select count(*) from envelope_conflict where request_id = $1 and code = $2 and day = $3::date) < ${MOST_CONFLICTS}
on conflict do nothing`;

export function createConflictStore(database: Pick<Database, 'withClient'>): ConflictStore {
  async function findDifferent(day: string, repeats: readonly Repeat[]): Promise<readonly Repeat[]> {
    const values = [day, REDACTION_VERSION, `[${repeats.map(bodyJson).join()}]`];
    try {
      const { rows } = await database.withClient((client) =>
        client.query<{ n: number }>({ name: 'different', text: DIFFERENT_QUERY, values }),
      );
      return rows.flatMap(({ n }) => repeats[n] ?? []);
    } catch (error) {
      // Thrown on, it would hold the delivery up for ever. What PostgreSQL cannot read is not what it has stored.
      if (!isDataFault(error)) throw error;
      if (repeats.length === 1) return repeats;
      const middle = repeats.length >> 1;
      return [...(await findDifferent(day, repeats.slice(0, middle))), ...(await findDifferent(day, repeats.slice(middle)))];
    }
  }

  async function remember({ envelope, digest, source, receivedAtMs }: Repeat): Promise<boolean> {
    const { requestId, code, day } = envelope;
    const values = [requestId, code, day, digest(), source, receivedAtMs / 1000];
    const { rowCount } = await database.withClient((client) => client.query(FLAG_STATEMENT, values));
    return rowCount === 1;
  }

  return {
    async flag(repeats) {
      const flagged: Repeat['source'][] = [];
      for (const [day, ofDay] of Map.groupBy(repeats, ({ envelope }) => envelope.day)) {
        for (const repeat of await findDifferent(day, ofDay)) {
          if (await remember(repeat)) flagged.push(repeat.source);
        }
      }
      return flagged;
    },
  };
}

function bodyJson({ envelope }: Repeat, n: number): string {
  const { requestId: r, code: c, message: m, service: sv, route: ro, method: me, client: cl, release: re } = envelope;
  // The details are JSON text already.
  return `{"j":${envelope.detailsJson},${JSON.stringify({ n, r, c, m, sv, ro, me, cl, re }).slice(1)}`;
}
