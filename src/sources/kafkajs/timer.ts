/**
 * One repair to kafkajs 2.2.4, whose request queue re-arms a timer of about 1 ms for as long as the process lives, work
 * or not: 4 % of a core while idle, and a TimeoutNegativeWarning on Node 24. With the repair a timer runs only while a
 * request waits in the queue. Bound to the version that was read: with another one the library stays as it is.
 */
import { requireOfKnownKafkajs } from './known-version.ts';

/** Shortest wait between two looks at a queue that is full or throttled. */
const MIN_WAIT_MS = 10;

/** The part of kafkajs/src/network/requestQueue that the repair touches. */
interface RequestQueue {
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  throttledUntil: number;
  readonly pending: readonly unknown[];
  checkPendingRequests(): void;
  scheduleCheckPendingRequests(): void;
}

/** Repairs the library in place, before its first connection; safe to call twice. Answers false when the installed version is not the one known. */
export function repairKafkajsTimer(): boolean {
  const require = requireOfKnownKafkajs();
  if (require === null) return false;
  const queue: { prototype: RequestQueue } = require('kafkajs/src/network/requestQueue');
  queue.prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return;
    const look = () => {
      this.throttleCheckTimeoutId = null;
      this.checkPendingRequests();
    };
    this.throttleCheckTimeoutId = setTimeout(look, Math.max(MIN_WAIT_MS, this.throttledUntil - Date.now()));
  };
  return true;
}
