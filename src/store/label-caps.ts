/**
 * Which codes, (code, status) pairs and validation fields are counted by name. First come, first served, the same on all
 * replicas; what is admitted is remembered here, and once full nothing is asked any more. Without these caps a sender of
 * random codes or fields would grow every metric and count without end.
 */
import type { RedactedEnvelope } from '../envelope/schema.ts';
import { fieldKey, OTHER_FIELD, type ValidationField } from '../envelope/validation-fields.ts';
import type { SeriesLabel, Storable } from '../ingest/ports.ts';
import type { Database } from './database.ts';
import { admitFirstCome, type FirstComeTable } from './first-come.ts';

/** (code, status) pairs with a series of their own. */
const SERIES: FirstComeTable = { name: 'error_series', columns: ['code', 'status'], mostRows: 1000 };
/** Codes that bucket counts and the detector know by name. */
const CODES: FirstComeTable = { name: 'counted_code', columns: ['code'], mostRows: 10_000 };
/** Validation fields that metric, counts and detector know by name. */
const FIELDS: FirstComeTable = { name: 'field_series', columns: ['field', 'sub_code'], mostRows: 500 };

export interface LabelCaps {
  /** Learns what is admitted; asks for what these envelopes bring anew. @throws StoreUnavailable. */
  admit(storables: readonly Storable[]): Promise<void>;
  /** The catalogued pairs, before any traffic. */
  admitSeries(pairs: readonly SeriesLabel[]): Promise<void>;
  hasSeries(code: string, status: string): boolean;
  isCounted(code: string): boolean;
  /** The pair, or the one that stands for all that are not counted by name. */
  countedField(field: ValidationField): ValidationField;
}

export function statusLabel(envelope: RedactedEnvelope): string {
  return envelope.status === null ? 'unknown' : String(envelope.status);
}

/** @param catalogued the codes whose place among the counted ones is kept free until they come. */
export function createLabelCaps(database: Pick<Database, 'withClient'>, catalogued: readonly string[]): LabelCaps {
  const series = new Map<string, Set<string>>();
  const codes = new Set<string>();
  const fields = new Set<string>();
  /** Catalogued codes that have not come yet. Whoever invents codes must not leave the detector blind for one of these. */
  const awaited = new Set(catalogued);
  let seriesCount = 0;
  const hasSeries = (code: string, status: string) => series.get(code)?.has(status) ?? false;

  async function admitSeries(pairs: readonly SeriesLabel[]): Promise<void> {
    const wanted = pairs.map(({ code, status }) => [code, status]);
    const admitted = await admitFirstCome(database, SERIES, wanted);
    for (const [code = '', status = ''] of admitted) {
      const statuses = series.get(code) ?? new Set();
      series.set(code, statuses.add(status));
    }
    seriesCount = admitted.length;
  }

  const roomForOthers = () => CODES.mostRows - awaited.size;

  async function admitCodes(wanted: readonly string[]): Promise<void> {
    const known = wanted.filter((code) => awaited.has(code));
    const others = wanted.filter((code) => !awaited.has(code));
    for (const { codesToAdmit, mostRows } of [
      { codesToAdmit: known, mostRows: CODES.mostRows },
      { codesToAdmit: others, mostRows: roomForOthers() },
    ]) {
      if (codesToAdmit.length === 0) continue;
      const keys = codesToAdmit.map((code) => [code]);
      for (const [code = ''] of await admitFirstCome(database, { ...CODES, mostRows }, keys)) {
        codes.add(code);
        awaited.delete(code);
      }
    }
  }

  async function admitFields(wanted: readonly ValidationField[]): Promise<void> {
    const admitted = await admitFirstCome(
      database,
      FIELDS,
      wanted.map(({ field, code }) => [field, code]),
    );
    for (const [field = '', code = ''] of admitted) fields.add(fieldKey({ field, code }));
  }

  async function admit(storables: readonly Storable[]): Promise<void> {
    const newPairs = new Map<string, SeriesLabel>();
    const newCodes = new Set<string>();
    const newFields = new Map<string, ValidationField>();
    for (const storable of storables) {
      if (storable.kind !== 'envelope' || !storable.envelope.isCodeValid) continue;
      const { envelope } = storable;
      const { code } = envelope;
      const status = statusLabel(envelope);
      if (seriesCount < SERIES.mostRows && !hasSeries(code, status)) newPairs.set(`${code} ${status}`, { code, status });
      // A clock that runs ahead says nothing of when a code was first seen, nor may it take a place from one that was.
      if (!envelope.isClockAhead && !codes.has(code) && (awaited.has(code) || codes.size < roomForOthers())) newCodes.add(code);
      if (envelope.validationFields.length === 0 || fields.size === FIELDS.mostRows) continue;
      for (const each of envelope.validationFields) {
        const key = fieldKey(each);
        if (each !== OTHER_FIELD && !fields.has(key)) newFields.set(key, each);
      }
    }
    if (newPairs.size > 0) await admitSeries([...newPairs.values()]);
    if (newCodes.size > 0) await admitCodes([...newCodes]);
    if (newFields.size > 0) await admitFields([...newFields.values()]);
  }

  return {
    admit,
    admitSeries,
    hasSeries,
    isCounted: (code) => codes.has(code),
    countedField: (field) => (fields.has(fieldKey(field)) ? field : OTHER_FIELD),
  };
}
