import { deepEqual } from 'node:assert/strict';
import { test } from 'node:test';
import { readContext } from '../../../src/envelope/context.ts';

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const whole = {
  httpStatus: 503,
  service: 'billing',
  route: '/v1/trunks/{id}',
  method: 'POST',
  client: 'acct_42',
  release: '2025.10.1',
  traceparent: TRACEPARENT,
};

test('every field of the context is read', () => {
  deepEqual(readContext(whole, undefined), whole);
});

test('headers of the same names fill what the envelope leaves out, whatever their case on the way', () => {
  const headers = { httpstatus: '503', service: 'other', TRACEPARENT: 'no', traceparent: TRACEPARENT, cookie: 'a=b' };
  deepEqual(readContext({ service: 'billing' }, headers), { httpStatus: 503, service: 'billing', traceparent: TRACEPARENT });
});

test('an invalid field of the envelope leaves room for the header', () => {
  deepEqual(readContext({ httpStatus: 99 }, { httpStatus: '404' }), { httpStatus: 404 });
});

test('a status is a whole number from 100 to 599, in digits or as a number', () => {
  for (const httpStatus of [99, 600, 404.5, '099', '600', '4e2', ' 404', true, null, [404]]) {
    deepEqual(readContext({ httpStatus }, undefined), {});
  }
  deepEqual(readContext({ httpStatus: '404' }, undefined), { httpStatus: 404 });
});

test('texts with control characters, lone surrogates, no length or too much are dropped', () => {
  for (const service of ['', 'a\nb', 'a\0b', 'a\u009bb', '\ud800', 'x'.repeat(129), 7, {}]) {
    deepEqual(readContext({ service }, undefined), {});
  }
  deepEqual(readContext({ service: 'x'.repeat(128), route: 'r'.repeat(513) }, undefined), { service: 'x'.repeat(128) });
});

test('a method is a word', () => {
  deepEqual(readContext({ method: 'M-SEARCH' }, undefined), { method: 'M-SEARCH' });
  for (const method of ['GET /', 'GET\r\n', 'G3T', 'X'.repeat(33)]) deepEqual(readContext({ method }, undefined), {});
});

test('a traceparent is what the W3C says', () => {
  for (const traceparent of [
    `ff${TRACEPARENT.slice(2)}`,
    TRACEPARENT.toUpperCase(),
    `${TRACEPARENT}-00`,
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `00-4bf92f3577b34da6a3ce929d0e0e4736-${'0'.repeat(16)}-01`,
  ]) {
    deepEqual(readContext({ traceparent }, undefined), {});
  }
});

test('names that every object has are not read from it', () => {
  deepEqual(readContext(Object.create({ service: 'inherited' }), undefined), {});
});
