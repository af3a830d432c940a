/**
 * The table of bad inputs (RELIABILITY, section 5) as far as bytes decide it. Each row keeps its number there, so that a
 * missing one shows; rows that only HTTP, Kafka or the store can answer are tested with those.
 */
import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import { decodedEnvelope, decodeText, envelopeText, OCCURRED_AT, verdictOf, withDetails } from './sample.ts';

type Input = string | Uint8Array | null;
/** Row, what the input is, the input, the one right answer. */
type Row = readonly [row: number, name: string, input: Input, answer: string];

const MIB = 1_048_576;
const clean = envelopeText();
const withMessage = (message: string) => envelopeText({ error: { message } });
const withRawMessage = (raw: string) => withMessage('MESSAGE').replace('"MESSAGE"', () => `"${raw}"`);
const withCode = (code: string) => envelopeText({ error: { code } });
const withRequestId = (requestId: string) => envelopeText({ top: { requestId } });
const withTimestamp = (timestamp: string) => envelopeText({ top: { timestamp } });
const withContext = (httpStatus: number | string) => envelopeText({ top: { context: { httpStatus } } });
const nested = (depth: number) => `${'{"a":'.repeat(depth - 1)}{}${'}'.repeat(depth - 1)}`;
const inMessage = (bytes: readonly number[]) => {
  const [before = '', after = ''] = withMessage('SPLIT').split('SPLIT');
  return Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]);
};
const utf16be = (text: string) => Buffer.from(text, 'utf16le').swap16();
const padded = (size: number) => clean + ' '.repeat(size - clean.length);
const keys = (count: number) => JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 0])));

