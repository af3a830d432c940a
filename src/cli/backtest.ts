/**
 * `surgewatch backtest`: what would have been raised on counts that are already known, stored ones or files. Both go
 * bucket by bucket through the same detector as live; this file only opens what each needs.
 */
import { accessSync, constants } from 'node:fs';
import type { Writable } from 'node:stream';
import { Command } from 'commander';
import { loadConfig } from '../config.ts';
import { InputFault } from '../errors.ts';
import { createCountsReader } from '../store/counts-reader.ts';
import type { Database } from '../store/database.ts';
import { backtestCounts } from './backtest-counts.ts';
import { declareOptions, type GivenOptions, readRequest, type StoredRequest } from './backtest-options.ts';
import { readSeverities, type SeverityOf } from './backtest-severity.ts';
import { backtestStored } from './backtest-stored.ts';
import { createProgress, type ProgressStream } from './terminal-progress.ts';
import { withVerbDatabase } from './verb-database.ts';

/** Where the rows or the table go; on a terminal, how wide it is and whether it shows colour. */
export type BacktestOutput = Writable & { readonly columns?: number; readonly isTTY?: boolean; hasColors?(): boolean };

export interface BacktestDeps {
  readonly output?: BacktestOutput;
  /** Progress and sentences about the run. */
  readonly errors?: ProgressStream;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly nowMs?: () => number;
}

const DEFAULT_COLUMNS = 80;

export function createBacktestCommand({
  output = process.stdout,
  errors = process.stderr,
  env = process.env,
  nowMs = Date.now,
}: BacktestDeps = {}): Command {
  const command = new Command('backtest').description(
    'Replays error counts through the detector: the stored ones as a table of the spikes that would have been raised, or files of counts as NDJSON.',
  );
  return declareOptions(command).action(async (given: GivenOptions) => {
    const request = readRequest(given, nowMs() / 1000);
    const severityOf = request.catalogueFile === null ? null : await readSeverities(request.catalogueFile);
    if (request.kind === 'stored') return runStored(request, severityOf, { output, errors, env });
    requireReadable(request.path, '--counts');
    return backtestCounts(request, output, severityOf);
  });
}

async function runStored(
  request: StoredRequest,
  severityOf: SeverityOf | null,
  { output, errors, env }: Required<Omit<BacktestDeps, 'nowMs'>>,
): Promise<void> {
  const config = loadConfig(env);
  const note = (text: string) => void errors.write(`${text}\n`);
  const run = async (database: Database) => {
    // Rows and a bar on one terminal would write over each other.
    const isBarInTheWay = request.isJson && output.isTTY === true;
    const progress = createProgress({
      stream: isBarInTheWay ? { write: () => {} } : errors,
      unit: 'buckets',
      monotonicMs: () => performance.now(),
    });
    try {
      await backtestStored({
        reader: createCountsReader(database),
        request,
        severityOf,
        alert: config.alert,
        output,
        terminal: {
          columns: output.columns ?? DEFAULT_COLUMNS,
          isColoured: output.isTTY === true && output.hasColors?.() === true,
        },
        progress,
        note,
      });
    } finally {
      progress.end();
    }
  };
  await withVerbDatabase(run, { where: config.database, warn: note });
}

/** @throws InputFault naming the option's path, when nothing readable is there. */
function requireReadable(path: string, option: string): void {
  try {
    accessSync(path, constants.R_OK);
  } catch (cause) {
    throw new InputFault(`${option}: ${path} cannot be read: it must be an existing file or folder`, cause);
  }
}
