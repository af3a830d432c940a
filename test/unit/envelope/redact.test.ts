import { deepEqual, equal, ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { JsonValue } from '../../../src/envelope/schema.ts';
import { redacted, redactedDetails } from './redact-sample.ts';
import { envelopeText, withDetails } from './sample.ts';

const UNKNOWN = 'SOMETHING_ELSE';

/** The API's documented examples, dated so that they are not late. */
const documented = readFileSync(new URL('./documented-examples.ndjson', import.meta.url), 'utf8')
  .trim()
  .split('\n');

test('of the nine documented examples only what an end user typed is altered', () => {
  equal(documented.length, 9);
  for (const text of documented) {
    const { error } = JSON.parse(text);
    const { code, message, detailsJson, sanitized } = redacted(text);
    equal(message, error.message);
    if (code === 'VALIDATION_ERROR') continue;
    deepEqual(JSON.parse(detailsJson), error.details ?? {}, code);
    deepEqual(sanitized, [], code);
  }
});

test('row 63: what an end user typed becomes type, length and class', () => {
  const { detailsJson, sanitized } = redacted(documented.find((text) => text.includes('VALIDATION_ERROR')) ?? '');
  deepEqual(JSON.parse(detailsJson), {
    errors: [
      {
        code: 'MIN_LENGTH',
        field: 'password',
        message: 'Password must be at least 8 characters',
        value: { type: 'string', length: 3, class: 'letters' },
      },
      {
        code: 'INVALID_FORMAT',
        field: 'email',
        message: 'Invalid email format',
        value: { type: 'string', length: 10, class: 'letters' },
      },
      {
        code: 'OUT_OF_RANGE',
        field: 'maxCps',
        message: 'Must be between 1 and 1000',
        value: { type: 'number', length: 4, class: 'integer' },
      },
    ],
  });
  deepEqual(sanitized, ['redacted']);
});

const typed: readonly (readonly [JsonValue, JsonValue])[] = [
  ['', { type: 'string', length: 0, class: 'empty' }],
  ['12345678', { type: 'string', length: 8, class: 'digits' }],
  ['hunter2', { type: 'string', length: 7, class: 'letters_digits' }],
  ['a b!', { type: 'string', length: 4, class: 'mixed' }],
  ['  ', { type: 'string', length: 2, class: 'space' }],
  [-1.5, { type: 'number', length: 4, class: 'negative_decimal' }],
  [true, { type: 'boolean' }],
  [null, { type: 'null' }],
  [['a', 'b'], { type: 'array', length: 2 }],
  [{ password: 'x' }, { type: 'object', length: 1 }],
];
for (const [value, shape] of typed) {
  test(`the typed value ${JSON.stringify(value)} becomes ${JSON.stringify(shape)} under every code and at every depth`, () => {
    deepEqual(redactedDetails('VALIDATION_ERROR', { errors: [{ value }] }), { errors: [{ value: shape }] });
    deepEqual(redactedDetails(UNKNOWN, { a: { errors: [{ value }] } }), { a: { errors: [{ value: shape }] } });
    deepEqual(redactedDetails('TRUNK_NOT_FOUND', { value }), { value: shape });
  });
}

test('a text that repeats what was typed does not give it away', () => {
  const error = {
    code: 'VALIDATION_ERROR',
    message: 'hunter2 was refused, hunter22 was not',
    details: { errors: [{ field: 'password', message: "'hunter2' is too short", code: 'MIN_LENGTH', value: 'hunter2' }] },
  };
  const { message, detailsJson } = redacted(envelopeText({ error }));
  equal(message, '[redacted] was refused, hunter22 was not');
  ok(!detailsJson.includes('hunter2'));
});

const secret = 'correct horse battery';
const leaf = { type: 'string', length: secret.length };
const anyErrors: readonly (readonly [JsonValue, JsonValue])[] = [
  [secret, leaf],
  [{ a: secret }, { a: leaf }],
  [
    [secret, 7, null],
    [leaf, 7, null],
  ],
  [[[secret]], [[leaf]]],
  [[{ other: secret }], [{ other: leaf }]],
  [[{ value: { deep: [secret] } }], [{ value: { type: 'object', length: 1 } }]],
  [[{ field: { deep: secret } }], [{ field: { deep: leaf } }]],
];
for (const [errors, stored] of anyErrors) {
  test(`row 62: of details.errors ${JSON.stringify(errors)} every leaf is redacted`, () => {
    deepEqual(redactedDetails('VALIDATION_ERROR', { errors }), { errors: stored });
    deepEqual(redactedDetails(UNKNOWN, { errors }), { errors: stored });
  });
}

test('a typed value of half a million items is a shape like any other', () => {
  deepEqual(redactedDetails('VALIDATION_ERROR', { errors: [{ value: Array(500_000).fill(7) }] }), {
    errors: [{ value: { type: 'array', length: 500_000 } }],
  });
});

test('keys that the catalogue lists for the code keep their scalars, others their shape', () => {
  deepEqual(redactedDetails('TRUNK_NOT_FOUND', { trunkId: 'TRK_1', other: 'text', count: 7, flag: true, none: null }), {
    count: 7,
    flag: true,
    none: null,
    other: { type: 'string', length: 4 },
    trunkId: 'TRK_1',
  });
  deepEqual(redactedDetails(UNKNOWN, { trunkId: 'TRK_1' }), { trunkId: { type: 'string', length: 5 } });
});

test('under a listed key a list keeps its scalars and an object only shapes', () => {
  deepEqual(redactedDetails('TRUNK_NOT_FOUND', { trunkId: ['TRK_1', { trunkId: 'x' }] }), {
    trunkId: ['TRK_1', { trunkId: { type: 'string', length: 1 } }],
  });
});

test('a key that says it is secret hides all that stands under it', () => {
  const details = {
    password: 'x',
    newPassword: { old: 'x' },
    'X-Auth-Token': ['x'],
    api_key: 'x',
    CARD_NUMBER: 4,
    pin: 1234,
    cookie: 'x',
    user: { passwd: 'x' },
    spinner: 3,
    discard: false,
    pinned: true,
  };
  deepEqual(redactedDetails(UNKNOWN, details), {
    CARD_NUMBER: { type: 'number', length: 1 },
    'X-Auth-Token': { type: 'array', length: 1 },
    api_key: { type: 'string', length: 1 },
    cookie: { type: 'string', length: 1 },
    discard: false,
    newPassword: { type: 'object', length: 1 },
    password: { type: 'string', length: 1 },
    pin: { type: 'number', length: 4 },
    pinned: true,
    spinner: 3,
    user: { passwd: { type: 'string', length: 1 } },
  });
});

test('a number that is a card number goes, a timestamp of as many digits stays', () => {
  deepEqual(redactedDetails(UNKNOWN, { a: 4_111_111_111_111_111, b: 1_760_265_000_008, c: 4_111_111_111_111_112 }), {
    a: { type: 'number', length: 16 },
    b: 1_760_265_000_008,
    c: 4_111_111_111_111_112,
  });
});

test('a secret used as a key is taken out of the key', () => {
  deepEqual(redactedDetails(UNKNOWN, { 'alice@example.com': 1 }), { '[e-mail]': 1 });
});

test('the status is the stated one, else that of the code, else unknown', () => {
  equal(redacted(envelopeText()).status, 404);
  equal(redacted(envelopeText({ top: { context: { httpStatus: 410 } } })).status, 410);
  equal(redacted(envelopeText({ error: { code: UNKNOWN } })).status, null);
});

test('a message that lost a secret says so', () => {
  const { message, sanitized } = redacted(envelopeText({ error: { message: 'no account for alice@example.com' } }));
  deepEqual({ message, sanitized }, { message: 'no account for [e-mail]', sanitized: ['redacted'] });
});

test('context is redacted like every other text', () => {
  const { client, service, sanitized } = redacted(
    envelopeText({ top: { context: { client: 'alice@example.com', service: 'billing' } } }),
  );
  deepEqual({ client, service, sanitized }, { client: '[e-mail]', service: 'billing', sanitized: ['redacted'] });
});

test('a code that holds a secret loses it and is no label', () => {
  const { code, isCodeValid, sanitized } = redacted(envelopeText({ error: { code: '4111111111111111' } }));
  deepEqual({ code, isCodeValid, sanitized }, { code: '[card]', isCodeValid: false, sanitized: ['code_invalid', 'redacted'] });
});

test('a clock too far ahead is passed on', () => {
  equal(redacted(envelopeText({ top: { timestamp: '2025-10-12T10:36:00Z' } })).isClockAhead, true);
  equal(redacted(envelopeText()).isClockAhead, false);
});

test('the same details in another order are the same bytes', () => {
  equal(
    redacted(withDetails('{"b":1,"a":{"d":1,"c":2}}')).detailsJson,
    redacted(withDetails('{"a":{"c":2,"d":1},"b":1}')).detailsJson,
  );
});

test('keys and texts with quotes, breaks and every script survive as JSON', () => {
  deepEqual(redactedDetails('TRUNK_NOT_FOUND', { trunkId: '"\\\n\u2028é😀', 'k"\\\n': 1 }), {
    trunkId: '"\\\n\u2028é😀',
    'k"\\\n': 1,
  });
});

test('row 59: details with the keys of every object keep them', () => {
  equal(
    redacted(withDetails('{"constructor":1,"toString":2,"hasOwnProperty":3}')).detailsJson,
    '{"constructor":1,"hasOwnProperty":3,"toString":2}',
  );
});
