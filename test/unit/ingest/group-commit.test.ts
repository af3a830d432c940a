import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Overloaded, StoreUnavailable } from '../../../src/errors.ts';
import { createGroupCommit } from '../../../src/ingest/group-commit.ts';
import type { Storable, WriteReport } from '../../../src/ingest/ports.ts';
import { waitFor } from '../../support/wait-for.ts';

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

test('what comes in one turn of the event loop leaves together, and what comes while its lane is busy waits for it', async () => {
  const store = createHeldStore(2);
  const commits: number[] = [];
  const write = createGroupCommit({ store, onCommit: (_, size) => commits.push(size), now: () => 0 });
  const all = [1, 2].map((count) => write(storables(count), count));
  await settle();
  assert.deepEqual(
    store.writes.map(({ size }) => size),
    [3],
  );
  all.push(...[3, 4, 5].map((count) => write(storables(count), count)));
  await settle();
  assert.equal(store.writes.length, 1, 'a few do not open a second lane beside a few');
  store.writes[0]?.commit();
  await settle();
  assert.equal(store.writes[1]?.size, 3 + 4 + 5);
  store.writes[1]?.commit();
  const written = await Promise.all(all);
  assert.deepEqual(
    written.map((each) => each.length),
    [1, 2, 3, 4, 5],
  );
  assert.deepEqual(commits, [3, 12]);
});

test('many open a second lane, and so do a few beside many', async () => {
  for (const sizes of [
    [1, 300],
    [300, 1],
  ]) {
    const store = createHeldStore(2);
    const write = createGroupCommit({ store, onCommit: () => {}, now: () => 0 });
    const all: Promise<unknown>[] = [];
    for (const size of sizes) {
      all.push(write(storables(size), size));
      await settle();
    }
    assert.deepEqual(
      store.writes.map(({ size, lane }) => [size, lane]),
      [
        [sizes[0], 1],
        [sizes[1], 0],
      ],
    );
    for (const each of store.writes) each.commit();
    await Promise.all(all);
  }
});

test('a few wait for a lane that hangs no longer than they must', async () => {
  const store = createHeldStore(2);
  const write = createGroupCommit({ store, onCommit: () => {}, now: () => 0 });
  const hangs = write(storables(1), 1);
  await settle();
  const next = write(storables(2), 2);
  await waitFor(() => store.writes.length === 2, { deadlineMs: 2_000, what: 'the second lane to open' });
  store.writes[1]?.commit();
  assert.equal((await next).length, 2);
  store.writes[0]?.commit();
  await hangs;
});

test('a batch holds at most a thousand, and hand-overs are never torn', async () => {
  const store = createHeldStore(1);
  const write = createGroupCommit({ store, onCommit: () => {}, now: () => 0 });
  const all = [1, 600, 400, 1].map((count) => write(storables(count), count));
  await settle();
  for (const expected of [601, 401]) {
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
  await settle();
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
  await assert.rejects(write(storables(1), 1), Overloaded);
  await settle();
  store.writes[0]?.commit();
  await Promise.all(held);
  assert.deepEqual(
    store.writes.map(({ size }) => size),
    [2],
  );
});
