/** What must hold for every input, tried on generated ones; a failing run prints its seed. */
import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createRedact } from '../../../src/envelope/redact.ts';
import type { ErrorEnvelope } from '../../../src/envelope/schema.ts';
import { redactText } from '../../../src/envelope/secrets/redact-text.ts';
import { splitJsonArray, splitLines } from '../../../src/envelope/split-batch.ts';
import { envelopes, json, mutants } from '../../fixtures/bad-inputs/mutants.ts';
import { HOSTILE_TEXTS, unmark } from '../../fixtures/redaction/hostile-texts.ts';
import { PLACES } from '../../fixtures/redaction/places.ts';
import { assertProperty } from '../../support/property.ts';
import { builtIn } from './redact-sample.ts';
import { decodeBytes, decodedEnvelope, decodeText, envelopeText, RECEIVED_AT_MS } from './sample.ts';

const redact = createRedact({ catalogue: builtIn });

const REQUEST_ID = 'req_7a8b9c0d1e23';
const codes = [...builtIn.codes.keys()];
const envelope = envelopes(codes, RECEIVED_AT_MS).map((make) => make(REQUEST_ID).toString());
const mutant = mutants(codes, RECEIVED_AT_MS).map((make) => make(REQUEST_ID));

/** The envelope as its producer would have had to send it for nothing to be changed. */
function encoded(decoded: ErrorEnvelope): string {
  const error = { code: decoded.code, message: decoded.message, details: decoded.details };
  const top = { timestamp: decoded.occurredAt, requestId: decoded.requestId, context: { ...decoded.context } };
  return envelopeText({ error, top });
}

test('decode and the splitters never throw, whatever the bytes', (context) => {
  assertProperty(
    context,
    3000,
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), mutant), (bytes) => {
      decodeBytes(bytes);
      for (const split of [splitJsonArray(bytes), splitLines(bytes)]) {
        if (split.kind === 'items') for (const item of split.items) decodeBytes(item);
      }
    }),
  );
});

test('an envelope that was decoded, written out and decoded again is the same', (context) => {
  assertProperty(
    context,
    2000,
    fc.property(envelope, (sent) => {
      const first = decodeText(sent);
      if (first.kind === 'rejected') return;
      const second = decodedEnvelope(encoded(first.envelope));
      const unchanged = { sanitized: [], hasDropped: false };
      deepEqual({ ...second, ...unchanged }, { ...first.envelope, ...unchanged });
    }),
  );
});

test('where a body is an array, its items are decoded as they would be alone', (context) => {
  assertProperty(
    context,
    500,
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
  );
});

test('what redact makes can be stored: JSON without NUL and lone surrogates, in every text', (context) => {
  assertProperty(
    context,
    2000,
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
  );
});

test('a secret under a key that says so, or typed by an end user, never comes through', (context) => {
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
  assertProperty(
    context,
    2000,
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
  );
});

/** A secret of a shape that a finder knows, and the text that carries it. */
const word = fc.stringMatching(/^[a-z]{3}[A-Z]{2}[0-9]{3}[a-z]{1,20}$/);
const disguised = fc.oneof(
  fc.tuple(
    word,
    fc.constantFrom('password=', 'pwd: ', 'api_key="', 'X-Auth-Token: ', 'password ', "PIN '", 'secret is ', 'token%3D'),
  ),
  fc.tuple(word, fc.constantFrom('postgres://u:', 'Cookie: a=', '{"password":"', '{\\"password\\":\\"', '<secret>', '"value":"')),
);
const prose = fc.constantFrom(
  '',
  'Rejected. ',
  'на линии: ',
  '余额不足 ',
  '{"a":1} ',
  'https://x.example/a ',
  '"quoted" ',
  '%41%20 ',
  '\\u0041 ',
);

test('no secret that a finder knows comes through, wherever it stands and whatever stands around it', (context) => {
  assertProperty(
    context,
    4000,
    fc.property(disguised, prose, prose, fc.constantFrom(...PLACES), ([secret, lead], before, after, place) => {
      const tail = lead.includes("'")
        ? `' ${after}`
        : lead.endsWith('"')
          ? `"${after}`
          : lead.includes('://')
            ? `@db/x ${after}`
            : ` ${after}`;
      const row = redact(decodedEnvelope(envelopeText(place.put(`${before}${lead}${secret}${tail}`))), RECEIVED_AT_MS);
      equal(JSON.stringify(row).includes(secret), false, JSON.stringify(row));
    }),
  );
});

test('a redacted text is redacted to itself, whatever it was made of', (context) => {
  const piece = fc.oneof(
    fc.constantFrom(...HOSTILE_TEXTS.map((marked) => unmark(marked).text)),
    fc.constantFrom(' ', '"', "'", '=', ':', '@', '://', '\\', '{', '}', '[', ']', 'password', '4111', '\n', '%3D', '\u200b'),
    fc.string({ unit: 'binary', maxLength: 12 }),
  );
  assertProperty(
    context,
    5000,
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const once = redactText(pieces.join(''));
      equal(redactText(once), once);
    }),
  );
});
