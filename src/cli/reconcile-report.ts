/** PURE. What a comparison of rows, counts and counters found, in sentences that name the place and both numbers. */
import { VALIDATION_CODE } from '../envelope/validation-fields.ts';
import type { Compared, ComparedDay, CountedDay, Counters, Differing } from '../store/reconcile-reader.ts';

export interface DayFindings {
  readonly day: CountedDay;
  readonly errors: ComparedDay;
  readonly fields: Compared;
}

export interface Findings {
  readonly counters: Counters;
  /** Every day there is; what removals took from the others is known by these. */
  readonly days: readonly CountedDay[];
  readonly compared: readonly DayFindings[];
  /** Whether all rows were compared, and not those of a span. */
  readonly isWhole: boolean;
}

export interface Verdict {
  readonly rowCount: number;
  readonly removedCount: number;
  /** Sentences; empty: nothing differs. */
  readonly differences: readonly string[];
}

export function judge({ counters, days, compared, isWhole }: Findings): Verdict {
  const differences: string[] = [];
  const countersSum = sum(counters.replicas.map(({ count }) => count));
  const countedSum = sum(days.map(({ errorCount, removed }) => errorCount + removed.errorCount));
  const hasRemovals = days.some(({ removed }) => removed.rowCount > 0 || removed.errorCount > 0);
  if (countersSum !== countedSum) {
    differences.push(
      `counters of ${counters.replicas.length} replicas say ${countersSum}, counted in buckets were ${countedSum}`,
    );
  }
  for (const each of compared) differences.push(...dayDifferences(each, isWhole));
  if (isWhole) differences.push(...seriesDifferences(counters, compared, hasRemovals));
  differences.push(...fieldDifferences(counters, days));
  return {
    rowCount: sum(compared.map(({ errors }) => errors.rowCount)),
    removedCount: sum(days.map(({ removed }) => removed.rowCount)),
    differences,
  };
}

/** Where something was removed, its counts may have gone before its rows or stayed behind: there the sums must agree. */
function dayDifferences({ day: { day, removed }, errors, fields }: DayFindings, isWhole: boolean): readonly string[] {
  const hasRemovals = removed.rowCount > 0 || removed.errorCount > 0;
  if (!hasRemovals) return [...told(errors, day), ...told(fields, `${day} ${VALIDATION_CODE}`)];
  const counted = errors.countedCount + removed.errorCount;
  const rows = errors.rowCount + removed.rowCount;
  return !isWhole || counted === rows
    ? []
    : [
        `${day}: ${errors.rowCount} rows and ${removed.rowCount} removed ones, ${errors.countedCount} counted and ${removed.errorCount} counts removed`,
      ];
}

function told({ differing, differingCount }: Compared, where: string): readonly string[] {
  const more = differingCount - differing.length;
  return [...differing.map(placeOf), ...(more > 0 ? [`${where}: ${more} more places differ`] : [])];
}

function placeOf({ name, bucketStart, isClockAhead, rowCount, countedCount }: Differing): string {
  return `${bucketStart} ${name}${isClockAhead ? ' (clock ahead)' : ''}: ${rowCount} rows, ${countedCount} counted`;
}

/** A series that counted more than there are rows is right only where rows were removed. */
function seriesDifferences(counters: Counters, compared: readonly DayFindings[], hasRemovals: boolean): readonly string[] {
  const rows = new Map<string, number>();
  for (const { errors } of compared) for (const { name, count } of errors.series) rows.set(name, (rows.get(name) ?? 0) + count);
  const totals = new Map(counters.errors.map(({ name, count }) => [name, count]));
  return [...new Set([...totals.keys(), ...rows.keys()])].sort().flatMap((name) => {
    const [total, stored] = [totals.get(name) ?? 0, rows.get(name) ?? 0];
    const isRight = hasRemovals ? total >= stored : total === stored;
    return isRight ? [] : [`errors_total ${name}: counters say ${total}, ${stored} rows`];
  });
}

function fieldDifferences({ fields }: Counters, days: readonly CountedDay[]): readonly string[] {
  const removed = sum(days.map((day) => day.removed.fieldCount));
  const [total, counted] = [sum(fields.map(({ count }) => count)), sum(fields.map(({ countedCount }) => countedCount))];
  const named = fields.flatMap(({ name, count, countedCount }) =>
    (removed > 0 ? count >= countedCount : count === countedCount)
      ? []
      : [`validation_field_errors_total ${name}: counters say ${count}, counted in buckets were ${countedCount}`],
  );
  if (named.length > 0 || total === counted + removed) return named;
  return [`validation_field_errors_total: counters say ${total}, counted in buckets were ${counted + removed}`];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
