/**
 * `surgewatch import`: the envelopes of a file through the same pipeline as any other, under a REPLICA_ID of its own, so
 * that it may run beside the service. A killed import goes on where it stopped; the detector learns what it brings as
 * history and tells nothing that is no longer news.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Readable } from 'node:stream';
import { Command } from 'commander';
import { openVerbIngest } from '../app.ts';
import { type Config, loadConfig } from '../config.ts';
import { InputFault } from '../errors.ts';
import { createCoverage } from '../sources/file-coverage.ts';
import { type FileTally, importFile } from '../sources/file-source.ts';
import { createDatabase, type Database } from '../store/database.ts';
import { createImportProgress } from '../store/import-progress.ts';
import { migrate } from '../store/migrate.ts';
import { prepareDays } from '../store/partitions.ts';
import { createProgressRecorder } from '../store/progress-store.ts';
import { acquireReplicaLease } from '../store/replica-lease.ts';
import { sayTally } from './import-report.ts';
import { createProgress } from './terminal-progress.ts';
import { findDatabase } from './verb-database.ts';
import { withStopSignal } from './verb-signal.ts';

/** What it stores is counted under this id. */
const REPLICA_ID = 'import';
const STDIN = '-';
/** The lease, and what is said of the progress. */
const POOL_SIZE = 2;
/** One for each write lane. */
const WRITE_POOL_SIZE = 2;
const WAIT_FOR_REPLICA_ID_MS = 15_000;
const READ_CHUNK_BYTES = 1024 * 1024;
/** How often it is written down how far the file is: what a kill repeats at most. */
const SAVE_INTERVAL_MS = 1_000;
const NOTHING: FileTally = { stored: 0, duplicate: 0, rejected: new Map() };

interface OpenedFile {
  readonly stream: Readable;
  /** Its dead letters are known by it, their line and the digest of their bytes. */
  readonly name: string;
  /** Begins the keys of the spans of event time that it covers. */
  readonly spanKey: string;
  /** null: it comes once and cannot be gone on with. */
  readonly digest: string | null;
  readonly sizeBytes: number | null;
}

const note = (text: string) => void process.stderr.write(`${text}\n`);

export function createImportCommand(): Command {
  return new Command('import')
    .description('store the envelopes of a file, one JSON object a line, plain or compressed with gzip or zstd')
    .argument('<FILE>', 'path, or - for what comes in on stdin')
    .action((path: string) =>
      withStopSignal(async (signal) => {
        const config = loadConfig(process.env);
        const file = await openFile(path);
        const server = await findDatabase({ url: config.database.url, dataDir: config.database.dataDir, warn: note });
        try {
          // As a start of the service would; one that runs has done it.
          if (config.database.url !== null) await migrate(config.database.migrationUrl ?? config.database.url);
          else if (server.isOwn) await migrate(server.url);
          const log = { info: () => {}, warn: (_fields: object, text: string) => note(text) };
          const connection = { connectionString: server.url, role: 'surgewatch_app' } as const;
          const database = createDatabase({ ...connection, poolSize: POOL_SIZE, log });
          const quiet = { info: () => {}, warn: () => {} }; // The same database: one voice is enough.
          const writes = createDatabase({ ...connection, poolSize: WRITE_POOL_SIZE, keepsPlans: true, log: quiet });
          try {
            await bringIn(file, { config, database, writes, isExclusive: server.isOwn, log, signal });
          } finally {
            await Promise.all([database.close(), writes.close()]);
          }
        } finally {
          await server.close();
        }
      }),
    );
}

interface BringIn {
  readonly config: Config;
  readonly database: Database;
  readonly writes: Database;
  readonly isExclusive: boolean;
  readonly log: { warn(fields: object, text: string): void };
  readonly signal: AbortSignal;
}

