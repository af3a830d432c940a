/**
 * Turns any number of concurrent writes into few transactions. There is no timer: while every lane is busy, what comes
 * in waits together and leaves as one batch, so batches are small when it is quiet and large when we are behind.
 * What waits is bounded in bytes and in number; past that the sender is told to come again.
 */
import { Overloaded } from '../errors.ts';
import type { EnvelopeStore, Storable, WriteReport, Written } from './ports.ts';

/** Largest number of storables in one transaction, unless a single hand-over brings more. */
const LARGEST_BATCH = 1000;
/** Most storables that may wait for a lane. */
const MOST_WAITING = 40_000;
/** Most bytes of deliveries that may wait for a lane. */
const MOST_WAITING_BYTES = 64 * 1024 * 1024;

interface Waiting {
  readonly storables: readonly Storable[];
  readonly sizeBytes: number;
  readonly resolve: (written: readonly Written[]) => void;
  readonly reject: (fault: unknown) => void;
}

export interface GroupCommitDeps {
  readonly store: EnvelopeStore;
  /** Called after each COMMIT, before its callers learn of it. */
  readonly onCommit: (report: WriteReport, batchSize: number, durationSeconds: number) => void;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

export function createGroupCommit({ store, onCommit, now }: GroupCommitDeps) {
  const queue: Waiting[] = [];
  const freeLanes = Array.from({ length: store.laneCount }, (_, lane) => lane);
  let waitingCount = 0;
  let waitingBytes = 0;

  function takeBatch(): Waiting[] {
    const batch: Waiting[] = [];
    let size = 0;
    for (let next = queue[0]; next !== undefined; next = queue[0]) {
      if (batch.length > 0 && size + next.storables.length > LARGEST_BATCH) break;
      queue.shift();
      batch.push(next);
      size += next.storables.length;
      waitingBytes -= next.sizeBytes;
    }
    waitingCount -= size;
    return batch;
  }

  async function run(lane: number, batch: readonly Waiting[]): Promise<void> {
    const storables = batch.length === 1 && batch[0] ? batch[0].storables : batch.flatMap((each) => each.storables);
    const startedMs = now();
    try {
      const report = await store.write(storables, lane);
      onCommit(report, storables.length, (now() - startedMs) / 1000);
      let from = 0;
      for (const each of batch) {
        each.resolve(report.written.slice(from, from + each.storables.length));
        from += each.storables.length;
      }
    } catch (fault) {
      for (const each of batch) each.reject(fault);
    } finally {
      freeLanes.push(lane);
      drain();
    }
  }

  function drain(): void {
    while (queue.length > 0) {
      const lane = freeLanes.pop();
      if (lane === undefined) return;
      void run(lane, takeBatch());
    }
  }

  /** @throws Overloaded, StoreUnavailable, StoreRefused: nothing of this call may be acknowledged. */
  return function write(storables: readonly Storable[], sizeBytes: number): Promise<readonly Written[]> {
    if (waitingCount > 0 && (waitingCount + storables.length > MOST_WAITING || waitingBytes + sizeBytes > MOST_WAITING_BYTES)) {
      return Promise.reject(new Overloaded('More envelopes wait for the database than memory may hold.'));
    }
    return new Promise((resolve, reject) => {
      queue.push({ storables, sizeBytes, resolve, reject });
      waitingCount += storables.length;
      waitingBytes += sizeBytes;
      drain();
    });
  };
}
