/** PURE. What became of each storable and which counters move, read from the answers of the write statement. */
import type { RejectReason, RequestId } from '../envelope/schema.ts';
import type { Increments, Storable, Written } from '../ingest/ports.ts';
import { statusLabel } from './label-caps.ts';
import { type createLaneTotals, labelKey } from './lane-totals.ts';
import type { Plan } from './write-plan.ts';

/** A row that the write statement answered. */
export interface Answer {
  readonly kind: 'absent' | 'dead' | 'total' | 'field';
  /** Place among the storables, once it has been read. */
  readonly n: number;
  readonly code: string;
  readonly status: string;
  readonly total: string;
}

export interface Totals {
  /** By code and status. */
  readonly errors: ReturnType<typeof createLaneTotals>;
  /** By validation field and sub-code. */
  readonly fields: ReturnType<typeof createLaneTotals>;
}

const STORED: Written = { kind: 'stored' };
const DUPLICATE: Written = { kind: 'duplicate' };

export function writtenOf(
  storables: readonly Storable[],
  plan: Plan,
  answers: readonly Answer[],
  turnedDown: ReadonlyMap<number, RejectReason>,
): readonly Written[] {
  const absent = new Set<number>();
  const newDead = new Set<number>();
  for (const { kind, n } of answers) {
    if (kind === 'absent') absent.add(n);
    else if (kind === 'dead') newDead.add(n);
  }
  const written = storables.map((storable, n): Written => {
    const reason = storable.kind === 'rejected' ? storable.reason : turnedDown.get(n);
    if (reason !== undefined) return { kind: 'rejected', reason, isNewDeadLetter: newDead.has(n) };
    return absent.has(n) ? DUPLICATE : STORED;
  });
  for (const [place, earlier] of plan.repeats) {
    const first = written[earlier];
    written[place] = first?.kind === 'rejected' ? { ...first, isNewDeadLetter: false } : DUPLICATE;
  }
  return written;
}

/** One stored requestId for each series of the batch. */
export function exemplarsOf(
  { rows }: Plan,
  written: readonly Written[],
  caps: { hasSeries(code: string, status: string): boolean },
) {
  const exemplars = new Map<string, RequestId>();
  const told = new Map<string, number | null>();
  for (const { n, storable } of rows) {
    const { requestId, code, status: httpStatus, isCodeValid } = storable.envelope;
    if (written[n] !== STORED || (told.get(code) === httpStatus && told.has(code))) continue;
    told.set(code, httpStatus);
    const status = statusLabel(storable.envelope);
    const hasOwn = isCodeValid && caps.hasSeries(code, status);
    exemplars.set(hasOwn ? labelKey(code, status) : labelKey('_other', '_other'), requestId);
  }
  return exemplars;
}

export const NO_EXEMPLARS: ReadonlyMap<string, RequestId> = new Map();

/** What the lane has committed beyond what it reported before. */
export function reportOf({ errors, fields }: Totals, exemplars: ReadonlyMap<string, RequestId>): Increments {
  return {
    errors: errors.report().map(({ first, second, count }) => ({
      code: first,
      status: second,
      count,
      requestId: exemplars.get(labelKey(first, second)) ?? null,
    })),
    fields: fields.report().map(({ first, second, count }) => ({ field: first, code: second, count })),
  };
}
