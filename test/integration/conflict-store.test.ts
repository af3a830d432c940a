/** Another body under one identity, against a real PostgreSQL: what counts as another, and how often it is told. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { RedactedEnvelope } from '../../src/envelope/schema.ts';
import type { ConflictStore, Storable } from '../../src/ingest/ports.ts';
import { createConflictStore } from '../../src/store/conflict-store.ts';
import { createEnvelopeStore } from '../../src/store/envelope-store.ts';
import { createPartitionKeeper } from '../../src/store/partitions.ts';
import { type EnvelopeParts, envelope, randomRequestId } from '../support/envelopes.ts';
import { judge } from '../support/judge.ts';
import { type MigratedDatabase, startMigratedDatabase } from '../support/migrated-database.ts';

const NOW_MS = Date.now();
let migrated: MigratedDatabase;
let conflicts: ConflictStore;
let store: ReturnType<typeof createEnvelopeStore>;

before(async () => {
  migrated = await startMigratedDatabase();
  const { database } = migrated;
  const keeper = createPartitionKeeper({ database, retentionDays: 30, log: { warn: () => {} } });
  await keeper.start();
  keeper.stop();
  conflicts = createConflictStore(database);
  store = createEnvelopeStore({ database, replicaId: 'a', catalogued: [] });
  await store.open();
});
after(() => migrated.stop());

type Repeat = Extract<Storable, { kind: 'envelope' }>;

function repeatOf(parts: EnvelopeParts, source: Repeat['source'] = 'webhook'): Repeat {
  const bytes = Buffer.from(JSON.stringify(envelope({ timestamp: new Date(NOW_MS), ...parts })));
  const judged = judge(bytes, NOW_MS);
  if (judged.kind === 'rejected') throw new Error(judged.reason);
  const row: RedactedEnvelope = judged.row;
  return {
    kind: 'envelope',
    source,
    receivedAtMs: NOW_MS,
    coordinates: null,
    sizeBytes: bytes.length,
    digest: () => bytes,
    envelope: row,
  };
}

async function keep(parts: EnvelopeParts): Promise<string> {
  const requestId = randomRequestId();
  const { written } = await store.write([repeatOf({ ...parts, requestId })], 0);
  assert.deepEqual(written, [{ kind: 'stored' }]);
  return requestId;
}

test('the same body, and one that differs in time, trace or in context that only one states, is no conflict', async () => {
  const parts = {
    message: 'one',
    details: { trunkId: 'T1', n: [1, 2] },
    context: { client: 'acme', traceparent: traceparent(1) },
  };
  const requestId = await keep(parts);
  const { context, ...plain } = parts;
  const same = [
    { ...parts, requestId },
    { ...parts, requestId, details: { n: [1, 2], trunkId: 'T1' } },
    { ...parts, requestId, timestamp: new Date(NOW_MS - 1000) },
    { ...parts, requestId, context: { ...context, traceparent: traceparent(2) } },
    { ...plain, requestId },
    { ...plain, requestId, context: { service: 'billing', httpStatus: 503 } },
  ];
  assert.deepEqual(await conflicts.flag(same.map((each) => repeatOf(each))), []);
});

test('another message, other details and another client are conflicts, each told once', async () => {
  const requestId = await keep({ message: 'one', details: { trunkId: 'T1' }, context: { client: 'acme' } });
  const others = [
    repeatOf({ requestId, message: 'another', details: { trunkId: 'T1' } }),
    repeatOf({ requestId, message: 'one', details: { trunkId: 'T2' } }, 'kafka'),
    repeatOf({ requestId, message: 'one', details: { trunkId: 'T1' }, context: { client: 'other' } }, 'file'),
  ];
  assert.deepEqual((await conflicts.flag(others)).toSorted(), ['file', 'kafka', 'webhook']);
  assert.deepEqual(await conflicts.flag(others), []);
  const rows = await migrated.server.query('select source from envelope_conflict where request_id = $1 order by 1', [requestId]);
  assert.deepEqual(
    rows.map(({ source }) => source),
    ['file', 'kafka', 'webhook'],
  );
});

test('rows that another edition of the redaction made are not compared', async () => {
  const requestId = await keep({ message: 'one' });
  await migrated.server.query('update envelope set redaction_version = redaction_version - 1 where request_id = $1', [requestId]);
  assert.deepEqual(await conflicts.flag([repeatOf({ requestId, message: 'another' })]), []);
});

test('ten other bodies of one identity say enough', async () => {
  const requestId = await keep({ message: 'one' });
  const others = Array.from({ length: 15 }, (_, index) => repeatOf({ requestId, message: `another ${index}` }));
  assert.equal((await conflicts.flag(others)).length, 10);
});

test('a body that PostgreSQL cannot read is a conflict, and holds nobody up', async () => {
  const ids = [await keep({ message: 'one' }), await keep({ message: 'one' }), await keep({ message: 'one' })];
  const repeats = ids.map((requestId) => repeatOf({ requestId, message: 'one' }));
  const [first, unreadable, last] = repeats;
  assert.ok(first && unreadable && last);
  const envelopeOfNul = { ...unreadable.envelope, message: 'a\0b' };
  assert.deepEqual(await conflicts.flag([first, { ...unreadable, source: 'kafka', envelope: envelopeOfNul }, last]), ['kafka']);
});

test('an envelope of the far future is compared in its own day', async () => {
  const parts = { timestamp: '+275760-09-12T00:00:00.000Z', message: 'one' };
  const requestId = await keep(parts);
  assert.deepEqual(await conflicts.flag([repeatOf({ ...parts, requestId, message: 'another' })]), ['webhook']);
});

function traceparent(n: number): string {
  return `00-${String(n).padStart(32, '0')}-${String(n).padStart(16, '0')}-01`;
}