const rows: readonly Row[] = [
  [1, 'no byte', Buffer.alloc(0), 'empty'],
  [2, 'null', null, 'tombstone'],
  [3, 'white space only', ' \r\n\t', 'syntax'],
  [4, 'a BOM before a valid object', `\ufeff${clean}`, 'fix:bom'],
  [5, 'a BOM only', '\ufeff', 'syntax'],
  [5, 'two BOMs', `\ufeff\ufeff${clean}`, 'syntax'],
  [6, 'byte FF in a string', inMessage([0xff]), 'utf8'],
  [6, 'byte FF behind a backslash', inMessage([0x5c, 0xff]), 'utf8'],
  [7, 'overlong C0 80', inMessage([0xc0, 0x80]), 'utf8'],
  [8, 'a CESU-8 surrogate', inMessage([0xed, 0xa0, 0x80]), 'utf8'],
  [9, 'a character cut at the end of a string', inMessage([0xe2, 0x82]), 'utf8'],
  [9, 'a character cut at the end of the bytes', Buffer.concat([Buffer.from(clean), Buffer.from([0xe2, 0x82])]), 'utf8'],
  [10, 'UTF-16 LE', Buffer.from(clean, 'utf16le'), 'syntax'],
  [10, 'UTF-16 LE with BOM', Buffer.from(`\ufeff${clean}`, 'utf16le'), 'utf8'],
  [10, 'UTF-16 BE', utf16be(clean), 'syntax'],
  [10, 'UTF-16 BE with BOM', utf16be(`\ufeff${clean}`), 'utf8'],
  [12, 'a raw 00 in a string', inMessage([0]), 'syntax'],
  [12, 'a raw 00 outside a string', `${clean}\0`, 'syntax'],
  [16, '1 MiB', padded(MIB), 'ok'],
  [16, '1 MiB and a byte', padded(MIB + 1), 'too_large'],
  [17, 'trailing garbage', `${clean}x`, 'syntax'],
  [17, 'two documents', clean + clean, 'syntax'],
  [17, 'NDJSON', `${clean}\n${clean}\n`, 'syntax'],
  ...['NaN', 'Infinity', '0x10', '+1', '.5', '1.', '01'].map((text): Row => [20, text, withDetails(`{"a":${text}}`), 'syntax']),
  ...['{"a":1,}', '{"a":1/*c*/}', "{'a':1}", '{a:1}', '{"a":1//c\n}'].map((text): Row => [21, text, withDetails(text), 'syntax']),
  [22, 'a raw line break in a string', withRawMessage('a\nb'), 'syntax'],
  [22, 'a raw tab in a string', withRawMessage('a\tb'), 'syntax'],
  [22, 'a raw 1F in a string', withRawMessage('a\u001fb'), 'syntax'],
  [23, 'depth 64', withDetails(nested(62)), 'ok'],
  [23, 'depth 65', withDetails(nested(63)), 'depth'],
  [24, 'depth 10 000', withDetails(nested(10_000)), 'depth'],
  [24, 'depth 500 000', '['.repeat(500_000) + ']'.repeat(500_000), 'depth'],
  [25, '1 000 keys in one object', withDetails(keys(1000)), 'ok'],
  [25, '1 001 keys in one object', withDetails(keys(1001)), 'keys'],
  [25, '60 000 keys in one object', withDetails(keys(60_000)), 'keys'],
  [25, 'more than 10 000 keys in all', withDetails(`[${Array(11).fill(keys(999)).join()}]`), 'keys'],
  [26, '100 items of details.errors', withDetails(`{"errors":[${Array(100).fill('{"a":1}').join()}]}`), 'ok'],
  [26, '100 000 items of details.errors', withDetails(`{"errors":[${Array(100_000).fill('{"a":1}').join()}]}`), 'fix:truncate'],
  [26, '10 001 keys before the 100th item', withDetails(`{"errors":[${Array(11).fill(keys(999)).join()}]}`), 'keys'],
  [26, '1 001 keys behind 200 items', withDetails(`{"errors":[${Array(200).fill('{}').join()}],"a":${keys(1001)}}`), 'keys'],
  [27, 'a key of 256 characters', withDetails(`{"${'k'.repeat(256)}":1}`), 'ok'],
  [27, 'a key of 256 characters of three bytes', withDetails(`{"${'あ'.repeat(256)}":1}`), 'ok'],
  [27, 'a key of 256 escaped characters', withDetails(`{"${'\\u0061'.repeat(256)}":1}`), 'ok'],
  [27, 'a key of 257 characters', withDetails(`{"${'k'.repeat(257)}":1}`), 'key_length'],
  [27, 'a key of 100 KB', withDetails(`{"${'k'.repeat(100_000)}":1}`), 'key_length'],
  [28, 'a repeated key in details', withDetails('{"a":1,"a":2}'), 'fix:last_wins'],
  [29, 'two requestIds', clean.replace('{', '{"requestId":"req_other",'), 'duplicate_key'],
  [29, 'two codes', clean.replace('"code"', '"code":"OTHER","code"'), 'duplicate_key'],
  [29, 'two codes, the other one in another error', clean.replace('{', '{"error":{"code":"OTHER"},'), 'duplicate_key'],
  [29, 'two equal requestIds', clean.replace('{', '{"requestId":"req_7a8b9c0d1e23",'), 'fix:last_wins'],
  [30, 'a second requestId spelled by escapes', clean.replace('{', '{"request\\u0049d":"req_other",'), 'duplicate_key'],
  [30, 'a second code spelled by escapes', clean.replace('"code"', '"c\\u006fde":"OTHER","code"'), 'duplicate_key'],
  [31, 'an empty key', withDetails('{"":1}'), 'ok'],
  [32, 'keys that look like indexes', withDetails('{"2":1,"1":2,"b":3}'), 'ok'],
  [33, '\\u0000 in the message', withMessage('a\0b'), 'fix:nul'],
  [33, '\\u0000 in details', withDetails('{"a":["\\u0000"]}'), 'fix:nul'],
  [34, '\\u0000 in a key of details', withDetails('{"a\\u0000":1}'), 'fix:nul'],
  [35, '\\u0000 in requestId', withRequestId('a\0b'), 'request_id'],
  [35, '\\u0000 in code', withCode('A\0B'), 'fix:nul,code_invalid'],
  [36, 'a lone high surrogate in details', withDetails('{"a":"\\ud800"}'), 'fix:surrogate'],
  [36, 'a lone low surrogate in details', withDetails('{"a":"\\udc00"}'), 'fix:surrogate'],
  [37, 'a lone surrogate in requestId', withRequestId('a\ud800'), 'request_id'],
  [38, 'a reversed pair', withDetails('{"a":"\\udc00\\ud800"}'), 'fix:surrogate'],
  [39, 'an emoji and U+10FFFF', withMessage('😀\u{10ffff}'), 'ok'],
  [39, 'an escaped emoji', withRawMessage('\\ud83d\\ude00'), 'ok'],
  [40, 'noncharacters', withMessage('\ufffe\ufdd0'), 'ok'],
  [41, 'U+2028 and U+2029', withMessage('a\u2028b\u2029c'), 'ok'],
  [42, 'U+202E in code', withCode('ABC\u202e'), 'fix:code_invalid'],
  [42, 'U+200B in code', withCode('ABC\u200b'), 'fix:code_invalid'],
  [42, 'U+202E in message', withMessage('abc\u202edef'), 'ok'],
  [43, 'requestId in NFC', withRequestId('caf\u00e9'), 'request_id'],
  [43, 'requestId in NFD', withRequestId('cafe\u0301'), 'request_id'],
  ...['\u001b[31m', 'a\r\nb', '<script>', '{{.}}', '<!channel>'].map((text): Row => [45, text, withMessage(text), 'ok']),
  [46, '8 KiB of combining marks', withMessage('\u0301'.repeat(4096)), 'ok'],
  [47, '9007199254740993', withDetails('{"a":9007199254740993}'), 'fix:number_text'],
  [48, '1e400', withDetails('{"a":1e400}'), 'fix:number_text'],
  [48, '-1e400', withDetails('{"a":-1e400}'), 'fix:number_text'],
  [49, '1e131072', withDetails('{"a":1e131072}'), 'fix:number_text'],
  [50, '1e-400', withDetails('{"a":1e-400}'), 'fix:number_text'],
  ...['-0', '1.0', '1.10', '0.1', '1e2', '0.30000000000000004', '5e-324', '9007199254740992'].map(
    (text): Row => [51, text, withDetails(`{"a":${text}}`), 'ok'],
  ),
  [52, 'a number of 1 000 digits', withDetails(`{"a":${'1'.repeat(1000)}}`), 'fix:number_text'],
  [52, 'a number of 100 000 digits', withDetails(`{"a":${'1'.repeat(100_000)}}`), 'number_length'],
  [53, 'an array', `[${clean}]`, 'schema'],
  [53, 'an array in an array', `[[${clean}]]`, 'schema'],
  ...['null', 'true', '"x"', '1'].map((text): Row => [54, text, text, 'schema']),
  ...[undefined, 'ok', 'ERROR', 1, null].map(
    (status): Row => [55, `status ${status}`, envelopeText({ top: { status } }), 'status'],
  ),
  ...[undefined, null, [], 'x'].map(
    (error): Row => [56, `error ${JSON.stringify(error)}`, envelopeText({ top: { error } }), 'schema'],
  ),
  ...[undefined, '', null, 1, {}].map(
    (code): Row => [57, `code ${JSON.stringify(code)}`, envelopeText({ error: { code } }), 'code'],
  ),
  [58, 'a code of 128 characters', withCode('A'.repeat(128)), 'ok'],
  [58, 'a code of 129 characters', withCode('A'.repeat(129)), 'fix:code_invalid'],
  ...['A"B', 'A\nB', 'A\\B', 'A{}B', 'a'].map((code): Row => [58, JSON.stringify(code), withCode(code), 'fix:code_invalid']),
  ...['__proto__', 'constructor', 'toString'].map((code): Row => [59, code, withCode(code), 'fix:code_invalid']),
  [60, 'no message', envelopeText({ error: { message: undefined } }), 'fix:empty'],
  [60, 'a message that is null', envelopeText({ error: { message: null } }), 'fix:empty'],
  [60, 'a message that is a number', envelopeText({ error: { message: 1 } }), 'schema'],
  [60, 'a message of nearly 1 MB', withMessage('m'.repeat(1_000_000)), 'fix:truncate'],
  [61, 'no details', clean, 'ok'],
  [61, 'details null', withDetails('null'), 'ok'],
  ...['"text"', '42', 'true', '[1,2]'].map((text): Row => [61, `details ${text}`, withDetails(text), 'fix:wrapped']),
  ...['"x"', '{"a":1}', '[1,"x",null]', '[{"value":{"a":"b"}}]'].map(
    (text): Row => [62, `details.errors ${text}`, withDetails(`{"errors":${text}}`), 'ok'],
  ),
  [65, '__proto__ in details', withDetails('{"__proto__":{"a":1}}'), 'proto_key'],
  [65, '__proto__ at the top', clean.replace('{', '{"__proto__":1,'), 'proto_key'],
  [65, '__proto__ spelled by escapes', withDetails('{"\\u005f_proto__":1}'), 'proto_key'],
  [65, '__proto__ deep inside', withDetails('{"a":[{"b":{"__proto__":null}}]}'), 'proto_key'],
  [66, 'constructor.prototype', withDetails('{"constructor":{"prototype":{}}}'), 'proto_key'],
  [66, 'constructor.prototype spelled by escapes', withDetails('{"constructo\\u0072":{"prototyp\\u0065":{}}}'), 'proto_key'],
  [66, 'a constructor that is text', withDetails('{"constructor":"x"}'), 'ok'],
  [67, 'unknown fields', envelopeText({ top: { id: 7, created_at: 'x', sanitized: ['nul'] } }), 'ok'],
  [67, 'httpStatus 99', withContext(99), 'ok'],
  [67, 'httpStatus 600', withContext(600), 'ok'],
  [67, 'httpStatus "x"', withContext('x'), 'ok'],
  [67, 'a route of 10 KB', envelopeText({ top: { context: { route: '/r'.repeat(5000) } } }), 'ok'],
  ...[undefined, null, '', 1, ['a']].map(
    (requestId): Row => [68, `requestId ${requestId}`, envelopeText({ top: { requestId } }), 'request_id'],
  ),
  [69, 'requestId of 128 characters', withRequestId('aZ09._:-'.repeat(16)), 'ok'],
  [69, 'requestId of 129 characters', withRequestId('a'.repeat(129)), 'request_id'],
  [70, 'requestId of 100 KB', withRequestId('a'.repeat(100_000)), 'request_id'],
  ...['a b', '../', "' OR 1=1--", '%00', '<svg>', 'a\n'].map(
    (id): Row => [71, JSON.stringify(id), withRequestId(id), 'request_id'],
  ),
  ...[undefined, null, '', 1_760_265_000].map(
    (timestamp): Row => [76, `timestamp ${timestamp}`, envelopeText({ top: { timestamp } }), 'timestamp'],
  ),
  ...['2026-02-30T00:00:00Z', '2025-10-12T24:00:00Z', '2025-13-01T00:00:00Z', '2025-00-10T00:00:00Z', '2025-10-12T10:60:00Z'].map(
    (text): Row => [77, text, withTimestamp(text), 'timestamp'],
  ),
  [78, 'a leap second', withTimestamp('2025-10-11T23:59:60Z'), 'fix:leap_second,late'],
  [79, 'no zone', withTimestamp('2025-10-12T10:30:00'), 'timestamp'],
  [79, 'lower-case t and z', withTimestamp('2025-10-12t10:30:00z'), 'ok'],
  [79, 'a zone of +23:59', withTimestamp('2025-10-13T10:29:00+23:59'), 'ok'],
  ...['now', 'infinity', 'tomorrow'].map((text): Row => [80, text, withTimestamp(text), 'timestamp']),
  [81, 'five minutes ahead', withTimestamp('2025-10-12T10:35:05.000Z'), 'ok'],
  [81, 'a little more than five minutes ahead', withTimestamp('2025-10-12T10:35:05.001Z'), 'fix:clock_ahead'],
  [81, 'ten years ahead', withTimestamp('2035-10-12T10:30:00Z'), 'fix:clock_ahead'],
  [81, 'year 9999', withTimestamp('9999-12-31T23:59:59.999Z'), 'fix:clock_ahead'],
  [81, 'year +275760', withTimestamp('+275760-09-13T00:00:00.000Z'), 'fix:clock_ahead'],
  [82, 'an hour late', withTimestamp('2025-10-12T09:30:05.000Z'), 'ok'],
  [82, 'more than an hour late', withTimestamp('2025-10-12T09:30:04.999Z'), 'fix:late'],
  [82, 'on the last day of the retention', withTimestamp('2025-09-12T00:00:00Z'), 'fix:late'],
  [82, 'on the day before', withTimestamp('2025-09-11T23:59:59.999Z'), 'too_old'],
  [82, '1970', withTimestamp('1970-01-01T00:00:00Z'), 'too_old'],
  [82, 'five years ago', withTimestamp('2020-10-12T10:30:00Z'), 'too_old'],
  [83, 'nine fractional digits', withTimestamp('2025-10-12T10:30:00.123456789Z'), 'fix:micros'],
];

