/**
 * The table of bad inputs as far as bytes decide it, on decode and redact alone, and what exactly is kept where an input is
 * mended. The same rows go over HTTP and through Kafka in the tests of the whole service.
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CASE_COUNT, inputCases, TRIED_ELSEWHERE } from '../../fixtures/bad-inputs/table.ts';
import { answerOf, judge } from '../../support/judge.ts';
import { decodedEnvelope, decodeText, envelopeText, OCCURRED_AT, RECEIVED_AT_MS, verdictOf, withDetails } from './sample.ts';

const clean = envelopeText();
const withMessage = (message: string) => envelopeText({ error: { message } });
const withCode = (code: string) => envelopeText({ error: { code } });
const withRequestId = (requestId: string) => envelopeText({ top: { requestId } });
const withTimestamp = (timestamp: string) => envelopeText({ top: { timestamp } });

const cases = inputCases('unit', RECEIVED_AT_MS);

for (const { number, name, bytes, answer, paths } of cases) {
  // The splitter answers these before decode sees a byte; the webhook's test holds them.
  if (paths === 'http') continue;
  test(`case ${number}: ${name} is answered with ${answer}`, () => equal(answerOf(judge(bytes, RECEIVED_AT_MS)), answer));
}

test('each of the 89 cases is tried, here or in the test that the table names', (context) => {
  const numbers = new Set(cases.map(({ number }) => number));
  for (let number = 1; number <= CASE_COUNT; number += 1) {
    const file = TRIED_ELSEWHERE[number];
    ok((file !== undefined) !== numbers.has(number), `case ${number}`);
    if (file === undefined) continue;
    match(readFileSync(file, 'utf8'), new RegExp(`test\\(\\s*['\`]cases? (\\d+, )*${number}\\b`), file);
  }
  context.diagnostic(`${CASE_COUNT} of ${CASE_COUNT} bad inputs have their test`);
});

test('cases 81, 82: the bounds of ahead, late and too old', () => {
  for (const [timestamp, verdict] of [
    ['2025-10-12T10:35:05.000Z', 'ok'],
    ['2025-10-12T10:35:05.001Z', 'fix:clock_ahead'],
    ['2025-10-12T09:30:05.000Z', 'ok'],
    ['2025-10-12T09:30:04.999Z', 'fix:late'],
    ['2025-09-12T00:00:00Z', 'fix:late'],
    ['2025-09-11T23:59:59.999Z', 'too_old'],
  ] as const) {
    equal(verdictOf(withTimestamp(timestamp)), verdict, timestamp);
  }
});

test('case 24: 500 000 levels are refused before the parser sees them, in under 5 ms', () => {
  const deep = Buffer.from('['.repeat(500_000));
  let bestMs = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 10 && bestMs >= 5; run++) {
    const startedAt = performance.now();
    verdictOf(deep);
    bestMs = Math.min(bestMs, performance.now() - startedAt);
  }
  equal(bestMs < 5, true);
});

test('case 26: of 100 000 items the first hundred and the count stay', () => {
  const { details } = decodedEnvelope(withDetails(`{"b":1,"errors":[${Array(100_000).fill('0').join()}]}`));
  deepEqual(details, { b: 1, errors: Array(100).fill(0), errorsCount: 100_000 });
});

test('case 28: the last of two equal keys wins', () => {
  deepEqual(decodedEnvelope(withDetails('{"a":1,"a":2}')).details, { a: 2 });
});

test('cases 33, 34, 36, 38: each character that PostgreSQL refuses becomes U+FFFD', () => {
  deepEqual(decodedEnvelope(withDetails('{"k\\u0000":"\\u0000","r":["\\udc00\\ud800"]}')).details, {
    'k\ufffd': '\ufffd',
    r: ['\ufffd\ufffd'],
  });
  equal(decodedEnvelope(withMessage('a\0b\ud800')).message, 'a\ufffdb\ufffd');
});

test('case 34: keys that become equal keep the last value and say so', () => {
  const envelope = decodedEnvelope(withDetails('{"a\\u0000":1,"a\ufffd":2}'));
  deepEqual(envelope.details, { 'a\ufffd': 2 });
  deepEqual(envelope.sanitized, ['nul', 'last_wins']);
});

test('case 35: a code with a NUL is kept without it and is no label', () => {
  const { code, isCodeValid } = decodedEnvelope(withCode('A\0B'));
  deepEqual({ code, isCodeValid }, { code: 'A\ufffdB', isCodeValid: false });
});

test('cases 47 to 51: a number that a double cannot hold becomes its own digits, all others stay numbers', () => {
  const text = '{"a":9007199254740993,"b":1e400,"c":-1e400,"d":1e131072,"e":1e-400,"f":1.10,"g":[-0,1.0],"h":1e2}';
  deepEqual(decodedEnvelope(withDetails(text)).details, {
    a: '9007199254740993',
    b: '1e400',
    c: '-1e400',
    d: '1e131072',
    e: '1e-400',
    f: 1.1,
    g: [-0, 1],
    h: 100,
  });
});

test('case 47: a long number outside the details never becomes a requestId or a message', () => {
  equal(verdictOf(clean.replace('"req_7a8b9c0d1e23"', '12345678901234567890')), 'request_id');
  equal(verdictOf(clean.replace('"SIP trunk not found"', '12345678901234567890')), 'schema');
});

test('case 58: a code that is no label is kept as sent, clipped to 128, unless the catalogue lists it', () => {
  deepEqual(decodedEnvelope(withCode('x'.repeat(200))).code, 'x'.repeat(128));
  equal(decodedEnvelope(withCode('A{}"\n')).code, 'A{}"\n');
  equal(verdictOf(withCode('trunk.not-found'), { isCatalogued: (code) => code === 'trunk.not-found' }), 'ok');
  equal(verdictOf(withCode('x'.repeat(129)), { isCatalogued: () => true }), 'fix:code_invalid');
  equal(verdictOf(withCode('trunk.not-found'), { isCatalogued: () => false }), 'fix:code_invalid');
});

test('case 58: clipping a code never leaves half a character', () => {
  equal(decodedEnvelope(withCode(`${'x'.repeat(127)}😀`)).code, 'x'.repeat(127));
});

test('case 60: a missing message is empty, a long one ends within 8 KiB at a whole character', () => {
  equal(decodedEnvelope(envelopeText({ error: { message: undefined } })).message, '');
  equal(decodedEnvelope(withMessage('m'.repeat(8193))).message, 'm'.repeat(8192));
  equal(decodedEnvelope(withMessage(`m${'😀'.repeat(3000)}`)).message, `m${'😀'.repeat(2047)}`);
});

test('case 61: details that are no object are wrapped, missing ones are empty', () => {
  deepEqual(decodedEnvelope(withDetails('[1,2]')).details, { value: [1, 2] });
  deepEqual(decodedEnvelope(clean).details, {});
});

test('case 67: what is out of bounds in the context is dropped, the rest of it stays', () => {
  const context = { httpStatus: 600, route: '/r'.repeat(5000), service: 'billing', method: 'POST' };
  deepEqual(decodedEnvelope(envelopeText({ top: { context } })).context, { service: 'billing', method: 'POST' });
});

test('case 67: that something was stated which is not read is known, and counted', () => {
  const context = { service: 'billing', httpStatus: 404 };
  for (const top of [{}, { context }, { context: null }]) equal(decodedEnvelope(envelopeText({ top })).hasDropped, false);
  equal(decodedEnvelope(withDetails('{"a":1}')).hasDropped, false);
  for (const top of [{ id: 7 }, { context: { ...context, httpStatus: 99 } }, { context: { other: 1 } }, { context: 'x' }]) {
    equal(decodedEnvelope(envelopeText({ top })).hasDropped, true, JSON.stringify(top));
  }
  equal(decodedEnvelope(envelopeText({ error: { other: 1 } })).hasDropped, true);
});

test('case 71: a requestId that is not valid is not handed on', () => {
  deepEqual(decodeText(withRequestId('<svg>')), { kind: 'rejected', reason: 'request_id', requestId: null });
});

test('a rejected envelope hands on the valid requestId that could be read', () => {
  deepEqual(decodeText(withTimestamp('now')), { kind: 'rejected', reason: 'timestamp', requestId: 'req_7a8b9c0d1e23' });
  deepEqual(decodeText(withTimestamp('1970-01-01T00:00:00Z')), {
    kind: 'rejected',
    reason: 'too_old',
    requestId: 'req_7a8b9c0d1e23',
  });
});

test('case 72: ids that differ in case are distinct', () => {
  equal(decodedEnvelope(withRequestId('0A')).requestId === decodedEnvelope(withRequestId('0a')).requestId, false);
});

test('case 78: a leap second is kept as the last microsecond of its day', () => {
  const { occurredAt, day } = decodedEnvelope(withTimestamp('2025-10-11T23:59:60.5Z'));
  deepEqual({ occurredAt, day }, { occurredAt: '2025-10-11T23:59:59.999999Z', day: '2025-10-11' });
});

test('case 79: the day is that of UTC', () => {
  const { occurredAt, day } = decodedEnvelope(withTimestamp('2025-10-13T00:29:00+23:59'));
  deepEqual({ occurredAt, day }, { occurredAt: '2025-10-12T00:30:00Z', day: '2025-10-12' });
});

test('case 81: an envelope from the far future stands under its claimed day, as PostgreSQL writes it', () => {
  const { occurredAt, day } = decodedEnvelope(withTimestamp('+275760-09-13T00:00:00.000Z'));
  deepEqual({ occurredAt, day }, { occurredAt: '275760-09-13T00:00:00.000Z', day: '275760-09-13' });
});

test('case 83: digits past the microsecond are cut off', () => {
  const { occurredAt, occurredAtMs } = decodedEnvelope(withTimestamp('2025-10-12T10:30:00.1239999Z'));
  deepEqual(
    { occurredAt, occurredAtMs },
    { occurredAt: '2025-10-12T10:30:00.123999Z', occurredAtMs: Date.parse(OCCURRED_AT) + 123 },
  );
});

test('case 88: of the headers only those with the names of context fields are read, and the envelope goes first', () => {
  const headers = { httpstatus: '404', service: 'from-header', 'x-auth-token': 'secret', route: 'bad\u0000' };
  const text = envelopeText({ top: { context: { service: 'from-envelope' } } });
  deepEqual(decodedEnvelope(text, { headers }).context, { httpStatus: 404, service: 'from-envelope' });
});
