/**
 * What a failed test left running would keep its test process alive for ever, and the whole run with it. Whatever is
 * started here is therefore ended when the last test of the file is done, if its test did not end it.
 */
import { after } from 'node:test';

const ends = new Set<() => unknown>();

/** Answers a function that takes the thing off the list again, for when it was ended in the regular way. */
export function endAfterTests(end: () => unknown): () => void {
  ends.add(end);
  return () => ends.delete(end);
}

// Outside the test runner a hook would start one.
if (process.env['NODE_TEST_CONTEXT'] !== undefined) {
  after(async () => {
    // The last one started may need the ones before it in order to end.
    for (const end of [...ends].reverse()) await end();
  });
}
