import assert from 'node:assert/strict';
import { totalmem } from 'node:os';
import { test } from 'node:test';
import { availableMemoryBytes, cacheMegabytes } from '../../../src/store/embedded-memory.ts';

const GIBIBYTE = 2 ** 30;

test('the cache is a sixteenth of the memory, from 128 to 512 MB', () => {
  const cases = [
    [0.25, 128],
    [2, 128],
    [4, 256],
    [6.1, 390],
    [8, 512],
    [256, 512],
  ] as const;
  for (const [gibibytes, megabytes] of cases) assert.equal(cacheMegabytes(gibibytes * GIBIBYTE), megabytes);
});

test('what may be used is never more than there is', () => {
  assert.ok(availableMemoryBytes() > 0 && availableMemoryBytes() <= totalmem());
});