for (const [row, name, input, answer] of rows) {
  test(`row ${row}: ${printable(name)} is answered with ${answer}`, () => equal(verdictOf(input), answer));
}

/** Control characters as escapes: a test's name goes to a terminal. */
function printable(name: string): string {
  return JSON.stringify(name).slice(1, -1);
}

test('row 24: 500 000 levels are refused before the parser sees them, in under 5 ms', () => {
  const deep = Buffer.from('['.repeat(500_000));
  let bestMs = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 10 && bestMs >= 5; run++) {
    const startedAt = performance.now();
    verdictOf(deep);
    bestMs = Math.min(bestMs, performance.now() - startedAt);
  }
  equal(bestMs < 5, true);
});

test('row 26: of 100 000 items the first hundred and the count stay', () => {
  const { details } = decodedEnvelope(withDetails(`{"b":1,"errors":[${Array(100_000).fill('0').join()}]}`));
  deepEqual(details, { b: 1, errors: Array(100).fill(0), errorsCount: 100_000 });
});

test('row 28: the last of two equal keys wins', () => {
  deepEqual(decodedEnvelope(withDetails('{"a":1,"a":2}')).details, { a: 2 });
});

test('rows 33, 34, 36, 38: each character that PostgreSQL refuses becomes U+FFFD', () => {
  deepEqual(decodedEnvelope(withDetails('{"k\\u0000":"\\u0000","r":["\\udc00\\ud800"]}')).details, {
    'k\ufffd': '\ufffd',
    r: ['\ufffd\ufffd'],
  });
  equal(decodedEnvelope(withMessage('a\0b\ud800')).message, 'a\ufffdb\ufffd');
});

