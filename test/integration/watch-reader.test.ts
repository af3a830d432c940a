/** How far the detector sees, as every replica's pages read it from a real PostgreSQL. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createWatchReader } from '../../src/store/watch-reader.ts';
import { type MigratedDatabase, startMigratedDatabase } from '../support/migrated-database.ts';

const START = Date.UTC(2026, 10, 24, 12);

let migrated: MigratedDatabase;
before(async () => {
  migrated = await startMigratedDatabase();
});
after(() => migrated.stop());

test('it is where the leader stands and the newest traffic, and null before there is any', async () => {
  const { server, database } = migrated;
  const reader = createWatchReader(database);
  assert.deepEqual(await reader.readStanding(), { evaluatedUntilMs: null, trafficKnownUntilMs: null });
  await server.query('update detector_progress set evaluated_until = to_timestamp($1::float8 / 1000)', [START]);
  await server.query(
    `insert into traffic (at, requests_per_second, factor)
     values (to_timestamp($1::float8 / 1000), 9, 1), (to_timestamp($1::float8 / 1000) - interval '1 min', 8, 1)`,
    [START - 30_000],
  );
  assert.deepEqual(await reader.readStanding(), { evaluatedUntilMs: START, trafficKnownUntilMs: START - 30_000 });
});
