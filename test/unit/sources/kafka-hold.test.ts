import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Overloaded, StoreRefused, StoreUnavailable } from '../../../src/errors.ts';
import { createStoreHold } from '../../../src/sources/kafka-hold.ts';
import { waitFor } from '../../support/wait-for.ts';

function scene() {
  const stopping = new AbortController();
  const levels: string[] = [];
  const note = (level: string) => () => void levels.push(level);
  let serves = Promise.withResolvers<void>();
  const changes: boolean[] = [];
  const hold = createStoreHold({
    untilStoreServes: () => serves.promise,
    onChange: () => changes.push(hold.isHeld()),
    now: () => 0,
    log: { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') },
    signal: stopping.signal,
  });
  const serve = async () => {
    serves.resolve();
    await waitFor(() => !hold.isHeld(), { deadlineMs: 5_000, what: 'the hold to end' });
    serves = Promise.withResolvers<void>();
  };
  return { hold, levels, changes, serve, stop: () => stopping.abort() };
}

describe('holding while the store takes nothing', () => {
  test('it holds once for any number of failures and lets go when the store serves', async () => {
    const { hold, changes, serve } = scene();
    for (let count = 0; count < 3; count += 1) hold.storeFailed(new StoreUnavailable('away'));
    assert.ok(hold.isHeld());
    await serve();
    assert.deepEqual(changes, [true, false]);
  });

  test('an outage that comes back at once is told by one line, and its end by one', async () => {
    const { hold, levels, serve } = scene();
    for (const fault of [new StoreUnavailable('away'), new Overloaded('full'), new StoreUnavailable('away')]) {
      hold.storeFailed(fault);
      await serve();
    }
    hold.storeServed();
    hold.storeServed();
    assert.deepEqual(levels, ['warn', 'info']);
  });

  test('a store that refuses is told as an error, and is not asked again at once', async () => {
    const { hold, levels, stop } = scene();
    hold.storeFailed(new StoreRefused('no such table'));
    assert.ok(hold.isHeld());
    assert.deepEqual(levels, ['error']);
    stop();
  });

  test('a batch that ends well while another holds does not end the hold', () => {
    const { hold, levels, stop } = scene();
    hold.storeFailed(new StoreUnavailable('away'));
    hold.storeServed();
    assert.ok(hold.isHeld());
    assert.deepEqual(levels, ['warn']);
    stop();
  });
});
