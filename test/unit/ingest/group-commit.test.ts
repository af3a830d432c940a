import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Overloaded, StoreUnavailable } from '../../../src/errors.ts';
import { createGroupCommit } from '../../../src/ingest/group-commit.ts';
import type { Storable, WriteReport } from '../../../src/ingest/ports.ts';

/** A store whose writes end when the test says so. */
function createHeldStore(laneCount: number) {
  const writes: { readonly size: number; readonly lane: number; commit(): void; fail(fault: unknown): void }[] = [];
  return {
    laneCount,
    writes,
    write: (storables: readonly Storable[], lane: number) =>
      new Promise<WriteReport>((resolve, reject) => {
        const written = storables.map(() => ({ kind: 'stored' as const }));
        writes.push({
          size: storables.length,
          lane,
          commit: () => resolve({ written, increments: { errors: [], fields: [] } }),
          fail: reject,
        });
      }),
  };
}

function storables(count: number): readonly Storable[] {
  return Array.from({ length: count }, () => ({
    kind: 'rejected',
    source: 'webhook',
    receivedAtMs: 0,
    coordinates: null,
    sizeBytes: 1,
    digest: () => new Uint8Array(),
    reason: 'syntax',
    requestId: null,
    isRecorded: false,
  }));
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test('while every lane is busy what comes in waits together and leaves as one batch', async () => {
  const store = createHeldStore(2);
  const commits: number[] = [];
  const write = createGroupCommit({ store, onCommit: (_, size) => commits.push(size), now: () => 0 });
  const all = [1, 2, 3, 4, 5].map((count) => write(storables(count), count));
  assert.deepEqual(store.writes.map(({ size, lane }) => [size, lane]).sort(), [
    [1, 1],
    [2, 0],
  ]);
  store.writes[0]?.commit();
  await settle();
  assert.equal(store.writes[2]?.size, 3 + 4 + 5);
  store.writes[1]?.commit();
  store.writes[2]?.commit();
  const written = await Promise.all(all);
  assert.deepEqual(
    written.map((each) => each.length),
    [1, 2, 3, 4, 5],
  );
  assert.deepEqual(commits.sort(), [1, 12, 2]);
});

test('a batch holds at most a thousand, and hand-overs are never torn', async () => {
  const store = createHeldStore(1);
  const write = createGroupCommit({ store, onCommit: () => {}, now: () => 0 });
  const all = [1, 600, 400, 1].map((count) => write(storables(count), count));
  for (const expected of [1, 1000, 1]) {
    assert.equal(store.writes.at(-1)?.size, expected);
    store.writes.at(-1)?.commit();
    await settle();
  }
  await Promise.all(all);
});

test('a write that fails fails for all who were in it, and the lane serves the next', async () => {
  const store = createHeldStore(1);
  const write = createGroupCommit({ store, onCommit: () => assert.fail('nothing was committed'), now: () => 0 });
  const first = assert.rejects(write(storables(1), 1), StoreUnavailable);
  const next = [
    assert.rejects(write(storables(1), 1), StoreUnavailable),
    assert.rejects(write(storables(1), 1), StoreUnavailable),
  ];
  store.writes[0]?.fail(new StoreUnavailable('away'));
  await first;
  await settle();
  store.writes[1]?.fail(new StoreUnavailable('away'));
  await Promise.all(next);
  assert.equal(store.writes.length, 2);
});

test('more than memory may hold is refused at once while others wait, and nothing of it is written', async () => {
  const store = createHeldStore(1);
  const write = createGroupCommit({ store, onCommit: () => {}, now: () => 0 });
  const held = [write(storables(1), 1), write(storables(1), 64 * 1024 * 1024 - 1)];
  await assert.rejects(write(storables(1), 2), Overloaded);
  store.writes[0]?.commit();
  await settle();
  store.writes[1]?.commit();
  await Promise.all(held);
  assert.equal(store.writes.length, 2);
});