async function bringIn(file: OpenedFile, { config, database, writes, isExclusive, log, signal }: BringIn): Promise<void> {
  const lease = await acquireReplicaLease(database, {
    replicaId: REPLICA_ID,
    host: hostname(),
    waitMs: WAIT_FOR_REPLICA_ID_MS,
    isExclusive,
    signal,
    log,
  });
  const lost = new AbortController();
  void lease.lost.then((fault) => lost.abort(fault));
  const progress = createProgress({ stream: process.stderr, unit: 'lines', monotonicMs: () => performance.now() });
  const done = createImportProgress(database);
  const spans = createProgressRecorder(database);
  const coverage = createCoverage();
  let savedAtMs = performance.now();
  let latest = { lineCount: 0, tally: NOTHING };

  async function save(): Promise<void> {
    for (const { fromMs, toMs } of coverage.stretches()) {
      // A key a day, so that a stretch that grows while the file is read leaves few behind.
      const day = new Date(fromMs).toISOString().slice(0, 10);
      await spans.extendSpan(`${file.spanKey}:${day}`, fromMs, toMs);
    }
    if (file.digest !== null) await done.write(file.digest, latest.lineCount);
    savedAtMs = performance.now();
  }

  async function run(): Promise<void> {
    await prepareDays(database, config.retentionDays);
    const ingest = await openVerbIngest({
      config,
      database,
      writes,
      replicaId: REPLICA_ID,
      onEnvelope: ({ occurredAtMs, sanitized }) => {
        if (!sanitized.includes('clock_ahead')) coverage.add(occurredAtMs);
      },
    });
    const skipLines = file.digest === null ? 0 : await done.read(file.digest);
    if (skipLines > 0) note(`An earlier import of this file came to line ${skipLines}; going on behind it.`);
    latest = { ...latest, lineCount: skipLines };
    const input = { stream: file.stream, name: file.name, skipLines, signal: AbortSignal.any([signal, lost.signal]) };
    await importFile(input, {
      ingest,
      untilStoreServes: (until) => database.untilServes(until),
      onProgress: async ({ lineCount, readBytes, tally }) => {
        latest = { lineCount, tally };
        progress.update(file.sizeBytes === null ? null : readBytes / Math.max(file.sizeBytes, 1), lineCount - skipLines);
        if (performance.now() - savedAtMs >= SAVE_INTERVAL_MS) await save();
      },
      now: Date.now,
    });
    lost.signal.throwIfAborted();
    signal.throwIfAborted();
    await save();
    if (file.digest !== null) await done.remove(file.digest);
  }

  try {
    await run();
  } catch (fault) {
    // What cannot be written down now is repeated, and counts once.
    await save().catch(() => {});
    if (!signal.aborted) throw fault;
    const again = file.digest === null ? 'bring the same again' : 'start it again';
    note(`Stopped behind line ${latest.lineCount}; ${again} to go on.`);
    process.exitCode = 1;
  } finally {
    progress.end();
    process.stdout.write(sayTally(latest.tally));
    await lease.release().catch(() => {}); // It expires by itself.
  }
  const { stored, duplicate, rejected } = latest.tally;
  if (stored + duplicate === 0 && rejected.size > 0) process.exitCode = 1;
}

/** @throws InputFault when it cannot be read. */
async function openFile(path: string): Promise<OpenedFile> {
  if (path === STDIN) {
    const spanKey = `stdin:${new Date().toISOString()}`;
    return { stream: process.stdin, name: 'stdin', spanKey, digest: null, sizeBytes: null };
  }
  try {
    const { size } = await stat(path);
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(path, { highWaterMark: READ_CHUNK_BYTES })) hash.update(chunk);
    const digest = hash.digest('hex');
    const stream = createReadStream(path, { highWaterMark: READ_CHUNK_BYTES });
    const name = `file:${digest}`;
    return { stream, name, spanKey: name, digest, sizeBytes: size };
  } catch (cause) {
    throw new InputFault(`${path} cannot be read: it must be an existing file, or - for stdin`, cause);
  }
}
