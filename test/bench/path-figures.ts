/**
 * What an envelope costs us from its bytes to the parameters of the write statement, stage by stage and without any IO, in
 * CPU time: the figures to look at when somebody else is at the machine, since they hardly move with its load.
 */
import { readFileSync } from 'node:fs';
import { BUILT_IN_CATALOGUE } from '../../src/catalogue/built-in.ts';
import { parseCatalogue } from '../../src/catalogue/parse-catalogue.ts';
import { decode } from '../../src/envelope/decode.ts';
import { createRedact } from '../../src/envelope/redact.ts';
import type { ErrorEnvelope } from '../../src/envelope/schema.ts';
import type { Storable } from '../../src/ingest/ports.ts';
import { planOf } from '../../src/store/write-plan.ts';
import { createRowColumns } from '../../src/store/write-rows.ts';
import type { Figure } from './figures.ts';
import { makeRecords } from './workload.ts';

const RECORD_COUNT = 10_000;
const BATCH_SIZE = 1_000;
const WARM_UP_ROUNDS = 10;
const ROUNDS = 15;
const CAPS = { hasSeries: () => true, isCounted: () => true, countedField: <Field>(field: Field) => field };
const STAGES = ['decode', 'redact', 'plan', 'columns'] as const;
type Stage = (typeof STAGES)[number];

export function measurePath(): readonly Figure[] {
  const catalogue = parseCatalogue(readFileSync(BUILT_IN_CATALOGUE, 'utf8'), 'built-in.yaml');
  const redact = createRedact({ catalogue });
  const columnsOf = createRowColumns();
  const receivedAtMs = Date.now();
  const options = { receivedAtMs, retentionDays: 30, isCatalogued: (code: string) => catalogue.codes.has(code) };
  const deliveries = makeRecords(RECORD_COUNT).records.map(({ value }) => Buffer.from(value));
  const spent: Record<Stage, number[]> = { decode: [], redact: [], plan: [], columns: [] };

  function read(bytes: Uint8Array): ErrorEnvelope {
    const decoded = decode(bytes, options);
    if (decoded.kind !== 'envelope') throw new Error(`the bench made an envelope that is ${decoded.reason}`);
    return decoded.envelope;
  }
  function toStorable(envelope: ErrorEnvelope): Storable {
    const origin = { source: 'kafka', receivedAtMs, coordinates: null, sizeBytes: 0, digest: () => new Uint8Array() } as const;
    return { kind: 'envelope', ...origin, envelope: redact(envelope, receivedAtMs) };
  }

  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round += 1) {
    const sums: Record<Stage, number> = { decode: 0, redact: 0, plan: 0, columns: 0 };
    const timed = <T>(stage: Stage, work: () => T): T => {
      const before = process.cpuUsage();
      const result = work();
      const { user, system } = process.cpuUsage(before);
      sums[stage] += user + system;
      return result;
    };
    for (let at = 0; at < RECORD_COUNT; at += BATCH_SIZE) {
      const batch = deliveries.slice(at, at + BATCH_SIZE);
      const envelopes = timed('decode', () => batch.map(read));
      const storables = timed('redact', () => envelopes.map(toStorable));
      const plan = timed('plan', () => planOf(storables, CAPS));
      timed('columns', () => columnsOf(plan.rows));
    }
    if (round < WARM_UP_ROUNDS) continue;
    for (const stage of STAGES) spent[stage].push(sums[stage] / RECORD_COUNT);
  }
  const whole = spent.decode.map((_, round) => STAGES.reduce((sum, stage) => sum + (spent[stage][round] ?? 0), 0));
  return [
    { what: 'bytes to statement, without IO: CPU', unit: 'us/envelope', values: whole },
    ...STAGES.map((stage) => ({ what: `  ${stage}`, unit: 'us/envelope', values: spent[stage] })),
  ];
}
