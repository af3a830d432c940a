/**
 * The one place that counts what ingest did. `errors_total` moves by what the store reports as committed, never by what
 * was sent, so that it equals the rows over kills and replays.
 */
import { type ValidationField, validationFieldsOf } from '../envelope/validation-fields.ts';
import type { Metrics } from '../metrics.ts';
import type { Source, Storable, WriteReport, Written } from './ports.ts';

/** Exemplars with longer values are refused by some scrapers; the envelope is found all the same. */
const LONGEST_EXEMPLAR = 64;
/** Most (field, sub-code) pairs with a series of their own; producers choose them. */
const MOST_FIELD_PAIRS = 500;
const OTHER_PAIR: ValidationField = { field: '_other', code: '_other' };

export interface RecordDeps {
  readonly metrics: Metrics;
  readonly hasExemplars: boolean;
  /** Our clock, epoch milliseconds. */
  readonly now: () => number;
}

export function createRecord({ metrics, hasExemplars, now }: RecordDeps) {
  /** Moves errors_total to what is committed. */
  function recordIncrements({ increments }: Pick<WriteReport, 'increments'>): void {
    for (const { code, status, count, requestId } of increments) {
      const labels = { code, status };
      const exemplar = hasExemplars && requestId !== null && requestId.length <= LONGEST_EXEMPLAR ? requestId : null;
      metrics.errorsTotal.inc(
        exemplar === null ? { labels, value: count } : { labels, value: count, exemplarLabels: { request_id: exemplar } },
      );
      if (code === '_other') metrics.labelOverflowTotal.inc(count);
    }
  }

  function recordCommit(report: WriteReport, batchSize: number, durationSeconds: number): void {
    recordIncrements(report);
    metrics.batchSize.observe(batchSize);
    metrics.storeDurationSeconds.observe(durationSeconds);
  }

  const fieldPairs = new Set<string>();
  function recordFields(storable: Storable | undefined): void {
    if (storable?.kind !== 'envelope') return;
    for (const pair of validationFieldsOf(storable.envelope)) {
      const key = `${pair.field} ${pair.code}`;
      if (fieldPairs.size < MOST_FIELD_PAIRS) fieldPairs.add(key);
      const { field, code } = fieldPairs.has(key) ? pair : OTHER_PAIR;
      metrics.validationFieldErrorsTotal.inc({ field, code });
    }
  }

  function recordOutcomes(storables: readonly Storable[], written: readonly Written[]): void {
    const first = storables[0];
    if (first === undefined) return;
    const source: Source = first.source; // One hand-over has one source.
    let stored = 0;
    let duplicate = 0;
    for (const [n, each] of written.entries()) {
      if (each.kind === 'stored') {
        stored += 1;
        recordFields(storables[n]);
      } else if (each.kind === 'duplicate') duplicate += 1;
      else {
        metrics.envelopesRejectedTotal.inc({ source, reason: each.reason });
        if (each.isNewDeadLetter) metrics.deadLettersTotal.inc({ reason: each.reason });
      }
    }
    metrics.envelopesReceivedTotal.inc({ source }, written.length);
    metrics.envelopesStoredTotal.inc({ source }, stored);
    metrics.envelopesDuplicateTotal.inc({ source }, duplicate);
    metrics.ingestLatencySeconds.observe({ source }, Math.max(0, now() - first.receivedAtMs) / 1000);
  }

  return { recordIncrements, recordCommit, recordOutcomes };
}
