import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseRequestId } from '../../../src/envelope/request-id.ts';
import type { RejectReason } from '../../../src/envelope/schema.ts';
import { type Judged, MOST_REJECTED_IN_A_ROW, type RejectedRun, stepRun } from '../../../src/sources/kafka-rejected-run.ts';

const START: RejectedRun = { rejectedCount: 0, nextOffset: 0n };

function rejected(from: number, count: number, reason: RejectReason = 'syntax'): readonly Judged[] {
  return Array.from({ length: count }, (_, n) => ({
    offset: BigInt(from + n),
    outcome: { kind: 'rejected', requestId: null, reason },
  }));
}
function good(offset: number, kind: 'stored' | 'duplicate' = 'stored'): Judged {
  const requestId = parseRequestId('req_1');
  assert.ok(requestId !== null);
  return { offset: BigInt(offset), outcome: { kind, requestId } };
}

describe('records rejected in a row', () => {
  test('one less than too many goes on, and the next batch makes it too many', () => {
    const first = stepRun(START, rejected(0, MOST_REJECTED_IN_A_ROW - 1));
    assert.deepEqual(first, { run: { rejectedCount: MOST_REJECTED_IN_A_ROW - 1, nextOffset: 99n }, tooMany: null });
    const second = stepRun(first.run, rejected(99, 1, 'utf8'));
    assert.deepEqual(second.tooMany, { offset: 100n, knownBadUntil: 100n, detail: '100 in a row, mostly utf8' });
    assert.deepEqual(second.run, { rejectedCount: 0, nextOffset: 100n });
  });

  test('it stops behind the one that made it too many, and knows how far the rejected ones go on', () => {
    const { tooMany, run } = stepRun(START, [...rejected(0, 130), good(130), ...rejected(131, 5)]);
    assert.deepEqual(tooMany, { offset: 100n, knownBadUntil: 130n, detail: '100 in a row, mostly syntax' });
    assert.deepEqual(run, { rejectedCount: 0, nextOffset: 100n });
  });

  test('a stored or duplicate one ends the row', () => {
    for (const kind of ['stored', 'duplicate'] as const) {
      const { run, tooMany } = stepRun(START, [...rejected(0, 99), good(99, kind), ...rejected(100, 99)]);
      assert.equal(tooMany, null);
      assert.deepEqual(run, { rejectedCount: 99, nextOffset: 199n });
    }
  });

  test('what says nothing of the producer neither counts nor ends the row', () => {
    for (const reason of ['too_old', 'tombstone', 'erased'] as const) {
      assert.equal(stepRun(START, rejected(0, 500, reason)).run.rejectedCount, 0);
      const { tooMany } = stepRun(START, [...rejected(0, 99), ...rejected(99, 7, reason), ...rejected(106, 1)]);
      assert.equal(tooMany?.offset, 107n);
    }
  });

  test('a batch that comes again, or a replay, counts none twice', () => {
    const once = stepRun(START, rejected(0, 60));
    const again = stepRun(once.run, rejected(0, 60));
    assert.deepEqual(again, once);
    assert.equal(stepRun(again.run, rejected(0, 100)).tooMany?.offset, 100n);
    const paused = stepRun(START, rejected(0, 100));
    assert.deepEqual(stepRun(paused.run, rejected(0, 100)), { run: paused.run, tooMany: null });
  });

  test('offsets may have gaps', () => {
    const sparse = rejected(0, 100).map(({ outcome, offset }) => ({ outcome, offset: offset * 10n }));
    assert.equal(stepRun(START, sparse).tooMany?.offset, 991n);
  });
});
