/** The bounds of a write on a real PostgreSQL: names of codes, of which somebody invents more than there are, and parameters. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, beforeEach, test } from 'node:test';
import { BUILT_IN_CATALOGUE } from '../../src/catalogue/built-in.ts';
import { parseCatalogue } from '../../src/catalogue/parse-catalogue.ts';
import { decode } from '../../src/envelope/decode.ts';
import { createRedact } from '../../src/envelope/redact.ts';
import type { Storable } from '../../src/ingest/ports.ts';
import { DIFFERENT_QUERY } from '../../src/store/conflict-store.ts';
import { createDatabase } from '../../src/store/database.ts';
import { createEnvelopeStore } from '../../src/store/envelope-store.ts';
import { KEPT_STATEMENT, statementFor } from '../../src/store/write-statement.ts';
import { envelope } from '../support/envelopes.ts';
import { type MigratedDatabase, startMigratedDatabase } from '../support/migrated-database.ts';

const MOST_CODES = 10_000;
/** Of the protocol; beyond it the number wraps round. A row has more than ten values. */
const PARAMETER_LIMIT = 65_540;
const CATALOGUED = [
  { code: 'PAYMENT_FAILED', status: '402' },
  { code: 'TOKEN_EXPIRED', status: '401' },
];
const catalogue = parseCatalogue(readFileSync(BUILT_IN_CATALOGUE, 'utf8'), 'built-in.yaml');
const redact = createRedact({ catalogue });
const log = { info() {}, warn() {} };

let migrated: MigratedDatabase;
before(async () => {
  migrated = await startMigratedDatabase();
});
after(() => migrated.stop());
beforeEach(
  async () => void (await migrated.server.query('truncate envelope, bucket_count, error_total, error_series, counted_code')),
);

function storable(code: string): Storable {
  const receivedAtMs = Date.now();
  const decoded = decode(Buffer.from(JSON.stringify(envelope({ code }))), { receivedAtMs, retentionDays: 30 });
  assert.equal(decoded.kind, 'envelope');
  if (decoded.kind !== 'envelope') throw new Error('unreachable');
  const origin = { source: 'webhook', receivedAtMs, coordinates: null, sizeBytes: 1, digest: () => Uint8Array.of(1) } as const;
  return { kind: 'envelope', ...origin, envelope: redact(decoded.envelope, receivedAtMs) };
}
const invent = (count: number) =>
  migrated.server.query("insert into counted_code select 'INVENTED_' || n from generate_series(1, $1::int) as n", [count]);
async function openStore(replicaId = 'a') {
  const store = createEnvelopeStore({ database: migrated.database, replicaId, catalogued: CATALOGUED });
  await store.open();
  return store;
}
async function counted(): Promise<Readonly<Record<string, number>>> {
  const rows = await migrated.server.query('select code, sum(error_count)::int as n from bucket_count group by code');
  return Object.fromEntries(rows.map(({ code, n }) => [String(code), Number(n)]));
}
const namesKept = async () => (await migrated.server.query('select from counted_code')).length;

test('however many codes are invented, one of the catalogue that comes late is still counted by its name', async () => {
  await invent(MOST_CODES - CATALOGUED.length);
  const store = await openStore();
  await store.write([storable('ONE_TOO_MANY'), storable('PAYMENT_FAILED'), storable('ANOTHER'), storable('INVENTED_1')], 0);
  assert.deepEqual(await counted(), { PAYMENT_FAILED: 1, INVENTED_1: 1, _other: 2 });
  assert.equal(await namesKept(), MOST_CODES - 1);
  await (await openStore('b')).write([storable('ONE_TOO_MANY'), storable('TOKEN_EXPIRED')], 0);
  assert.deepEqual(await counted(), { PAYMENT_FAILED: 1, TOKEN_EXPIRED: 1, INVENTED_1: 1, _other: 3 });
  assert.equal(await namesKept(), MOST_CODES);
});

test('the last free name goes to the first that asks, and nobody asks once there is none', async () => {
  await invent(MOST_CODES - CATALOGUED.length - 1);
  const store = await openStore();
  await store.write([storable('FIRST'), storable('SECOND')], 0);
  assert.deepEqual(await counted(), { FIRST: 1, _other: 1 });
  await migrated.server.query("delete from counted_code where code = 'INVENTED_1'");
  await store.write([storable('THIRD')], 0);
  assert.deepEqual(await counted(), { FIRST: 1, _other: 2 });
});

test('a write may have more values than PostgreSQL takes parameters: rows go as arrays', async () => {
  const store = await openStore();
  const rows = Array.from({ length: PARAMETER_LIMIT / 10 }, () => storable('PAYMENT_FAILED'));
  const { written } = await store.write(rows, 0);
  assert.ok(written.every(({ kind }) => kind === 'stored'));
  assert.deepEqual(await counted(), { PAYMENT_FAILED: rows.length });
});

/** As the service's own connections plan it, without the values. */
async function plansOf(statements: readonly string[]): Promise<readonly string[]> {
  const { connectionString } = migrated.server;
  const database = createDatabase({ connectionString, role: 'surgewatch_app', poolSize: 1, keepsPlans: true, log });
  const explain = (text: string) => database.withClient((client) => client.query(`explain (generic_plan) ${text}`));
  try {
    return (await Promise.all(statements.map(explain))).map(({ rows }) => JSON.stringify(rows));
  } finally {
    await database.close();
  }
}

const FINDING_STORED = [
  ...[true, false].map((isCareful) => statementFor({ isCareful, hasFields: true }).text),
  KEPT_STATEMENT,
  DIFFERENT_QUERY,
];
for (const rowCount of [0, 20]) {
  test(`what is stored already is found by its requestId, also by a plan that was made when there were ${rowCount} rows`, async () => {
    const store = await openStore();
    await store.write(
      Array.from({ length: rowCount }, () => storable('PAYMENT_FAILED')),
      0,
    );
    await migrated.server.query('analyze envelope');
    for (const plan of await plansOf(FINDING_STORED)) {
      assert.match(plan, /envelope_\w+_pkey/);
      assert.doesNotMatch(plan, /Seq Scan on envelope|code_occurred_at/);
    }
  });
}
