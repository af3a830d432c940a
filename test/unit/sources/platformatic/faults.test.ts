import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MultipleErrors, NetworkError, ProtocolError, TimeoutError } from '@platformatic/kafka';
import { fetchFaultOf, isRejoinAsked } from '../../../../src/sources/platformatic/faults.ts';

const refused = (id: ConstructorParameters<typeof ProtocolError>[0]) => new MultipleErrors('refused', [new ProtocolError(id)]);

test('what a failed fetch means follows from the class and the code of its error, never from its text', () => {
  assert.equal(fetchFaultOf(new RangeError('out of bounds')), 'unreadable');
  assert.equal(fetchFaultOf(refused('OFFSET_OUT_OF_RANGE')), 'out_of_range');
  assert.equal(fetchFaultOf(refused('INVALID_FETCH_SESSION_EPOCH')), 'session');
  assert.equal(fetchFaultOf(refused('NOT_LEADER_OR_FOLLOWER')), 'partition');
  assert.equal(fetchFaultOf(new NetworkError('closed')), 'unreachable');
  assert.equal(fetchFaultOf(new TimeoutError('late')), 'unreachable');
});

test('the group asks to join again by three codes, and by no failure of the network', () => {
  for (const id of ['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'] as const) {
    assert.equal(isRejoinAsked(refused(id)), true, id);
  }
  assert.equal(isRejoinAsked(new NetworkError('closed')), false);
  assert.equal(isRejoinAsked('no error'), false);
});