test('row 34: keys that become equal keep the last value and say so', () => {
  const envelope = decodedEnvelope(withDetails('{"a\\u0000":1,"a\ufffd":2}'));
  deepEqual(envelope.details, { 'a\ufffd': 2 });
  deepEqual(envelope.sanitized, ['nul', 'last_wins']);
});

test('row 35: a code with a NUL is kept without it and is no label', () => {
  const { code, isCodeValid } = decodedEnvelope(withCode('A\0B'));
  deepEqual({ code, isCodeValid }, { code: 'A\ufffdB', isCodeValid: false });
});

test('rows 47 to 51: a number that a double cannot hold becomes its own digits, all others stay numbers', () => {
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

test('row 47: a long number outside the details never becomes a requestId or a message', () => {
  equal(verdictOf(clean.replace('"req_7a8b9c0d1e23"', '12345678901234567890')), 'request_id');
  equal(verdictOf(clean.replace('"SIP trunk not found"', '12345678901234567890')), 'schema');
});

test('row 58: a code that is no label is kept as sent, clipped to 128, unless the catalogue lists it', () => {
  deepEqual(decodedEnvelope(withCode('x'.repeat(200))).code, 'x'.repeat(128));
  equal(decodedEnvelope(withCode('A{}"\n')).code, 'A{}"\n');
  equal(verdictOf(withCode('trunk.not-found'), { isCatalogued: (code) => code === 'trunk.not-found' }), 'ok');
  equal(verdictOf(withCode('x'.repeat(129)), { isCatalogued: () => true }), 'fix:code_invalid');
  equal(verdictOf(withCode('trunk.not-found'), { isCatalogued: () => false }), 'fix:code_invalid');
});

test('row 58: clipping a code never leaves half a character', () => {
  equal(decodedEnvelope(withCode(`${'x'.repeat(127)}😀`)).code, 'x'.repeat(127));
});

test('row 60: a missing message is empty, a long one ends within 8 KiB at a whole character', () => {
  equal(decodedEnvelope(envelopeText({ error: { message: undefined } })).message, '');
  equal(decodedEnvelope(withMessage('m'.repeat(8193))).message, 'm'.repeat(8192));
  equal(decodedEnvelope(withMessage(`m${'😀'.repeat(3000)}`)).message, `m${'😀'.repeat(2047)}`);
});

test('row 61: details that are no object are wrapped, missing ones are empty', () => {
  deepEqual(decodedEnvelope(withDetails('[1,2]')).details, { value: [1, 2] });
  deepEqual(decodedEnvelope(clean).details, {});
});

test('row 67: what is out of bounds in the context is dropped, the rest of it stays', () => {
  const context = { httpStatus: 600, route: '/r'.repeat(5000), service: 'billing', method: 'POST' };
  deepEqual(decodedEnvelope(envelopeText({ top: { context } })).context, { service: 'billing', method: 'POST' });
});

test('row 71: a requestId that is not valid is not handed on', () => {
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

test('row 72: ids that differ in case are distinct', () => {
  equal(decodedEnvelope(withRequestId('0A')).requestId === decodedEnvelope(withRequestId('0a')).requestId, false);
});

test('row 78: a leap second is kept as the last microsecond of its day', () => {
  const { occurredAt, day } = decodedEnvelope(withTimestamp('2025-10-11T23:59:60.5Z'));
  deepEqual({ occurredAt, day }, { occurredAt: '2025-10-11T23:59:59.999999Z', day: '2025-10-11' });
});

test('row 79: the day is that of UTC', () => {
  const { occurredAt, day } = decodedEnvelope(withTimestamp('2025-10-13T00:29:00+23:59'));
  deepEqual({ occurredAt, day }, { occurredAt: '2025-10-12T00:30:00Z', day: '2025-10-12' });
});

test('row 81: an envelope from the far future stands under its claimed day, as PostgreSQL writes it', () => {
  const { occurredAt, day } = decodedEnvelope(withTimestamp('+275760-09-13T00:00:00.000Z'));
  deepEqual({ occurredAt, day }, { occurredAt: '275760-09-13T00:00:00.000Z', day: '275760-09-13' });
});

test('row 83: digits past the microsecond are cut off', () => {
  const { occurredAt, occurredAtMs } = decodedEnvelope(withTimestamp('2025-10-12T10:30:00.1239999Z'));
  deepEqual(
    { occurredAt, occurredAtMs },
    { occurredAt: '2025-10-12T10:30:00.123999Z', occurredAtMs: Date.parse(OCCURRED_AT) + 123 },
  );
});

test('row 88: of the headers only those with the names of context fields are read, and the envelope goes first', () => {
  const headers = { httpstatus: '404', service: 'from-header', 'x-auth-token': 'secret', route: 'bad\u0000' };
  const text = envelopeText({ top: { context: { service: 'from-envelope' } } });
  deepEqual(decodedEnvelope(text, { headers }).context, { httpStatus: 404, service: 'from-envelope' });
});
