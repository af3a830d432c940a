/** The process's own time, passed in so that a test decides when a tick is due. Never a wall clock: that is the database's. */
import { setImmediate as nextTurn } from 'node:timers/promises';

export interface Clock {
  monotonicMs(): number;
  /** Runs `work` once, later; the answer cancels it. */
  schedule(work: () => void, delayMs: number): () => void;
  /** Lets other work of the process run. */
  breathe(): Promise<void>;
}

export function createSystemClock(): Clock {
  return {
    monotonicMs: () => performance.now(),
    schedule(work, delayMs) {
      const timer = setTimeout(work, delayMs);
      return () => clearTimeout(timer);
    },
    breathe: async () => {
      await nextTurn();
    },
  };
}
