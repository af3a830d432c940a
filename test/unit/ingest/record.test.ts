import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRequestId } from '../../../src/envelope/request-id.ts';
import type { RequestId } from '../../../src/envelope/schema.ts';
import { createRecord } from '../../../src/ingest/record.ts';
import { createMetrics, createRegistry } from '../../../src/metrics.ts';

const ID = idOf('req_first');

function idOf(text: string): RequestId {
  const id = parseRequestId(text);
  assert.ok(id !== null);
  return id;
}

function createRecorder(hasExemplars = true) {
  const registry = createRegistry();
  const { recordIncrements } = createRecord({ metrics: createMetrics(registry), hasExemplars, now: () => 0 });
  const count = (requestId: RequestId | null) =>
    recordIncrements({ errors: [{ code: 'TOKEN_EXPIRED', status: '401', count: 1, requestId }], fields: [] });
  const line = async () => /^surgewatch_errors_total\{.*$/m.exec(await registry.metrics())?.[0] ?? '';
  return { count, line };
}

test('the exemplar is the last requestId that was at hand: a count without one leaves it', async () => {
  const { count, line } = createRecorder();
  count(ID);
  count(null);
  assert.match(await line(), /^surgewatch_errors_total\{code="TOKEN_EXPIRED",status="401"\} 2 # \{request_id="req_first"\} 1 /);
});

test('a requestId too long for an exemplar is counted like any other, and the exemplar before it stays', async () => {
  const { count, line } = createRecorder();
  count(idOf('x'.repeat(128)));
  assert.match(await line(), /\} 1$/);
  count(idOf('x'.repeat(64)));
  assert.match(await line(), /\} 2 # \{request_id="x{64}"\} 1 /);
  count(idOf('x'.repeat(65)));
  assert.match(await line(), /\} 3 # \{request_id="x{64}"\} 1 /);
});

test('without exemplars no requestId is in a scrape', async () => {
  const { count, line } = createRecorder(false);
  count(ID);
  assert.match(await line(), /\} 1$/);
});
