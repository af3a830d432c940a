/** What people paste, and the ids that are found in it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { findRequestIds } from '../../../src/web/find-request-id.ts';

const UUID = '0f8fad5b-d9cb-469f-a165-70867728950e';
const TABLE: readonly (readonly [string, string, readonly string[]])[] = [
  ['an id alone', 'req_7a8b9c0d1e2f', ['req_7a8b9c0d1e2f']],
  ['an id with space around it', '  req_7a8b9c0d1e2f\n', ['req_7a8b9c0d1e2f']],
  ['any single lawful token', 'a', ['a']],
  ['a UUID alone', UUID, [UUID]],
  ['an upper-case UUID in a sentence', `it was ${UUID.toUpperCase()}, I think`, [UUID.toUpperCase()]],
  ['nothing', '   ', []],
  ['words only', 'it does not work, please help', []],
  [
    'the whole envelope',
    '{"status":"error","error":{"code":"TRUNK_NOT_FOUND"},"timestamp":"2025-10-12T10:30:00.000Z","requestId":"req_7a8b9c0d1e23"}',
    ['req_7a8b9c0d1e23'],
  ],
  ['an envelope inside a JSON string', '"body":"{\\"requestId\\":\\"req_7a8b9c0d1e23\\"}"', ['req_7a8b9c0d1e23']],
  ['an id of another shape that is named', '{"requestId": "b7Kx-2291:01"}', ['b7Kx-2291:01']],
  ['a header', 'X-Request-Id: 4f9c2b77a1', ['4f9c2b77a1']],
  ['a log line', '2025-10-12T10:30:00Z ERROR api-3 request_id=abc123def456 status=422 took 12ms', ['abc123def456']],
  ['prose', 'The request ID is abc-123-def. Thanks', ['abc-123-def']],
  ['a sentence that ends behind it', 'I got req_7a8b9c0d1e2f.', ['req_7a8b9c0d1e2f']],
  ['in brackets', 'error (req_7a8b9c0d1e2f) again', ['req_7a8b9c0d1e2f']],
  ['a link to our own page', 'see https://watch.example/requests/req_7a8b9c0d1e2f?x=1', ['req_7a8b9c0d1e2f']],
  ['two ids', 'req_7a8b9c0d1e26 or req_7a8b9c0d1e28', ['req_7a8b9c0d1e26', 'req_7a8b9c0d1e28']],
  ['the same id twice', 'req_7a8b9c0d1e26, again req_7a8b9c0d1e26', ['req_7a8b9c0d1e26']],
  ['a token that only looks like one', 'reference 9xk2m4qp7 please', ['9xk2m4qp7']],
  [
    'times, numbers, codes and addresses are none',
    '2025-10-12 10:30:00 from 10.0.0.1 VALIDATION_ERROR 422 anna@example4.org',
    [],
  ],
];

for (const [name, pasted, expected] of TABLE) {
  test(`finds in ${name}: ${expected.length === 0 ? 'nothing' : expected.join(', ')}`, () => {
    assert.deepEqual(findRequestIds(pasted), expected);
  });
}

test('whatever is found is a lawful id, and there are never more than twenty', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const found = findRequestIds(`requestId ${text} req_${text}`);
      assert.ok(found.length <= 20);
      for (const id of found) assert.match(id, /^[A-Za-z0-9._:-]{1,128}$/);
    }),
  );
});

test('an id of any lawful shape is found in its envelope', () => {
  const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{4,126}[A-Za-z0-9]$/);
  fc.assert(
    fc.property(id, (requestId) => assert.deepEqual(findRequestIds(JSON.stringify({ status: 'error', requestId })), [requestId])),
  );
});

test('100 KB of the worst text take no time', () => {
  const startedMs = performance.now();
  for (const text of [
    'request id '.repeat(10_000),
    'requestid:'.repeat(10_000),
    'a'.repeat(100_000),
    `${'a'.repeat(128)} `.repeat(800),
  ])
    findRequestIds(text);
  assert.ok(performance.now() - startedMs < 500);
});
