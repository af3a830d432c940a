/**
 * Holds the source while the store cannot take deliveries: the consumer is paused, not stopped, so that it keeps its
 * place in the group; nothing is committed and the same records are fetched again. Throwing out of a batch instead ends
 * the consumer and makes the group rejoin for as long as the outage lasts.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Fault } from '../errors.ts';
import type { KafkaLog } from './kafka-ports.ts';

/** Waits before the n-th attempt after a fault that passes by itself: none, then doubling. */
const RETRYABLE_WAIT = { firstMs: 250, mostMs: 5_000 };
/** The same after a fault that a person must mend. */
const REFUSED_WAIT = { firstMs: 5_000, mostMs: 60_000 };

export interface StoreHoldDeps {
  readonly untilStoreServes: (signal: AbortSignal) => Promise<void>;
  /** Called whenever `isHeld` changed. */
  readonly onChange: () => void;
  readonly now: () => number;
  readonly log: KafkaLog;
  readonly signal: AbortSignal;
}

export interface StoreHold {
  isHeld(): boolean;
  /** The store did not take deliveries: hold, wait, then let go by itself. */
  storeFailed(fault: unknown): void;
  /** Deliveries were taken. */
  storeServed(): void;
}

function waitMs(fault: unknown, attemptCount: number): number {
  const isRetryable = fault instanceof Fault && fault.retryable;
  // An unavailable store is waited for by asking it; the pause is for a store that says it serves and then fails again.
  if (isRetryable && fault.code === 'database_unavailable' && attemptCount === 1) return 0;
  const { firstMs, mostMs } = isRetryable ? RETRYABLE_WAIT : REFUSED_WAIT;
  return Math.min(mostMs, firstMs * 2 ** (attemptCount - 1));
}

export function createStoreHold({ untilStoreServes, onChange, now, log, signal }: StoreHoldDeps): StoreHold {
  let held = false;
  let attemptCount = 0;
  let sinceMs = 0;

  async function letGo(fault: unknown): Promise<void> {
    try {
      await delay(waitMs(fault, attemptCount), undefined, { signal });
      await untilStoreServes(signal);
    } catch (error) {
      if (signal.aborted) return;
      log.error({ err: error }, 'waiting for the database failed; trying it all the same');
    }
    held = false;
    onChange();
  }

  return {
    isHeld: () => held,
    storeFailed(fault) {
      if (held || signal.aborted) return;
      held = true;
      attemptCount += 1;
      if (attemptCount === 1) {
        sinceMs = now();
        if (fault instanceof Fault && fault.retryable) log.warn({ err: fault }, 'Kafka is paused: the store takes nothing now');
        else log.error({ err: fault }, 'Kafka is paused: the store refuses; nothing is committed until this is mended');
      }
      onChange();
      void letGo(fault);
    },
    storeServed() {
      if (attemptCount === 0 || held) return;
      log.info({ pausedMs: now() - sinceMs, attemptCount }, 'Kafka goes on: the store takes deliveries again');
      attemptCount = 0;
    },
  };
}
