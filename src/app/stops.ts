/** What was opened and is to be stopped: each part under its name, in reverse, past failures, with a deadline each. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';

/** A part that does not stop by then is left behind, so that the others still stop. */
const STOP_PART_DEADLINE_MS = 8_000;

export interface Stops {
  add(name: string, stop: () => Promise<void> | void): void;
  /** Waits for each. Never rejects. */
  run(): Promise<void>;
}

export function createStops(log: Pick<Logger, 'debug' | 'warn'>): Stops {
  const parts: { readonly name: string; readonly stop: () => Promise<void> | void }[] = [];
  return {
    add: (name, stop) => void parts.push({ name, stop }),
    async run() {
      for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
        const { name, stop } = part;
        try {
          await withDeadline(Promise.resolve(stop()), STOP_PART_DEADLINE_MS);
          log.debug({ part: name }, 'stopped');
        } catch (err) {
          log.warn({ err, part: name }, 'did not stop cleanly');
        }
      }
    },
  };
}

async function withDeadline<T>(work: Promise<T>, deadlineMs: number): Promise<T> {
  const deadline = new AbortController();
  try {
    return await Promise.race([
      work,
      delay(deadlineMs, undefined, { signal: deadline.signal }).then(() => {
        throw new Error(`not within ${deadlineMs} ms`);
      }),
    ]);
  } finally {
    deadline.abort();
  }
}
