import { deepEqual, equal, ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { BUILT_IN_CATALOGUE } from '../../../src/catalogue/built-in.ts';
import { faultOf, severityOf } from '../../../src/catalogue/catalogue.ts';
import { parseCatalogue } from '../../../src/catalogue/parse-catalogue.ts';

const catalogue = parseCatalogue(readFileSync(BUILT_IN_CATALOGUE, 'utf8'), 'built-in.yaml');

test('the nine codes of the API are catalogued with their status and the details seen', () => {
  deepEqual(
    [...catalogue.codes.values()].map(({ code, status, detailKeys }) => [code, status, detailKeys.join()]),
    [
      ['INVALID_CREDENTIALS', 401, ''],
      ['TOKEN_EXPIRED', 401, ''],
      ['ACCOUNT_INACTIVE', 403, ''],
      ['TRUNK_NOT_FOUND', 404, 'trunkId'],
      ['DUPLICATE_USERNAME', 409, 'username,suggestion'],
      ['INSUFFICIENT_BALANCE', 402, 'required,available,currency,shortfall'],
      ['PAYMENT_FAILED', 402, 'gateway,reason'],
      ['RATE_LIMIT_EXCEEDED', 429, 'limitType,limit,current,retryAfter'],
      ['VALIDATION_ERROR', 422, 'errors'],
    ],
  );
});

test('the fifteen statuses of the API are catalogued: 4xx the client’s fault, 5xx ours, 2xx nobody’s', () => {
  deepEqual([...catalogue.statuses.keys()], [200, 201, 204, 400, 401, 402, 403, 404, 409, 422, 429, 500, 502, 503, 504]);
  for (const { status, fault } of catalogue.statuses.values()) {
    equal(fault, status < 300 ? null : status < 500 ? 'client' : 'server', String(status));
  }
});

test('only what may succeed unchanged is called retryable', () => {
  const retryable = [...catalogue.codes.values()].filter(({ isRetryable }) => isRetryable).map(({ code }) => code);
  deepEqual(retryable, ['RATE_LIMIT_EXCEEDED']);
  deepEqual(
    [...catalogue.statuses.values()].filter(({ isRetryable }) => isRetryable).map(({ status }) => status),
    [429, 500, 502, 503, 504],
  );
});

test('every code’s status has words of its own', () => {
  for (const { status } of catalogue.codes.values()) ok(catalogue.statuses.has(status));
});

test('every text is made of whole sentences', () => {
  for (const { meaning, callerAdvice, supportWords } of [...catalogue.codes.values(), ...catalogue.statuses.values()]) {
    for (const text of [meaning, callerAdvice, supportWords]) ok(/^[A-Z].*[.?]$/.test(text) && !text.includes('  '), text);
  }
});

test('the advice of the API is in the words: both headers on 401, backoff and Retry-After on 429 and 503, the requestId on 500', () => {
  for (const words of [catalogue.statuses.get(401), catalogue.codes.get('INVALID_CREDENTIALS')]) {
    ok(words?.callerAdvice.includes('X-Auth-ID') && words.callerAdvice.includes('X-Auth-Token'));
  }
  for (const status of [429, 503]) {
    const advice = catalogue.statuses.get(status)?.callerAdvice ?? '';
    ok(advice.includes('Retry-After') && advice.includes('backoff'), String(status));
  }
  ok(catalogue.statuses.get(500)?.callerAdvice.includes('requestId'));
});

test('a stated fault holds for the code’s own status only', () => {
  equal(faultOf(catalogue, 'TRUNK_NOT_FOUND', 404), 'client');
  equal(faultOf(catalogue, 'TRUNK_NOT_FOUND', 503), 'server');
  equal(faultOf(catalogue, 'UNKNOWN_CODE', null), 'server');
  equal(faultOf(catalogue, 'UNKNOWN_CODE', 418), 'client');
});

test('a stated severity wins, otherwise it follows from the fault', () => {
  equal(severityOf(catalogue, 'TRUNK_NOT_FOUND', 503), 'warning');
  equal(severityOf(catalogue, 'UNKNOWN_CODE', 418), 'warning');
  equal(severityOf(catalogue, 'UNKNOWN_CODE', 500), 'critical');
});
