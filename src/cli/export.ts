/**
 * `surgewatch export`: the stored rows as NDJSON that `import` makes the same rows of, in another database as well. The
 * backup of a small installation, and the way from the embedded database to a server.
 *
 * Names for series are given first come, first served. So rows that are counted under their own name come first, and
 * those that were too many only then: the other database gives its names to the same ones.
 */
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { finished, pipeline } from 'node:stream/promises';
import { createGzip, createZstdCompress } from 'node:zlib';
import { Command } from 'commander';
import { exportLine } from '../envelope/export-line.ts';
import { fieldKey, validationFieldsOf } from '../envelope/validation-fields.ts';
import { InputFault } from '../errors.ts';
import { createExportReader, type ExportReader, type NamedSeries, type StoredRow } from '../store/export-reader.ts';
import type { RowSpan } from '../store/row-span.ts';
import { createLineWriter, type LineWriter } from './line-writer.ts';
import { parseSpan } from './moment.ts';
import { createProgress } from './terminal-progress.ts';
import { sayCount } from './terminal-words.ts';
import { withVerbDatabase } from './verb-database.ts';
import { withStopSignal } from './verb-signal.ts';

/** Customers' errors: for who made it alone. */
const FILE_MODE = 0o600;

interface Output {
  readonly writer: LineWriter;
  /** Makes the file appear under its name, whole. */
  readonly finish: () => Promise<void>;
  /** Leaves nothing behind. */
  readonly abandon: () => Promise<void>;
}

const note = (text: string) => void process.stderr.write(`${text}\n`);

export function createExportCommand(): Command {
  return new Command('export')
    .description('write the stored envelopes, redacted as they are, as NDJSON that import reads')
    .option('--from <TIME>', 'from when they occurred: a time such as 2026-01-05T08:00:00Z, or an age such as 30d')
    .option('--to <TIME>', 'until when, exclusive')
    .option('--out <FILE>', 'where to; compressed when it ends in .gz or .zst; stdout when left out')
    .action((given: { readonly from?: string; readonly to?: string; readonly out?: string }) =>
      withStopSignal(async (signal) => {
        const span = parseSpan(given, Date.now());
        await withVerbDatabase((database) => writeOut(createExportReader(database), span, openOutput(given.out), signal));
      }),
    );
}

async function writeOut(reader: ExportReader, span: RowSpan, output: Output, signal: AbortSignal): Promise<void> {
  const progress = createProgress({ stream: process.stderr, unit: 'envelopes', monotonicMs: () => performance.now() });
  const { writer } = output;
  let writtenCount = 0;
  try {
    const named = await reader.readNamed();
    const expectedCount = Math.max(await reader.countRows(span), 1);
    let laterCount = 0;
    const pass = async (isWanted: (row: StoredRow) => boolean) => {
      for await (const rows of reader.readRows(span)) {
        for (const row of rows) {
          if (!isWanted(row)) {
            laterCount += 1;
            continue;
          }
          await writer.write(exportLine({ ...row, detailsJson: JSON.stringify(row.details) }));
          writtenCount += 1;
        }
        progress.update(Math.min(writtenCount / expectedCount, 1), writtenCount);
        signal.throwIfAborted();
        if (writer.isClosed()) return;
      }
    };
    await pass((row) => hasOwnName(row, named));
    if (laterCount > 0) await pass((row) => !hasOwnName(row, named));
    await output.finish();
  } catch (fault) {
    await output.abandon();
    if (!signal.aborted)
      throw isFileTrouble(fault) ? new InputFault(`the output cannot be written (${fault.code})`, fault) : fault;
    note('Stopped; nothing was kept of it.');
    process.exitCode = 1;
    return;
  } finally {
    progress.end();
  }
  note(`${sayCount(writtenCount, 'envelope')} exported.`);
}

function isFileTrouble(fault: unknown): fault is Error & { readonly code: string } {
  return fault instanceof Error && 'syscall' in fault && 'code' in fault && typeof fault.code === 'string';
}

/** Whether counting the row elsewhere takes no name that another row has here. */
function hasOwnName(row: StoredRow, { series, codes, fields }: NamedSeries): boolean {
  if (row.sanitized.includes('code_invalid')) return true; // Never counted by name, here or elsewhere.
  if (!codes.has(row.code) || !series.has(`${row.code} ${row.status ?? 'unknown'}`)) return false;
  return validationFieldsOf(row.details).every((field) => fields.has(fieldKey(field)));
}

function openOutput(path: string | undefined): Output {
  if (path === undefined) {
    const writer = createLineWriter(process.stdout);
    return { writer, finish: () => writer.flush(), abandon: async () => {} };
  }
  // Under its name it is whole or as it was before.
  const partPath = `${path}.part`;
  const file = createWriteStream(partPath, { mode: FILE_MODE, flush: true });
  const compressor = path.endsWith('.gz') ? createGzip() : path.endsWith('.zst') ? createZstdCompress() : null;
  const written = compressor === null ? finished(file) : pipeline(compressor, file);
  written.catch(() => {}); // Seen where it is awaited.
  const writer = createLineWriter(compressor ?? file);
  return {
    writer,
    async finish() {
      await writer.end();
      await written;
      await rename(partPath, path);
    },
    async abandon() {
      (compressor ?? file).destroy();
      await written.catch(() => {});
      await rm(partPath, { force: true });
    },
  };
}
