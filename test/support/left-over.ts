/**
 * What a failed test left running would keep its test process alive for ever, and the whole run with it. Whatever is
 * started here is therefore ended when the last test of the file is done, if its test did not end it.
 */
import { AsyncResource } from 'node:async_hooks';
import { after } from 'node:test';

const ends = new Set<() => unknown>();
let isHooked = false;

// The runner hangs a hook on the test in whose context it is made. This one belongs to the file, whoever starts the
// first thing; and it is made only then, so that it runs after the hooks of the file itself, which still need the thing.
const hookFile = AsyncResource.bind(() => after(endAll));

/** Answers a function that takes the thing off the list again, for when it was ended in the regular way. */
export function endAfterTests(end: () => unknown): () => void {
  ends.add(end);
  // Outside the test runner a hook would start one.
  if (!isHooked && process.env['NODE_TEST_CONTEXT'] !== undefined) hookFile();
  isHooked = true;
  return () => ends.delete(end);
}

async function endAll(): Promise<void> {
  // The last one started may need the ones before it in order to end.
  for (const end of [...ends].reverse()) await end();
}
