import { deepEqual, equal, notDeepEqual, notEqual } from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { digestOf, identityOf } from '../../../src/envelope/identity.ts';
import { decodedEnvelope, envelopeText } from './sample.ts';

const key = Buffer.alloc(32, 7);
const identityFrom = (top: Readonly<Record<string, string>>, code = 'A') =>
  identityOf(decodedEnvelope(envelopeText({ top, error: { code } })));

test('identity is requestId, code and UTC day', () => {
  const timestamp = '2025-10-12T09:00:00Z';
  equal(identityFrom({ timestamp }), identityFrom({ timestamp: '2025-10-12T23:59:59+23:00' }));
  notEqual(identityFrom({ timestamp }), identityFrom({ timestamp: '2025-10-11T09:00:00Z' }));
  notEqual(identityFrom({ timestamp }), identityFrom({ timestamp }, 'B'));
  notEqual(identityFrom({ timestamp }), identityFrom({ timestamp, requestId: 'req_other' }));
});

test('no code can be written so that it takes over another identity', () => {
  notEqual(identityFrom({ requestId: 'a' }, 'b\n2025-10-12\nA'), identityFrom({ requestId: 'a' }, 'A'));
});

test('a digest is a keyed SHA-256 of the bytes, cut to 16 bytes', () => {
  const bytes = Buffer.from('{"password":"hunter2"}');
  const whole = createHmac('sha256', key)
    .update(Buffer.from([1]))
    .update(bytes)
    .digest();
  deepEqual(digestOf(key, bytes), new Uint8Array(whole.subarray(0, 16)));
  notDeepEqual(digestOf(Buffer.alloc(32, 8), bytes), digestOf(key, bytes));
});

test('a tombstone and an empty value have different digests', () => {
  notDeepEqual(digestOf(key, null), digestOf(key, new Uint8Array()));
});
