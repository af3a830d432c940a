/**
 * Envelopes from a file or a stream, one a line: what `surgewatch import` reads. The same deliveries as from Kafka or the
 * webhook, two batches with the store while the next one is read. It goes on behind the lines that an earlier run brought
 * to their end, and says how far it is by lines of which each one before is stored, a duplicate or a dead letter; what is
 * repeated after a kill counts once, as every redelivery does.
 */
import type { Readable } from 'node:stream';
import type { RejectReason } from '../envelope/schema.ts';
import { StoreUnavailable } from '../errors.ts';
import type { Outcome } from '../ingest/outcome.ts';
import type { Delivery } from '../ingest/ports.ts';
import { type FileLine, type LinesRead, readLines } from './file-lines.ts';

const BATCH_LINES = 1000;
const BATCH_BYTES = 4 * 1024 * 1024;
/** Batches with the store, of which one waits: it begins when another ends. */
const BATCHES_IN_FLIGHT = 3;
/** Line numbers that are kept of each reason. */
const MOST_EXAMPLES = 5;

export interface FileSourceDeps {
  readonly ingest: (deliveries: readonly Delivery[]) => Promise<readonly Outcome[]>;
  /** Resolves when the store serves again. @throws the signal's reason when aborted. */
  readonly untilStoreServes: (signal: AbortSignal) => Promise<void>;
  /** Called in order of the lines, one call at a time; each of the first `lineCount` lines has come to its end. */
  readonly onProgress: (progress: FileProgress) => Promise<void>;
  /** Our clock, epoch milliseconds. */
  readonly now: () => number;
}

export interface FileProgress {
  readonly lineCount: number;
  /** Of the input, before it was inflated. */
  readonly readBytes: number;
  readonly tally: FileTally;
}

export interface FileInput {
  readonly stream: Readable;
  /** Names the file in its dead letters: they are known by it and their line. */
  readonly name: string;
  readonly skipLines: number;
  /** Ends the reading; what is with the store comes to its end. */
  readonly signal: AbortSignal;
}

export interface FileTally {
  readonly stored: number;
  readonly duplicate: number;
  readonly rejected: ReadonlyMap<RejectReason, { readonly count: number; readonly lines: readonly number[] }>;
}

interface Batch {
  readonly lines: readonly FileLine[];
  readonly readBytes: number;
  readonly done: Promise<readonly Outcome[]>;
}

/** Resolves with what became of the lines. @throws InputFault | StoreRefused; what came before it is stored. */
export async function importFile(input: FileInput, deps: FileSourceDeps): Promise<FileTally> {
  const { stream, name, skipLines, signal } = input;
  const { ingest, untilStoreServes, onProgress, now } = deps;
  const tally = createTally();
  const read: LinesRead = { readBytes: 0 };
  const inFlight: Batch[] = [];
  let lines: FileLine[] = [];
  let lineBytes = 0;

  async function take(deliveries: readonly Delivery[]): Promise<readonly Outcome[]> {
    for (;;) {
      try {
        return await ingest(deliveries);
      } catch (fault) {
        if (!(fault instanceof StoreUnavailable)) throw fault;
        await untilStoreServes(signal);
      }
    }
  }
  function send(): void {
    const receivedAtMs = now();
    const deliveries = lines.map(({ number, bytes }): Delivery => {
      return { source: 'file', bytes, receivedAtMs, coordinates: { topic: name, partition: 0, offset: String(number) } };
    });
    const done = take(deliveries);
    done.catch(() => {}); // Seen where it is awaited, in order.
    inFlight.push({ lines, readBytes: read.readBytes, done });
    lines = [];
    lineBytes = 0;
  }
  async function settleTo(count: number): Promise<void> {
    for (let batch = inFlight[0]; batch !== undefined && inFlight.length > count; batch = inFlight[0]) {
      const outcomes = await batch.done;
      inFlight.shift();
      batch.lines.forEach(({ number }, at) => {
        tally.add(outcomes[at], number);
      });
      await onProgress({ lineCount: batch.lines.at(-1)?.number ?? skipLines, readBytes: batch.readBytes, tally: tally.sums });
    }
  }

  async function takeAll(): Promise<void> {
    for await (const some of readLines(stream, read, skipLines)) {
      for (const line of some) {
        lines.push(line);
        lineBytes += line.bytes.length;
        if (lines.length < BATCH_LINES && lineBytes < BATCH_BYTES) continue;
        send();
        await settleTo(BATCHES_IN_FLIGHT - 1);
        if (signal.aborted) return;
      }
    }
  }

  try {
    await takeAll();
  } finally {
    // Also of a file that breaks off: what could be read of it is stored.
    if (lines.length > 0 && !signal.aborted) send();
    await settleTo(0);
  }
  return tally.sums;
}

function createTally() {
  const rejected = new Map<RejectReason, { count: number; readonly lines: number[] }>();
  const sums = { stored: 0, duplicate: 0, rejected };
  return {
    sums,
    add(outcome: Outcome | undefined, line: number): void {
      if (outcome === undefined) throw new Error('there are fewer outcomes than deliveries');
      if (outcome.kind !== 'rejected') {
        sums[outcome.kind] += 1;
        return;
      }
      const known = rejected.get(outcome.reason) ?? { count: 0, lines: [] };
      known.count += 1;
      if (known.lines.length < MOST_EXAMPLES) known.lines.push(line);
      rejected.set(outcome.reason, known);
    },
  };
}
