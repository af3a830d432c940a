/** What must hold for every input, tried on generated ones; a failing run prints its seed. */
import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createRedact } from '../../../src/envelope/redact.ts';
import type { ErrorEnvelope, JsonValue } from '../../../src/envelope/schema.ts';
import { splitJsonArray, splitLines } from '../../../src/envelope/split-batch.ts';
import { builtIn } from './redact-sample.ts';
import { decodeBytes, decodedEnvelope, decodeText, envelopeText, OCCURRED_AT, RECEIVED_AT_MS } from './sample.ts';

const redact = createRedact({ catalogue: builtIn });

/** Any text, with NULs and lone surrogates more often than chance has them. */
const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\0', '\ud800', 'a\udc00', '😀', '"\\', '\u2028'));
/** JSON values; keys that are refused on sight are left to tests of their own. */
const json = fc.json({ maxDepth: 4, stringUnit: 'binary' }).map((written): JsonValue => JSON.parse(written));
const code = fc.oneof(fc.constantFrom(...builtIn.codes.keys(), '__proto__', 'constructor'), fc.string({ minLength: 1 }), text);
const timestamp = fc.oneof(
  fc.constant(OCCURRED_AT),
  fc.constantFrom(
    '2025-10-12T10:30:00.123456789+05:30',
    '+275760-09-13T00:00:00.000Z',
    '2025-10-11T23:59:60Z',
    '9999-12-31t23:59:59z',
  ),
  fc.date({ min: new Date(RECEIVED_AT_MS - 1e9), noInvalidDate: true }).map((date) => date.toISOString()),
);
const envelope = fc
  .record({ code, message: fc.option(text), details: fc.option(json), timestamp, context: fc.option(json) })
  .map(({ timestamp: occurred, context, ...error }) => envelopeText({ error, top: { timestamp: occurred, context } }));
/** A few bytes of a valid envelope overwritten, cut out or put in. */
const mutant = fc
  .tuple(envelope, fc.array(fc.tuple(fc.nat(), fc.nat(2), fc.uint8Array({ maxLength: 3 })), { minLength: 1, maxLength: 4 }))
  .map(([base, edits]) =>
    edits.reduce<Buffer>((bytes, [where, cut, put]) => {
      const at = where % (bytes.length + 1);
      return Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + cut)]);
    }, Buffer.from(base)),
  );

/** The envelope as its producer would have had to send it for nothing to be changed. */
function encoded(decoded: ErrorEnvelope): string {
  const error = { code: decoded.code, message: decoded.message, details: decoded.details };
  const top = { timestamp: decoded.occurredAt, requestId: decoded.requestId, context: { ...decoded.context } };
  return envelopeText({ error, top });
}

test('decode and the splitters never throw, whatever the bytes', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), mutant), (bytes) => {
      decodeBytes(bytes);
      for (const split of [splitJsonArray(bytes), splitLines(bytes)]) {
        if (split.kind === 'items') for (const item of split.items) decodeBytes(item);
      }
    }),
    { numRuns: 3000 },
  );
});

test('an envelope that was decoded, written out and decoded again is the same', () => {
  fc.assert(
    fc.property(envelope, (sent) => {
      const first = decodeText(sent);
      if (first.kind === 'rejected') return;
      const second = decodedEnvelope(encoded(first.envelope));
      deepEqual({ ...second, sanitized: [] }, { ...first.envelope, sanitized: [] });
    }),
    { numRuns: 2000 },
  );
});

test('where a body is an array, its items are decoded as they would be alone', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          envelope,
          json.map((value) => JSON.stringify(value)),
        ),
        { minLength: 1, maxLength: 5 },
      ),
      (items) => {
        const split = splitJsonArray(Buffer.from(`[${items.join(' ,\n')}]`));
        if (split.kind !== 'items') throw new Error(split.kind);
        deepEqual(
          split.items.map((item) => decodeBytes(item)),
          items.map((item) => decodeText(item)),
        );
      },
    ),
    { numRuns: 500 },
  );
});

test('what redact makes can be stored: JSON without NUL and lone surrogates, in every text', () => {
  fc.assert(
    fc.property(fc.oneof(envelope, mutant), (sent) => {
      const decoded = typeof sent === 'string' ? decodeText(sent) : decodeBytes(sent);
      if (decoded.kind === 'rejected') return;
      const { detailsJson, ...row } = redact(decoded.envelope, RECEIVED_AT_MS);
      const details: unknown = JSON.parse(detailsJson);
      ok(typeof details === 'object' && details !== null && !Array.isArray(details));
      ok(!detailsJson.includes('\\u0000') && !/\\u[dD][89a-fA-F]/.test(detailsJson), detailsJson);
      for (const value of [detailsJson, ...Object.values(row)]) {
        if (typeof value === 'string') ok(value.isWellFormed() && !value.includes('\0'), value);
      }
    }),
    { numRuns: 2000 },
  );
});

test('a secret under a key that says so, or typed by an end user, never comes through', () => {
  const secretKey = fc.constantFrom(
    'value',
    'password',
    'newPassword',
    'api_key',
    'X-Auth-Token',
    'cvv',
    'PIN',
    'cookie',
    'iban',
  );
  const canary = fc.stringMatching(/^[a-z]{4}CANARY[0-9]{4}$/);
  // `hidden` keeps the way down open: its own name says nothing.
  const nest = fc.constantFrom<(inner: object) => object>(
    (inner) => inner,
    (inner) => ({ hidden: inner }),
    (inner) => ({ errors: [inner] }),
    (inner) => ({ errors: { hidden: [inner] } }),
    (inner) => ({ trunkId: inner }),
  );
  const wrap = fc.constantFrom<(secret: string) => string | string[] | { text: string }>(
    (secret) => secret,
    (secret) => [secret],
    (secret) => ({ text: secret }),
  );
  fc.assert(
    fc.property(
      canary,
      secretKey,
      nest,
      wrap,
      fc.constantFrom(...builtIn.codes.keys(), 'OTHER'),
      (secret, key, outer, inner, known) => {
        const details = JSON.stringify(outer({ [key]: inner(secret) }));
        const message = `rejected {"${key}":"${secret}"}`;
        const sent = envelopeText({ error: { code: known, message, details: null } }).replace(
          '"details":null',
          () => `"details":${details}`,
        );
        const row = redact(decodedEnvelope(sent), RECEIVED_AT_MS);
        equal(row.detailsJson.includes(secret), false, row.detailsJson);
        equal(row.message.includes(secret), false, row.message);
        ok(row.sanitized.includes('redacted'));
      },
    ),
    { numRuns: 2000 },
  );
});
