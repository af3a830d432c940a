/**
 * The one place that counts what ingest did. `errors_total` and the counts of validation fields move by what the store
 * reports as committed, never by what was sent, so that they equal the rows over kills and replays.
 */
import type { Metrics, STORED_CHANGES } from '../metrics.ts';
import type { Increments, Source, Storable, WriteReport, Written } from './ports.ts';

/** Exemplars with longer values are refused by some scrapers; the envelope is found all the same. */
const LONGEST_EXEMPLAR = 64;

export interface RecordDeps {
  readonly metrics: Metrics;
  readonly hasExemplars: boolean;
  /** Our clock, epoch milliseconds. */
  readonly now: () => number;
}

export function createRecord({ metrics, hasExemplars, now }: RecordDeps) {
  /** Moves what counts rows to what is committed. */
  function recordIncrements({ errors, fields }: Increments): void {
    for (const { field, code, count } of fields) metrics.validationFieldErrorsTotal.inc({ field, code }, count);
    for (const { code, status, count, requestId } of errors) {
      const labels = { code, status };
      const exemplar = hasExemplars && requestId !== null && requestId.length <= LONGEST_EXEMPLAR ? requestId : null;
      metrics.errorsTotal.inc(
        exemplar === null ? { labels, value: count } : { labels, value: count, exemplarLabels: { request_id: exemplar } },
      );
      if (code === '_other') metrics.labelOverflowTotal.inc(count);
    }
  }

  function recordCommit(report: WriteReport, batchSize: number, durationSeconds: number): void {
    recordIncrements(report.increments);
    metrics.batchSize.observe(batchSize);
    metrics.storeDurationSeconds.observe(durationSeconds);
  }

  function recordOutcomes(storables: readonly Storable[], written: readonly Written[]): void {
    const first = storables[0];
    if (first === undefined) return;
    const source: Source = first.source; // One hand-over has one source.
    let stored = 0;
    let duplicate = 0;
    const changes = new Map<Change, number>();
    written.forEach((each, index) => {
      if (each.kind === 'stored') {
        stored += 1;
        noteChanges(storables[index], changes);
      } else if (each.kind === 'duplicate') duplicate += 1;
      else {
        metrics.envelopesRejectedTotal.inc({ source, reason: each.reason });
        if (each.isNewDeadLetter) metrics.deadLettersTotal.inc({ reason: each.reason });
      }
    });
    for (const [change, count] of changes) metrics.envelopesSanitizedTotal.inc({ change }, count);
    metrics.envelopesReceivedTotal.inc({ source }, written.length);
    metrics.envelopesStoredTotal.inc({ source }, stored);
    metrics.envelopesDuplicateTotal.inc({ source }, duplicate);
    metrics.ingestLatencySeconds.observe({ source }, Math.max(0, now() - first.receivedAtMs) / 1000);
  }

  function recordConflicts(sources: readonly Source[]): void {
    for (const source of sources) metrics.envelopeConflictsTotal.inc({ source });
  }

  return { recordIncrements, recordCommit, recordOutcomes, recordConflicts };
}

type Change = (typeof STORED_CHANGES)[number];

/** Summed up for the batch: a label looked up for each envelope costs more than the rest of this file. */
function noteChanges(storable: Storable | undefined, changes: Map<Change, number>): void {
  if (storable?.kind !== 'envelope') return;
  const { sanitized, hasDropped } = storable.envelope;
  if (sanitized.length > 0) for (const change of sanitized) changes.set(change, (changes.get(change) ?? 0) + 1);
  if (hasDropped) changes.set('dropped', (changes.get('dropped') ?? 0) + 1);
}
