/**
 * Turns any number of concurrent writes into few transactions. What comes in one turn of the event loop leaves together,
 * without a wait when it is quiet. While a lane is busy with little, more of it waits for that lane's end and leaves as
 * one batch: a transaction has a price of its own, so another lane opens only for much, for what waited too long, or
 * beside a large batch. So batches are small when it is quiet and large when we are behind.
 * What waits is bounded in bytes and in number; past that the sender is told to come again.
 */
import { Overloaded } from '../errors.ts';
import type { EnvelopeStore, Storable, WriteReport, Written } from './ports.ts';

/** Largest number of storables in one transaction, unless a single hand-over brings more. */
const LARGEST_BATCH = 1000;
/** So many storables are worth a lane of their own while another one is busy with fewer. */
const WORTH_A_LANE = 250;
/** Fewer of them wait at most this long for the lane that is busy. */
const PATIENCE_MS = 50;
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
  /** Storables that the busy lanes carry. */
  let carriedCount = 0;
  let isGathering = false;
  let isPatient = false;

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
    carriedCount += storables.length;
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
      carriedCount -= storables.length;
      drain();
    }
  }

  function drain(isOverdue = false): void {
    while (queue.length > 0 && freeLanes.length > 0) {
      const isWorthIt = isOverdue || carriedCount === 0 || waitingCount >= WORTH_A_LANE || carriedCount >= WORTH_A_LANE;
      if (!isWorthIt) {
        wait();
        return;
      }
      const lane = freeLanes.pop() ?? 0;
      void run(lane, takeBatch());
    }
  }

  function wait(): void {
    if (isPatient) return;
    isPatient = true;
    setTimeout(() => {
      isPatient = false;
      drain(true);
    }, PATIENCE_MS);
  }

  /** What else this turn of the event loop brings goes along. */
  function gather(): void {
    if (isGathering) return;
    isGathering = true;
    setImmediate(() => {
      isGathering = false;
      drain();
    });
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
      gather();
    });
  };
}
