/** How far the detector sees, for the pages of every replica: only the one that leads knows it by itself. */
import type { WatchReader } from '../http/ports.ts';
import type { Database } from './database.ts';

export function createWatchReader({ kysely }: Pick<Database, 'kysely'>): WatchReader {
  return {
    async readStanding() {
      const row = await kysely
        .selectFrom('detector_progress')
        .select('evaluated_until')
        .select((progress) =>
          progress
            .selectFrom('traffic')
            .select((traffic) => traffic.fn.max('at').as('newest_at'))
            .as('traffic_until'),
        )
        .executeTakeFirstOrThrow();
      return {
        evaluatedUntilMs: row.evaluated_until?.getTime() ?? null,
        trafficKnownUntilMs: row.traffic_until?.getTime() ?? null,
      };
    },
  };
}
