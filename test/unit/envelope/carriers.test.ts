/**
 * What becomes of a secret where a name or an id is expected. Nothing tells a bare password from a name, so it is kept as
 * one; whatever a detector knows goes, and so does what an end user typed beside it.
 */
import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import { createRedact } from '../../../src/envelope/redact.ts';
import type { RedactedEnvelope } from '../../../src/envelope/schema.ts';
import { builtIn, redacted } from './redact-sample.ts';
import { decodedEnvelope, decodeText, envelopeText, RECEIVED_AT_MS } from './sample.ts';

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const KEY = 'sk_live_4eC39HqLyjWDarjtT1zdp7dc';

const inContext = (field: string) => (text: string) => redacted(envelopeText({ top: { context: { [field]: text } } }));
const inField = (field: string) => redacted(itemOf({ field, code: 'X', message: 'x' }));
const itemOf = (item: Readonly<Record<string, string>>) =>
  envelopeText({ error: { code: 'VALIDATION_ERROR', details: { errors: [item] } } });
const fieldOf = ({ validationFields }: RedactedEnvelope) => validationFields[0]?.field;

/** carrier, what was sent, what is kept */
const cases: readonly (readonly [string, string, (text: string) => unknown, unknown])[] = [
  ['service', 'hunter2', (text) => inContext('service')(text).service, 'hunter2'],
  ['service', 'password=hunter2', (text) => inContext('service')(text).service, 'password=[redacted]'],
  ['route', '/reset/hunter2', (text) => inContext('route')(text).route, '/reset/hunter2'],
  ['route', '/reset?code=hunter2', (text) => inContext('route')(text).route, '/reset?[query]'],
  ['route', '/v1/trunks/{id}', (text) => inContext('route')(text).route, '/v1/trunks/{id}'],
  ['client', 'acct_7', (text) => inContext('client')(text).client, 'acct_7'],
  ['client', 'alice@example.com', (text) => inContext('client')(text).client, '[e-mail]'],
  ['release', KEY, (text) => inContext('release')(text).release, '[credential]'],
  ['method', 'hunter2', (text) => inContext('method')(text).method, null],
  ['traceparent', 'hunter2', (text) => inContext('traceparent')(text).traceparent, null],
  ['traceparent', TRACEPARENT, (text) => inContext('traceparent')(text).traceparent, TRACEPARENT],
  ['httpStatus', 'hunter2', (text) => inContext('httpStatus')(text).status, 404],
  ['requestId', 'hunter2', (text) => redacted(envelopeText({ top: { requestId: text } })).requestId, 'hunter2'],
  ['requestId', KEY, (text) => redacted(envelopeText({ top: { requestId: text } })).requestId, KEY],
  ['requestId', 'password=hunter2', (text) => decodeText(envelopeText({ top: { requestId: text } })).kind, 'rejected'],
  ['code', 'HUNTER2', (text) => redacted(envelopeText({ error: { code: text } })).code, 'HUNTER2'],
  ['code', 'password=hunter2', (text) => redacted(envelopeText({ error: { code: text } })).code, 'password=[redacted]'],
  ['field of a validation error', 'hunter2', (text) => fieldOf(inField(text)), 'hunter2'],
  ['field of a validation error', 'password=hunter2', (text) => fieldOf(inField(text)), '_other'],
  ['field of a validation error', KEY, (text) => fieldOf(inField(text)), '_other'],
];
for (const [carrier, sent, keep, kept] of cases) {
  test(`of ${carrier} ${JSON.stringify(sent)} this is kept: ${JSON.stringify(kept)}`, () => equal(keep(sent), kept));
}

test('a key that nobody lists keeps its name and not its text, unless a detector knows the name', () => {
  const details = { hunter2: 'hunter3', 'password=hunter4': 'x', [KEY]: 1 };
  deepEqual(JSON.parse(redacted(envelopeText({ error: { details } })).detailsJson), {
    hunter2: { type: 'string', length: 7 },
    'password=[redacted]': { type: 'string', length: 1 },
    '[credential]': { type: 'number', length: 1 },
  });
});

test('a listed key keeps its text, except what a detector knows and what an end user typed elsewhere', () => {
  const details = { trunkId: 'TRK_1 hunter2 sip', hint: { value: 'hunter2' } };
  deepEqual(JSON.parse(redacted(envelopeText({ error: { details } })).detailsJson).trunkId, 'TRK_1 [redacted] sip');
});

test('a catalogue that lists the name of a secret does not make it kept', () => {
  const entry = builtIn.codes.get('TRUNK_NOT_FOUND');
  if (entry === undefined) throw new Error('the built-in catalogue lost a code');
  const codes = new Map([['TRUNK_NOT_FOUND', { ...entry, detailKeys: ['trunkId', 'password', 'value'] }]]);
  const redact = createRedact({ catalogue: { ...builtIn, codes } });
  const details = { trunkId: 'TRK_1', password: 'hunter2', value: 'hunter3' };
  const row = redact(decodedEnvelope(envelopeText({ error: { details } })), RECEIVED_AT_MS);
  deepEqual(JSON.parse(row.detailsJson), {
    password: { type: 'string', length: 7 },
    trunkId: 'TRK_1',
    value: { type: 'string', length: 7, class: 'letters_digits' },
  });
});

test('what was typed is in no other text of the envelope, in whatever case or spelling', () => {
  const value = 'Hunter 2"x';
  const error = {
    code: 'VALIDATION_ERROR',
    message: `HUNTER 2"X was refused, ${JSON.stringify(value)} too, and ${encodeURIComponent(value)}`,
    details: { errors: [{ field: 'a', code: 'X', message: value, value }] },
  };
  const context = { service: value, route: `/${encodeURIComponent(value)}`, client: `-${value}-`, release: 'hunter 2"x' };
  const row = redacted(envelopeText({ error, top: { context } }));
  equal(/hunter/i.test(JSON.stringify(row)), false, JSON.stringify(row));
});

for (const [what, count, typedOf] of [
  ['too much', 600, (n: number) => `${n.toString(36).padStart(3, '0')} typed`],
  ['too much that begins alike', 400, (n: number) => `typed ${n % 300}`],
] as const) {
  test(`where ${what} was typed to be looked for, no text is kept`, () => {
    const errors = [0, count].map((from) => ({
      field: 'f',
      code: 'X',
      message: 'a text',
      value: Array.from({ length: count }, (_, n) => typedOf(from + n)),
    }));
    const error = { code: 'VALIDATION_ERROR', message: 'a text', details: { errors } };
    equal(redacted(envelopeText({ error })).message, '[redacted]');
  });
}

test('of the headers beside a delivery only those with the names of context fields are read', () => {
  const headers = { 'x-request-id': 'hunter2', authorization: 'hunter2', cookie: 'hunter2', service: 'billing' };
  deepEqual(decodedEnvelope(envelopeText(), { headers }).context, { service: 'billing' });
});
