/** What was exported and is imported makes the same row, whatever the row went through. */
import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { exportLine } from '../../../src/envelope/export-line.ts';
import { createRedact } from '../../../src/envelope/redact.ts';
import type { RedactedEnvelope } from '../../../src/envelope/schema.ts';
import { redactText } from '../../../src/envelope/secrets/redact-text.ts';
import { builtIn } from './redact-sample.ts';
import { decodeText, envelopeText, OCCURRED_AT, RECEIVED_AT_MS, withDetails } from './sample.ts';

const LATER_MS = RECEIVED_AT_MS + 86_400_000;
const redact = createRedact({ catalogue: builtIn });

/** The row of a text that came first, and of its export that was imported a day later; null: it was rejected. */
function rowsOf(text: string): readonly [RedactedEnvelope, RedactedEnvelope] | null {
  const first = decodeText(text);
  if (first.kind === 'rejected') return null;
  const row = redact(first.envelope, RECEIVED_AT_MS);
  const detailsJson = JSON.stringify(JSON.parse(row.detailsJson)); // As jsonb keeps it: each key once.
  const line = exportLine({ ...row, detailsJson, receivedAtMs: RECEIVED_AT_MS, source: 'kafka' });
  const again = decodeText(line, { receivedAtMs: LATER_MS, isRecordBelieved: true });
  if (again.kind === 'rejected') throw new Error(`the export was rejected as ${again.reason}`);
  deepEqual([again.recorded?.receivedAtMs, again.recorded?.source], [RECEIVED_AT_MS, 'kafka']);
  return [row, redact(again.envelope, again.recorded?.receivedAtMs ?? 0)];
}

/** With its details as a value: in which order their keys stand says nothing. */
/** What a producer stated beside is in no row, so an export cannot state it again. */
const compared = ({ detailsJson, hasDropped, ...row }: RedactedEnvelope) => ({ ...row, details: JSON.parse(detailsJson) });

function assertSame(text: string): RedactedEnvelope {
  const rows = rowsOf(text);
  if (rows === null) throw new Error('it was rejected');
  deepEqual(compared(rows[1]), compared(rows[0]));
  return rows[0];
}

const cases: readonly (readonly [string, string])[] = [
  ['clean', envelopeText()],
  [
    'stated context',
    envelopeText({ top: { context: { httpStatus: 418, service: 's', route: '/r', method: 'GET', client: 'c', release: '1' } } }),
  ],
  [
    'typed values and a message that repeats them',
    envelopeText({
      error: {
        code: 'VALIDATION_ERROR',
        message: 'string hunter2',
        details: {
          errors: [{ field: 'items[3].sku', code: 'REQUIRED', message: 'string', value: 'hunter2' }, { value: 7 }, 'text'],
        },
      },
    }),
  ],
  [
    'values that no catalogue lists',
    envelopeText({
      error: {
        code: 'OTHER',
        details: { a: 'text', b: ['x', { c: 'd' }], password: 'p', e: null, f: true, value: { g: 'h' }, 'a@b.co': 'k' },
      },
    }),
  ],
  ['wrapped details', envelopeText({ error: { details: 'text' } })],
  ['a clipped code, which looks whole', envelopeText({ error: { code: 'A'.repeat(129) } })],
  ['a code that is none', envelopeText({ error: { code: 'no label ever' } })],
  ['a secret in a code', envelopeText({ error: { code: 'WRONG a@b.co' } })],
  ['a clock ahead', envelopeText({ top: { timestamp: '2025-10-12T11:30:00.123456789Z' } })],
  ['a clock years ahead', envelopeText({ top: { timestamp: '+275760-09-12T23:00:00Z' } })],
  ['a leap second', envelopeText({ top: { timestamp: '2025-10-11T23:59:60Z' } })],
  ['late', envelopeText({ top: { timestamp: '2025-10-01T00:00:00Z' } })],
  ['numbers that no double holds', withDetails('{"trunkId":9007199254740993,"a":1e400,"b":-0,"c":1e21,"d":5e-324}')],
  ['a message that its marks make longer', envelopeText({ error: { message: 'a@b.co '.repeat(1300) } })],
  [
    'a client that its marks make longer',
    envelopeText({ top: { context: { client: 'a@b.co '.repeat(18), service: '12345678' } } }),
  ],
  ['lone surrogates and NULs', envelopeText({ error: { message: '\ud800\0', details: { '\0': '\udc00' } } })],
];
for (const [what, text] of cases) test(`exported and imported, the row is the same: ${what}`, () => void assertSame(text));

