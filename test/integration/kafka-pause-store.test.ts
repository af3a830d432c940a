/** Pauses of Kafka partitions in a real PostgreSQL: kept once, ended once, and what operators did stays. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { StoreRefused } from '../../src/errors.ts';
import { createKafkaPauseStore, type PauseRow } from '../../src/store/kafka-pause-store.ts';
import { type MigratedDatabase, startMigratedDatabase } from '../support/migrated-database.ts';

const PAUSE: PauseRow = {
  partition: 3,
  cause: 'rejected_in_a_row',
  detail: '100 in a row, mostly syntax',
  offset: 100n,
  knownBadUntil: 130n,
  skipTo: null,
};
const OPERATOR = { topic: 't', partition: 3, actor: 'anonymous' };

describe('pauses of Kafka partitions', () => {
  let world: MigratedDatabase;
  let store: ReturnType<typeof createKafkaPauseStore>;

  before(async () => {
    world = await startMigratedDatabase();
    store = createKafkaPauseStore(world.database);
  });
  beforeEach(() => world.server.query('truncate kafka_pause, kafka_rejected_run, operator_action'));
  after(() => world?.stop());

  test('a pause that is written twice stays the first, and begins the row of rejected records anew', async () => {
    await store.recordRun('t', 3, { rejectedCount: 99, nextOffset: 99n });
    await store.pause('t', PAUSE);
    await store.pause('t', { ...PAUSE, detail: 'again', offset: 120n });
    assert.deepEqual(await store.readPauses('t'), [PAUSE]);
    assert.deepEqual(await store.readPauses('other'), []);
    assert.equal((await store.readRuns('t'))[0]?.rejectedCount, 0);
  });

  test('of two that resume at once one does, and one row says so', async () => {
    await store.pause('t', PAUSE);
    const answers = await Promise.all([store.resume(OPERATOR), store.resume(OPERATOR)]);
    assert.deepEqual(answers.toSorted(), [100n, null]);
    assert.deepEqual(await store.readPauses('t'), []);
    assert.equal((await world.server.query('select from operator_action')).length, 1);
  });

  test('a skip goes forward, may be corrected before it is done, and ends only where it was asked to', async () => {
    assert.equal(await store.askSkip(OPERATOR, null), null);
    await store.pause('t', PAUSE);
    await assert.rejects(store.askSkip(OPERATOR, 99n), RangeError);
    assert.deepEqual(await store.askSkip(OPERATOR, null), { from: 100n, to: 130n });
    assert.deepEqual(await store.askSkip(OPERATOR, 200n), { from: 100n, to: 200n });
    await store.endSkip('t', 3, 130n);
    assert.equal((await store.readPauses('t'))[0]?.skipTo, 200n);
    await store.endSkip('t', 3, 200n);
    assert.deepEqual(await store.readPauses('t'), []);
    assert.equal((await world.server.query('select from operator_action')).length, 2);
  });

  test('the service can neither change nor delete what an operator did', async () => {
    await store.pause('t', PAUSE);
    await store.resume(OPERATOR);
    const { kysely } = world.database;
    await assert.rejects(kysely.updateTable('operator_action').set({ actor: 'nobody' }).execute(), StoreRefused);
    await assert.rejects(kysely.deleteFrom('operator_action').execute(), StoreRefused);
  });
});
