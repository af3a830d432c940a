/** The traffic that scales expectations, as points in event time. Only the leader adds to it, and only at its end. */
import { sql } from 'kysely';
import type { TrafficStore } from '../alert/ports.ts';
import type { Database } from './database.ts';
import { changeAsLeader } from './detection-store.ts';

/** Rows of one statement: well below PostgreSQL's limit of parameters. */
const ROWS_A_STATEMENT = 5000;

export function createTrafficStore(database: Database): TrafficStore {
  const { kysely } = database;
  return {
    async readTraffic({ startSeconds, endSeconds }) {
      const start = new Date(startSeconds * 1000);
      const rows = await kysely
        .selectFrom('traffic')
        .selectAll()
        .where('at', '>=', sql<Date>`coalesce((select max(at) from traffic where at <= ${start}), ${start})`)
        .where('at', '<', new Date(endSeconds * 1000))
        .orderBy('at')
        .execute();
      return rows.map((row) => ({
        atSeconds: row.at.getTime() / 1000,
        requestsPerSecond: row.requests_per_second,
        usualPerSecond: row.usual_per_second,
        factor: row.factor,
      }));
    },
    appendTraffic: (epoch, points) =>
      changeAsLeader(database, epoch, async (transaction) => {
        for (let first = 0; first < points.length; first += ROWS_A_STATEMENT) {
          const rows = points.slice(first, first + ROWS_A_STATEMENT).map((point) => ({
            at: new Date(point.atSeconds * 1000),
            requests_per_second: point.requestsPerSecond,
            usual_per_second: point.usualPerSecond,
            factor: point.factor,
          }));
          // There already: by a call whose answer was lost.
          await transaction
            .insertInto('traffic')
            .values(rows)
            .onConflict((conflict) => conflict.column('at').doNothing())
            .execute();
        }
      }),
  };
}
