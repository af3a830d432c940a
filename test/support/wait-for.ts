/** Waits on a condition with a deadline, never for a duration: a slow machine makes a test slower, not red. */
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 25;

export interface Wait {
  readonly deadlineMs: number;
  /** What is waited for, to complete "waited N ms for …". */
  readonly what: string;
  readonly pollMs?: number;
}

/**
 * Resolves with the condition's first answer that is neither false, null nor undefined. A condition that throws counts as
 * not yet true; its last fault is the cause of the deadline's error.
 */
export async function waitFor<Value>(
  condition: () => Value | Promise<Value>,
  { deadlineMs, what, pollMs = POLL_MS }: Wait,
): Promise<Exclude<Value, false | null | undefined>> {
  const endMs = performance.now() + deadlineMs;
  let cause: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (isThere(value)) return value;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > endMs) throw new Error(`waited ${deadlineMs} ms for ${what}`, { cause });
    await delay(pollMs);
  }
}

function isThere<Value>(value: Value): value is Exclude<Value, false | null | undefined> {
  return value !== false && value !== null && value !== undefined;
}
