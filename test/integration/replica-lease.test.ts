/** A REPLICA_ID as one living process has it: two would continue the same counters. */
import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { after, afterEach, before, test } from 'node:test';
import { InUse } from '../../src/errors.ts';
import { acquireReplicaLease, type ReplicaLease } from '../../src/store/replica-lease.ts';
import { type MigratedDatabase, startMigratedDatabase } from '../support/migrated-database.ts';
import { waitFor } from '../support/wait-for.ts';

const REPLICA_ID = 'one';
/** More than the lease lives, so that a holder which does not renew it would have lost it. */
const LONGER_THAN_A_LEASE_MS = 12_000;
const DEADLINE_MS = 10_000;

let migrated: MigratedDatabase;
const held: ReplicaLease[] = [];
before(async () => {
  migrated = await startMigratedDatabase();
});
after(() => migrated.stop());
afterEach(async () => {
  for (const lease of held.splice(0)) await lease.release();
});

async function acquire(waitMs = 0, replicaId = REPLICA_ID): Promise<ReplicaLease> {
  const log = { warn() {} };
  const lease = await acquireReplicaLease(migrated.database, { replicaId, host: hostname(), waitMs, log });
  held.push(lease);
  return lease;
}

test('a second living process under it is refused and told who holds it, for as long as the first lives', async () => {
  const first = await acquire();
  await assert.rejects(acquire(LONGER_THAN_A_LEASE_MS), (error) => {
    assert.match(String(error), new RegExp(`REPLICA_ID one is held by a process on ${hostname()} since 20`));
    return error instanceof InUse;
  });
  await acquire(0, 'two');
  await first.release();
  await acquire();
});

test('of a process that died it is free once its lease has run out, and not before', async () => {
  await acquire();
  await migrated.server.query(
    "update replica set process_id = gen_random_uuid(), expires_at = clock_timestamp() + interval '2 s'",
  );
  await assert.rejects(acquire(), InUse);
  await acquire(DEADLINE_MS);
});

test('a process that finds it taken is told, and what it gives back is not the taker’s', async () => {
  const first = await acquire();
  await migrated.server.query("update replica set process_id = gen_random_uuid(), host = 'taker'");
  let loss: unknown;
  void first.lost.then((fault) => {
    loss = fault;
  });
  await waitFor(() => loss instanceof InUse, { deadlineMs: DEADLINE_MS, what: 'the loss to be told' });
  assert.match(String(loss), /held by a process on taker/);
  await first.release();
  assert.deepEqual(await migrated.server.query('select host from replica'), [{ host: 'taker' }]);
  await migrated.server.query('delete from replica');
});
