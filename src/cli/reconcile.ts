/**
 * `surgewatch reconcile`: whether counters, counts and rows say the same, of one moment, and where they do not. Reads only,
 * and may run beside the service; one row scan a day of event time.
 */
import { Command } from 'commander';
import { type ReconcileReader, withReconcileReader } from '../store/reconcile-reader.ts';
import type { RowSpan } from '../store/row-span.ts';
import { parseSpan } from './moment.ts';
import { type DayFindings, type Findings, judge } from './reconcile-report.ts';
import { createProgress, type Progress } from './terminal-progress.ts';
import { sayCount } from './terminal-words.ts';
import { withVerbDatabase } from './verb-database.ts';
import { withStopSignal } from './verb-signal.ts';

const BUCKET_MS = 10_000;
/** Differences that are printed; there may be thousands of one cause. */
const MOST_PRINTED = 50;

const note = (text: string) => void process.stderr.write(`${text}\n`);

export function createReconcileCommand(): Command {
  return new Command('reconcile')
    .description('compare counters, counts and rows, and say what differs; exit 1 when something does')
    .option('--from <TIME>', 'rows that occurred from then on: a time such as 2026-01-05T08:00:00Z, or an age such as 30d')
    .option('--to <TIME>', 'and before then')
    .action((given: { readonly from?: string; readonly to?: string }) =>
      withStopSignal(async (signal) => {
        const span = widenToBuckets(parseSpan(given, Date.now()));
        await withVerbDatabase(async (database) => {
          try {
            say(await withReconcileReader(database, (reader) => compare(reader, span, signal)));
          } catch (fault) {
            if (!signal.aborted) throw fault;
            note('Stopped; nothing was compared to its end.');
            process.exitCode = 1;
          }
        });
      }),
    );
}

async function compare(reader: ReconcileReader, span: RowSpan, signal: AbortSignal): Promise<Findings> {
  const progress = createProgress({ stream: process.stderr, unit: 'rows', monotonicMs: () => performance.now() });
  try {
    const days = await reader.readDays();
    const wanted = days.filter(({ day }) => touches(day, span));
    return {
      days,
      compared: await compareDays({ reader, span, wanted, progress, signal }),
      counters: await reader.readCounters(),
      isWhole: span.fromMs === null && span.toMs === null,
    };
  } finally {
    progress.end();
  }
}

interface CompareDays {
  readonly reader: ReconcileReader;
  readonly span: RowSpan;
  readonly wanted: Findings['days'];
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

async function compareDays({ reader, span, wanted, progress, signal }: CompareDays): Promise<readonly DayFindings[]> {
  const total = Math.max(
    wanted.reduce((sum, { errorCount }) => sum + errorCount, 0),
    1,
  );
  const compared: DayFindings[] = [];
  let doneCount = 0;
  for (const day of wanted) {
    signal.throwIfAborted();
    compared.push({ day, errors: await reader.compareDay(day.day, span), fields: await reader.compareFields(day.day, span) });
    doneCount += day.errorCount;
    progress.update(Math.min(doneCount / total, 1), doneCount);
  }
  return compared;
}

function say(findings: Findings): void {
  const { differences, rowCount, removedCount } = judge(findings);
  const { replicas } = findings.counters;
  const lines = [
    `rows       ${rowCount}${findings.isWhole ? '' : ' in the span'}, ${removedCount} more were removed since`,
    `counters   ${replicas.map(({ replicaId, count }) => `${count} (${replicaId})`).join(' + ') || '0'}`,
    ...differences.slice(0, MOST_PRINTED).map((each) => `differs    ${each}`),
    ...(differences.length > MOST_PRINTED ? [`and ${differences.length - MOST_PRINTED} more`] : []),
    differences.length === 0 ? 'Nothing differs.' : `${sayCount(differences.length, 'difference')}.`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  if (differences.length > 0) process.exitCode = 1;
}

/** The least span on the grid of the counts that holds it. */
function widenToBuckets({ fromMs, toMs }: RowSpan): RowSpan {
  return {
    fromMs: fromMs === null ? null : Math.floor(fromMs / BUCKET_MS) * BUCKET_MS,
    toMs: toMs === null ? null : Math.ceil(toMs / BUCKET_MS) * BUCKET_MS,
  };
}

/** Of a day past the year 9999, which no parser of ours reads, only an open end says that it is wanted. */
function touches(day: string, { fromMs, toMs }: RowSpan): boolean {
  const startMs = Date.parse(`${day}T00:00:00Z`);
  if (Number.isNaN(startMs)) return toMs === null;
  return (toMs === null || startMs < toMs) && (fromMs === null || startMs + 86_400_000 > fromMs);
}