test('what was changed in a row is kept, and what an import finds is added in the same order', () => {
  const { sanitized } = assertSame(envelopeText({ error: { message: '\0 a@b.co' }, top: { timestamp: '2025-10-12T11:30:00Z' } }));
  deepEqual(sanitized, ['nul', 'redacted', 'clock_ahead']);
});

test('what an export recorded is believed only where decode is told so, and never ahead of our clock', () => {
  const recorded = { receivedAt: '2030-01-01T00:00:00Z', source: 'kafka', sanitized: ['nul', 'made up', 7] };
  const text = envelopeText({ top: { recorded } });
  equal(decodeText(text).kind === 'envelope' && 'recorded' in decodeText(text), false);
  const believed = decodeText(text, { isRecordBelieved: true });
  if (believed.kind === 'rejected') throw new Error(believed.reason);
  deepEqual(believed.recorded, { receivedAtMs: RECEIVED_AT_MS, source: 'kafka', sanitized: ['nul'] });
  for (const broken of [null, 1, 'x', [], {}, { receivedAt: 'soon', source: 'kafka' }, { receivedAt: OCCURRED_AT }]) {
    const decoded = decodeText(envelopeText({ top: { recorded: broken } }), { isRecordBelieved: true });
    equal(decoded.kind === 'envelope' && decoded.recorded === undefined, true, JSON.stringify(broken));
  }
});

const pieces = fc.constantFrom(
  ...['a@b.co', 'password=', 'token: ', '"pin":"', 'hunter2', '"', '\\"', 'https://', 'u:p@', 'h.co', '/p', '?', '#', 'q=1', ' '],
  ...['Bearer ', 'Authorization: ', 'dGVzdDp0ZXN0c2VjcmV0', '4111 1111 1111 1111', '4111111111111111', 'DE89370400440532013000'],
  ...[
    '[',
    ']',
    '{',
    '}',
    'ghp_0123456789abcdefghijABCDEFGHIJ012345',
    '[redacted]',
    '[query]',
    '[card]',
    '\n',
    '.',
    ':',
    'x',
    'é',
  ],
);
const secretive = fc.array(pieces, { maxLength: 8 }).map((all) => all.join(''));

test('a text that was redacted is left alone when it is redacted again', () => {
  fc.assert(
    fc.property(secretive, (text) => {
      const once = redactText(text);
      equal(redactText(once), once);
    }),
    { numRuns: 20_000 },
  );
});

test('exported and imported, any row is the same', () => {
  const text = fc.oneof(secretive, fc.string({ unit: 'binary' }));
  const known = fc.constantFrom('value', 'errors', 'field', 'code', 'message', 'password', 'trunkId', 'type', 'length', 'class');
  const { details } = fc.letrec((tie) => ({
    leaf: fc.oneof(
      text,
      fc.constantFrom('string', 'number', 'digits', 'null'),
      fc.double({ noNaN: true }),
      fc.nat(),
      fc.constantFrom(null, true),
    ),
    details: fc.oneof(
      { depthSize: 'small' },
      tie('leaf'),
      fc.array(tie('details'), { maxLength: 3 }),
      fc.dictionary(fc.oneof(known, secretive), tie('details'), { maxKeys: 4 }),
    ),
  }));
  const envelope = fc
    .record({
      code: fc.oneof(fc.constantFrom(...builtIn.codes.keys()), text),
      message: fc.option(text),
      details,
      context: fc.option(
        fc.record({ client: text, route: text, service: text, release: text, httpStatus: fc.integer({ min: 90, max: 610 }) }),
      ),
    })
    .map(({ context, ...error }) => JSON.stringify({ ...JSON.parse(envelopeText()), error, ...(context && { context }) }));
  fc.assert(
    fc.property(envelope, (sent) => {
      const rows = rowsOf(sent);
      if (rows !== null) deepEqual(compared(rows[1]), compared(rows[0]));
    }),
    { numRuns: 5_000 },
  );
});
