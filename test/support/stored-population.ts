/**
 * Envelopes of every kind that a row may come from, stored through the real decode, redact and store: clean and mended,
 * siblings, repeats and contradictions, clocks that run ahead, codes and fields past their caps, two replicas, two ways in.
 */
import { readFileSync } from 'node:fs';
import { BUILT_IN_CATALOGUE } from '../../src/catalogue/built-in.ts';
import { parseCatalogue } from '../../src/catalogue/parse-catalogue.ts';
import { decode } from '../../src/envelope/decode.ts';
import { createRedact } from '../../src/envelope/redact.ts';
import type { Source, Storable } from '../../src/ingest/ports.ts';
import type { Database } from '../../src/store/database.ts';
import { createEnvelopeStore } from '../../src/store/envelope-store.ts';
import { prepareDays } from '../../src/store/partitions.ts';
import { documentedEnvelopes, type EnvelopeParts, envelope, type WireEnvelope } from './envelopes.ts';

const RETENTION_DAYS = 30;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** More than have a series of their own, and more than there are places for fields. */
const CODE_COUNT = 1_050;
const FIELD_COUNT = 520;

export const CATALOGUE = parseCatalogue(readFileSync(BUILT_IN_CATALOGUE, 'utf8'), 'built-in.yaml');
const redact = createRedact({ catalogue: CATALOGUE });
const CATALOGUED = [...CATALOGUE.codes.values()].map(({ code, status }) => ({ code, status: String(status) }));

export interface Population {
  /** Rows that are stored. */
  readonly rowCount: number;
  readonly requestIds: readonly string[];
}

export async function storePopulation(database: Database, nowMs: number): Promise<Population> {
  await prepareDays(database, RETENTION_DAYS);
  const ways: readonly { readonly replicaId: string; readonly source: Source; readonly bodies: readonly string[] }[] = [
    { replicaId: 'one', source: 'kafka', bodies: ordinary(nowMs).map((each) => JSON.stringify(each)) },
    { replicaId: 'two', source: 'webhook', bodies: [...mended(nowMs), ...crowd(nowMs).map((each) => JSON.stringify(each))] },
  ];
  let rowCount = 0;
  const requestIds = new Set<string>();
  for (const { replicaId, source, bodies } of ways) {
    const store = createEnvelopeStore({ database, replicaId, catalogued: CATALOGUED });
    await store.open();
    const storables = bodies.map((body, n) => storableOf(body, { source, receivedAtMs: nowMs + n, offset: String(n) }));
    for (let at = 0; at < storables.length; at += 500) {
      const batch = storables.slice(at, at + 500);
      const { written } = await store.write(batch, (at / 500) % store.laneCount);
      rowCount += written.filter(({ kind }) => kind === 'stored').length;
      for (const each of batch) if (each.kind === 'envelope') requestIds.add(each.envelope.requestId);
    }
  }
  return { rowCount, requestIds: [...requestIds] };
}

function storableOf(
  body: string,
  origin: { readonly source: Source; readonly receivedAtMs: number; readonly offset: string },
): Storable {
  const { source, receivedAtMs, offset } = origin;
  const bytes = Buffer.from(body);
  const isCatalogued = (code: string) => CATALOGUE.codes.has(code);
  const decoded = decode(bytes, { receivedAtMs, retentionDays: RETENTION_DAYS, isCatalogued });
  const common = {
    source,
    receivedAtMs,
    coordinates: { topic: 'api.errors.v1', partition: 0, offset },
    sizeBytes: bytes.length,
    digest: () => Uint8Array.of(1),
  };
  if (decoded.kind === 'rejected') throw new Error(`the population holds what is rejected as ${decoded.reason}`);
  return { kind: 'envelope', ...common, envelope: redact(decoded.envelope, receivedAtMs) };
}

function ordinary(nowMs: number): readonly WireEnvelope[] {
  const at = (agoMs: number) => new Date(nowMs - agoMs);
  const twice = envelope({ requestId: 'req_twice', timestamp: at(0) });
  return [
    ...documentedEnvelopes(at(MINUTE_MS)),
    ...documentedEnvelopes(at(30 * HOUR_MS)),
    ...documentedEnvelopes(at(29 * DAY_MS)),
    twice,
    twice,
    // First kept, whatever the other says.
    envelope({ requestId: 'req_twice', message: 'another word', timestamp: at(5) }),
    ...['A', 'B', 'C'].map((code) => envelope({ requestId: 'req_siblings', code, timestamp: at(0) })),
    envelope({ requestId: 'req_siblings', code: 'A', timestamp: at(DAY_MS) }),
    envelope({
      code: 'STATED',
      context: { httpStatus: 418, service: 'calls', route: '/calls/{id}', method: 'POST', client: 'acct_1', release: '1.2' },
    }),
    // Twice, so that which status is the commonest is no toss-up.
    envelope({ code: 'STATED', timestamp: at(0) }),
    envelope({ code: 'STATED', timestamp: at(0) }),
    envelope({ context: { traceparent: `00-${'4b'.repeat(16)}-${'a1'.repeat(8)}-01`, httpStatus: 500 } }),
  ];
}

/** What is changed before it is stored, each by its own rule. */
function mended(nowMs: number): readonly string[] {
  const at = (aheadMs: number) => new Date(nowMs + aheadMs);
  const text = (parts: EnvelopeParts) => JSON.stringify(envelope(parts));
  return [
    text({ message: 'nul \0 and half a pair \ud800', details: { '\0': '\udc00' } }),
    text({ message: 'card 4111 1111 1111 1111 of me@example.com', context: { client: 'me@example.com' } }),
    text({ message: 'me@example.com '.repeat(700) }),
    text({ code: 'OTHER', details: { text: 'hidden', list: ['a', { b: 'c' }], token: 't', none: null, 'me@example.com': 1 } }),
    text({ code: 'no label' }),
    text({ code: 'A'.repeat(129) }),
    text({}).replace('"message":"SIP trunk not found"', '"message":null,"details":"a text"'),
    text({}).replace('"message"', '"details":{"trunkId":9007199254740993,"a":1e400,"b":1,"b":2},"message"'),
    text({ timestamp: `${at(-HOUR_MS).toISOString().slice(0, -1)}456789+00:00` }),
    text({
      timestamp: `${at(-3 * DAY_MS)
        .toISOString()
        .slice(0, 10)}T23:59:60Z`,
    }),
    text({ timestamp: at(HOUR_MS) }),
    text({ code: 'VALIDATION_ERROR', timestamp: at(HOUR_MS), details: { errors: [{ field: 'ahead', code: 'X' }] } }),
    text({ timestamp: at(40 * DAY_MS) }),
    text({ timestamp: '9999-12-31T23:59:59.999Z' }),
    text({ timestamp: '+275760-09-12T10:00:00.000Z' }),
  ];
}

/** More codes and more fields than have names. */
function crowd(nowMs: number): readonly WireEnvelope[] {
  const timestamp = new Date(nowMs - 2 * HOUR_MS);
  const codes = Array.from({ length: CODE_COUNT }, (_, n) => envelope({ code: `CODE_${CODE_COUNT - n}`, timestamp }));
  const fields = Array.from({ length: FIELD_COUNT }, (_, n) =>
    envelope({
      code: 'VALIDATION_ERROR',
      timestamp,
      details: {
        errors: [
          { field: `items[${n}].f${FIELD_COUNT - n}`, code: 'REQUIRED', value: 'typed' },
          { field: 'not a label!', code: 'X' },
        ],
      },
    }),
  );
  return [...codes, ...fields];
}
