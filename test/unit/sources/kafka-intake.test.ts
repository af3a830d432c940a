import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StoreUnavailable } from '../../../src/errors.ts';
import type { Delivery } from '../../../src/ingest/ports.ts';
import { MAX_CHUNK_DELIVERIES } from '../../../src/sources/kafka-batch.ts';
import { takeIn } from '../../../src/sources/kafka-intake.ts';

function deliveries(count: number): readonly Delivery[] {
  return Array.from({ length: count }, () => ({ source: 'kafka', bytes: null, receivedAtMs: 0, coordinates: null }));
}

describe('taking a batch in', () => {
  test('every chunk is handed over, in order, one at a time', async () => {
    const sizes: number[] = [];
    let inFlight = 0;
    let mostInFlight = 0;
    const intake = await takeIn(deliveries(3 * MAX_CHUNK_DELIVERIES + 5), {
      ingest: async (chunk) => {
        sizes.push(chunk.length);
        inFlight += 1;
        mostInFlight = Math.max(mostInFlight, inFlight);
        await new Promise(setImmediate);
        inFlight -= 1;
        return [];
      },
      heartbeat: async () => {},
    });
    assert.deepEqual(intake, { kind: 'taken', outcomes: [] });
    assert.deepEqual(sizes, [MAX_CHUNK_DELIVERIES, MAX_CHUNK_DELIVERIES, MAX_CHUNK_DELIVERIES, 5]);
    assert.equal(mostInFlight, 1);
  });

  test('a chunk that fails fails the batch: no further one is begun, and those with the store are awaited', async () => {
    const fault = new StoreUnavailable('away');
    const ended: number[] = [];
    let begun = 0;
    const intake = await takeIn(deliveries(5 * MAX_CHUNK_DELIVERIES), {
      ingest: async () => {
        begun += 1;
        const number = begun;
        await new Promise(setImmediate);
        ended.push(number);
        if (number === 1) throw fault;
        return [];
      },
      heartbeat: async () => {},
    });
    assert.deepEqual(intake, { kind: 'store_failed', fault });
    assert.deepEqual(ended.length, begun);
    assert.ok(begun < 5);
  });

  test('a refused heartbeat ends the batch after what is with the store', async () => {
    const error = new Error('REBALANCE_IN_PROGRESS');
    let begun = 0;
    let ended = 0;
    const intake = await takeIn(deliveries(5 * MAX_CHUNK_DELIVERIES), {
      ingest: async () => {
        begun += 1;
        await new Promise(setImmediate);
        ended += 1;
        return [];
      },
      heartbeat: async () => {
        throw error;
      },
    });
    assert.deepEqual(intake, { kind: 'heartbeat_failed', error });
    assert.equal(ended, begun);
    assert.ok(begun < 5);
  });

  test('an empty batch is taken without a call', async () => {
    const intake = await takeIn([], { ingest: () => assert.fail('nothing to hand over'), heartbeat: async () => {} });
    assert.deepEqual(intake, { kind: 'taken', outcomes: [] });
  });

  test('outcomes stand in the order of the deliveries', async () => {
    const reasons = ['syntax', 'utf8'] as const;
    let begun = 0;
    const intake = await takeIn(deliveries(2 * MAX_CHUNK_DELIVERIES), {
      ingest: async (chunk) => {
        const reason = reasons[begun] ?? 'empty';
        begun += 1;
        return chunk.map(() => ({ kind: 'rejected', requestId: null, reason }) as const);
      },
      heartbeat: async () => {},
    });
    const found = intake.kind === 'taken' ? intake.outcomes.map((each) => (each.kind === 'rejected' ? each.reason : null)) : [];
    assert.deepEqual(
      found,
      reasons.flatMap((reason) => Array.from({ length: MAX_CHUNK_DELIVERIES }, () => reason)),
    );
  });
});
