/** The rows of the table of bad inputs that are about what came before: repeats, siblings, and another body under one identity. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { envelope, ndjson, randomRequestId, type WireEnvelope } from '../support/envelopes.ts';
import { type IngestScene, startIngestScene } from '../support/ingest-scene.ts';
import { readMetric } from '../support/metrics-text.ts';
import { kafkaMissing, skipReason } from '../support/requirements.ts';
import { waitFor } from '../support/wait-for.ts';

const TOPIC = 'repeats';
const DEADLINE_MS = 30_000;
const DAY_MS = 86_400_000;
const COUNTERS = [
  'errors',
  'envelopes_received',
  'envelopes_stored',
  'envelopes_duplicate',
  'envelopes_rejected',
  'dead_letters',
];

describe('what came before', { skip: skipReason(kafkaMissing) }, () => {
  let scene: IngestScene;
  let broker: IngestScene['broker'];
  let database: IngestScene['database'];
  let service: IngestScene['service'];
  let producedCount = 0;

  before(async () => {
    scene = await startIngestScene({ topic: TOPIC });
    ({ broker, database, service } = scene);
  });
  after(() => scene.stop());

  const post = (bodies: readonly WireEnvelope[]) => scene.postLines(ndjson(bodies));

  /** Resolves when all of it has its outcome. */
  async function produce(bodies: readonly WireEnvelope[]): Promise<void> {
    await broker.produce(
      TOPIC,
      bodies.map((each) => ({ value: JSON.stringify(each) })),
    );
    producedCount += bodies.length;
    const isTaken = async () =>
      (await readMetric(service.url, 'surgewatch_envelopes_received_total', { source: 'kafka' })) === producedCount;
    await waitFor(isTaken, { deadlineMs: DEADLINE_MS, what: 'the records to be taken in' });
  }

  /** Sums of the counters. */
  async function counters(): Promise<Readonly<Record<string, number>>> {
    const values = await Promise.all(COUNTERS.map((name) => readMetric(service.url, `surgewatch_${name}_total`)));
    return Object.fromEntries(COUNTERS.map((name, index) => [name, values[index] ?? 0]));
  }

  async function movedBy(work: () => Promise<unknown>): Promise<Readonly<Record<string, number>>> {
    const first = await counters();
    await work();
    const second = Object.entries(await counters()).map(([name, value]) => [name, value - (first[name] ?? 0)] as const);
    return Object.fromEntries(second.filter(([, value]) => value !== 0));
  }

  const rowsOf = (requestId: string) =>
    database.query('select code, message, occurred_at from envelope where request_id = $1', [requestId]);

  test('case 73: an exact repeat, by either path, moves only what counts repeats', async () => {
    const one = envelope();
    assert.deepEqual(await post([one]), ['stored']);
    const moved = await movedBy(async () => {
      assert.deepEqual(await post([one, one]), ['duplicate', 'duplicate']);
      await produce([one, one]);
    });
    assert.deepEqual(moved, { envelopes_received: 4, envelopes_duplicate: 4 });
    assert.equal((await rowsOf(one.requestId)).length, 1);
  });

  test('case 74: another code or another day under one requestId is kept; the 101st code of a day is not', async () => {
    const requestId = randomRequestId();
    const siblings = Array.from({ length: 101 }, (_, index) => envelope({ requestId, code: `SIBLING_${index}` }));
    assert.deepEqual(await post([...siblings, envelope({ requestId, timestamp: new Date(Date.now() - DAY_MS) })]), [
      ...Array(100).fill('stored'),
      'sibling_cap',
      'stored',
    ]);
    const moved = await movedBy(() => produce([envelope({ requestId, code: 'SIBLING_ONE_MORE' }), ...siblings.slice(0, 1)]));
    assert.deepEqual(moved, { envelopes_received: 2, envelopes_duplicate: 1, envelopes_rejected: 1, dead_letters: 1 });
    assert.equal((await rowsOf(requestId)).length, 101);
  });

  test('case 75: another body under one identity is a duplicate; the first is kept, the others are counted and shown', async () => {
    const first = envelope({ message: 'the first', timestamp: new Date(Date.now() - 1000) });
    const { requestId } = first;
    const [second, third] = [envelope({ requestId, message: 'another' }), envelope({ requestId, message: 'a third' })];
    const flagged = (source: string) => readMetric(service.url, 'surgewatch_envelope_conflicts_total', { source });
    assert.deepEqual(await post([first, second, { ...first, timestamp: second.timestamp }]), [
      'stored',
      'duplicate',
      'duplicate',
    ]);
    await produce([third, third, first]);
    assert.deepEqual([await flagged('webhook'), await flagged('kafka')], [1, 1]);
    assert.deepEqual(await post([third]), ['duplicate']);
    assert.deepEqual([await flagged('webhook'), await flagged('kafka')], [1, 1]);
    assert.deepEqual(
      (await rowsOf(requestId)).map(({ message, occurred_at }) => [message, Object(occurred_at).toISOString()]),
      [['the first', first.timestamp]],
    );
    const { conflicts } = Object(await (await fetch(`${service.url}/v1/requests/${requestId}`)).json());
    assert.deepEqual(
      conflicts.map(({ source }: { source: string }) => source),
      ['webhook', 'kafka'],
    );
    const page = await (await fetch(`${service.url}/requests/${requestId}`, { headers: { accept: 'text/html' } })).text();
    assert.match(page, /2 other deliveries under this requestId and code said something else/);
    assert.doesNotMatch(page, /a third/);
  });
});
