import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { KafkaProgress } from '../../../src/sources/kafka-ports.ts';
import { createProgressReporter } from '../../../src/sources/kafka-progress.ts';

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function progress(committedOffset: string, firstRecordAtMs: number | null, lastRecordAtMs: number | null): KafkaProgress {
  return { topic: 't', partition: 0, committedOffset, firstRecordAtMs, lastRecordAtMs, isCaughtUp: false, isPaused: false };
}

describe('reporting progress', () => {
  test('while a call runs, newer progress of the same partition waits as one', async () => {
    const calls: (readonly KafkaProgress[])[] = [];
    const gate = Promise.withResolvers<void>();
    const reporter = createProgressReporter({
      record: async (items) => {
        calls.push(items);
        if (calls.length === 1) await gate.promise;
      },
      log: silent,
    });
    reporter.report([progress('1', 10, 11)]);
    reporter.report([progress('2', 20, 21)]);
    reporter.report([progress('3', null, null)]);
    reporter.report([progress('4', 40, 41)]);
    gate.resolve();
    await reporter.settled();
    assert.deepEqual(calls, [[progress('1', 10, 11)], [progress('4', 20, 41)]]);
  });

  test('a failed call keeps its record times for the next report and never rejects', async () => {
    const calls: (readonly KafkaProgress[])[] = [];
    const reporter = createProgressReporter({
      record: async (items) => {
        calls.push(items);
        if (calls.length === 1) throw new Error('away');
      },
      log: silent,
    });
    reporter.report([progress('1', 10, 11)]);
    await reporter.settled();
    reporter.report([progress('1', null, null)]);
    await reporter.settled();
    assert.deepEqual(calls.at(-1), [progress('1', 10, 11)]);
  });

  test('what waits is dropped when the Kafka partitions are given away', async () => {
    const calls: (readonly KafkaProgress[])[] = [];
    const gate = Promise.withResolvers<void>();
    const reporter = createProgressReporter({
      record: async (items) => {
        calls.push(items);
        await gate.promise;
      },
      log: silent,
    });
    reporter.report([progress('1', 10, 11)]);
    reporter.report([progress('2', 20, 21)]);
    reporter.clear();
    gate.resolve();
    await reporter.settled();
    assert.equal(calls.length, 1);
  });
});
