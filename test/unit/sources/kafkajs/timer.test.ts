import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { repairKafkajsTimer } from '../../../../src/sources/kafkajs/timer.ts';

interface Queue {
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  throttledUntil: number;
  pending: unknown[];
  checkPendingRequests(): void;
  scheduleCheckPendingRequests(): void;
}

test('the installed kafkajs is the version whose timer is repaired: idle, it arms none; with a request waiting, one', (context) => {
  assert.ok(repairKafkajsTimer());
  assert.ok(repairKafkajsTimer());
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const RequestQueue: new (options: object) => Queue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue');
  const queue = new RequestQueue({ maxInFlightRequests: 1, requestTimeout: 1, logger: { debug: () => {} } });
  queue.scheduleCheckPendingRequests();
  assert.equal(queue.throttleCheckTimeoutId, null);
  let looks = 0;
  queue.checkPendingRequests = () => {
    looks += 1;
  };
  queue.pending.push({});
  queue.scheduleCheckPendingRequests();
  queue.scheduleCheckPendingRequests();
  context.mock.timers.tick(10);
  assert.equal(looks, 1);
  assert.equal(queue.throttleCheckTimeoutId, null);
});
