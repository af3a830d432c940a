/**
 * `surgewatch import` of a file as a shell runs it, beside COPY on the same server in the same round: from an empty migrated
 * database, in a process that is started for it, so that a start, compiling and the file's digest are part of the figure.
 * What an import of a single line takes stands beside it, and once before it: that one prepares the days and brings the
 * programs into memory. Rows are what the file makes, without its repeats, as COPY's are.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../src/store/embedded-postgres.ts';
import { migrate } from '../../src/store/migrate.ts';
import { runVerb } from '../support/run-verb.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { type CopyRound, runCopyRound } from './copy-reference.ts';
import type { Figure } from './figures.ts';
import type { BenchOptions } from './options.ts';
import { endedChildrenCpuSeconds, postgresCpuSeconds } from './process-usage.ts';
import { makeRecords } from './workload.ts';

const MICROSECONDS = 1_000_000;

interface ImportRound {
  readonly rowCount: number;
  readonly lineCount: number;
  readonly whole: Cost;
  readonly oneLine: Cost;
  readonly copy: CopyRound;
}

interface Cost {
  readonly seconds: number;
  readonly ownCpuSeconds: number;
  readonly postgresCpuSeconds: number;
}

export async function measureImport({ sizes }: BenchOptions, say: (text: string) => void): Promise<readonly Figure[]> {
  const rounds: ImportRound[] = [];
  for (let round = 1; round <= sizes.rounds; round += 1) {
    say(`import, round ${round} of ${sizes.rounds}`);
    rounds.push(await runImportRound(sizes.importLines));
  }
  return importFigures(rounds);
}

async function runImportRound(lineCount: number): Promise<ImportRound> {
  const { records, distinct } = makeRecords(lineCount);
  const dir = makeTempDir('bench-import');
  const dataDir = join(dir.path, 'data');
  const server = await startEmbeddedPostgres({ dataDir, log: { info() {}, warn: (text) => process.stderr.write(`${text}\n`) } });
  const { connectionString } = server;
  const client = new pg.Client({ connectionString });
  try {
    await migrate(connectionString);
    await client.connect();
    const countRows = async () => Number((await client.query('select count(*) as n from envelope')).rows[0]?.n);
    async function importLines(name: string, lines: readonly string[], newCount: number): Promise<Cost> {
      const file = join(dir.path, name);
      await writeFile(file, lines.join('\n'));
      const rowsBefore = await countRows();
      await client.query('checkpoint');
      const read = () => ({ own: endedChildrenCpuSeconds(), postgres: postgresCpuSeconds(dataDir) });
      const [startedMs, before] = [performance.now(), read()];
      const { code, err } = await runVerb(['import', file], { DATABASE_URL: connectionString });
      const [endedMs, after] = [performance.now(), read()];
      const added = (await countRows()) - rowsBefore;
      if (code !== 0 || added !== newCount) throw new Error(`${added} of ${newCount} rows were imported: ${err.slice(-500)}`);
      return {
        seconds: (endedMs - startedMs) / 1000,
        ownCpuSeconds: after.own - before.own,
        postgresCpuSeconds: after.postgres - before.postgres,
      };
    }
    const single = () => makeRecords(1).records.map(({ value }) => value);
    await importLines('first.ndjson', single(), 1);
    const oneLine = await importLines('second.ndjson', single(), 1);
    await client.query('truncate envelope');
    const lines = records.map(({ value }) => value);
    const whole = await importLines('whole.ndjson', lines, distinct.length);
    const copy = await runCopyRound({ connectionString, dataDir, envelopes: distinct });
    return { rowCount: distinct.length, lineCount, whole, oneLine, copy };
  } finally {
    await client.end();
    await server.stop();
    dir.remove();
  }
}

function importFigures(rounds: readonly ImportRound[]): readonly Figure[] {
  const copyOne = { what: 'COPY, 1 connection', values: rounds.map(({ copy }) => copy.oneConnection) };
  const micros = (of: (cost: Cost) => number) => rounds.map(({ whole, lineCount }) => (of(whole) * MICROSECONDS) / lineCount);
  return [
    {
      what: 'import of a file, 5 % duplicates, start included',
      unit: 'rows/s',
      values: rounds.map(({ whole, rowCount }) => rowCount / whole.seconds),
      reference: copyOne,
      aim: { of: 'ratio', is: 'at_least', bound: 0.4 },
    },
    { what: '  lines of the file', unit: 'lines/s', values: rounds.map(({ whole, lineCount }) => lineCount / whole.seconds) },
    { what: '  an import of one line', unit: 's', values: rounds.map(({ oneLine }) => oneLine.seconds) },
    {
      what: '  without what one line takes',
      unit: 'rows/s',
      values: rounds.map(({ whole, oneLine, rowCount }) => rowCount / (whole.seconds - oneLine.seconds)),
      reference: copyOne,
    },
    { what: '  CPU of the import, start included', unit: 'us/line', values: micros((cost) => cost.ownCpuSeconds) },
    {
      what: '  CPU of PostgreSQL',
      unit: 'us/line',
      values: micros((cost) => cost.postgresCpuSeconds),
      reference: { what: 'CPU of COPY', values: rounds.map(({ copy }) => copy.postgresCpu) },
    },
  ];
}
