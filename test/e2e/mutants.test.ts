/**
 * Ten thousand mutants, each beside a good envelope in one batch, over HTTP and then the same bytes through Kafka: every
 * outcome is the one that decode gives, on both paths, every row is the canonical one, and no good neighbour is lost.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { mutants } from '../fixtures/bad-inputs/mutants.ts';
import { documentedEnvelopes, envelope } from '../support/envelopes.ts';
import { type IngestScene, startIngestScene } from '../support/ingest-scene.ts';
import { type Judgement, judge } from '../support/judge.ts';
import { readMetric } from '../support/metrics-text.ts';
import { chooseSeed } from '../support/property.ts';
import { kafkaMissing, skipReason } from '../support/requirements.ts';
import { comparable, keyOf, readRows } from '../support/stored-rows.ts';
import { waitFor } from '../support/wait-for.ts';

const MUTANT_COUNT = 10_000;
/** A mutant and its neighbour each. */
const PAIRS_IN_A_BATCH = 500;
const TOPIC = 'mutants';
const DEADLINE_MS = 180_000;
const LINE_FEED = 0x0a;

interface Mutant {
  readonly bytes: Buffer;
  readonly judged: Judgement;
}

describe('ten thousand mutants', { skip: skipReason(kafkaMissing) }, () => {
  let scene: IngestScene;
  let broker: IngestScene['broker'];
  let database: IngestScene['database'];
  let service: IngestScene['service'];
  const nowMs = Date.now();
  const seed = chooseSeed();
  const codes = documentedEnvelopes().map(({ error }) => error.code);
  const all: readonly Mutant[] = fc.sample(mutants(codes, nowMs), { numRuns: MUTANT_COUNT, seed }).map((make, index) => {
    // A digest: no edit turns the id of one into that of another.
    const bytes = make(`req_${createHash('sha1').update(`${seed} ${index}`).digest('hex')}`);
    return { bytes, judged: judge(bytes, nowMs) };
  });
  const storable = all.filter(({ judged }) => judged.kind === 'row').length;

  // A line feed makes two lines of one mutant, and white space alone makes none.
  const lines = all.filter(({ bytes }) => !bytes.includes(LINE_FEED) && bytes.toString('latin1').trim() !== '');

  before(async () => {
    scene = await startIngestScene({ topic: TOPIC });
    ({ broker, database, service } = scene);
  });
  after(() => scene.stop());

  const countOf = async (text: string) => Number(Object.values((await database.query(text))[0] ?? {})[0]);
  const expectedOf = ({ judged }: Mutant) => (judged.kind === 'rejected' ? judged.reason : 'stored');

  const post = (lines: readonly (Buffer | string)[]) =>
    scene.postLines(Buffer.concat(lines.flatMap((line) => [Buffer.from(line), Buffer.of(LINE_FEED)])));

  test('over HTTP each has its outcome, each row is canonical, each neighbour is stored', async (context) => {
    context.diagnostic(`${MUTANT_COUNT} mutants, seed ${seed}: ${storable} can be stored, ${MUTANT_COUNT - storable} cannot`);
    assert.ok(lines.length > 0.9 * MUTANT_COUNT);
    for (let at = 0; at < lines.length; at += PAIRS_IN_A_BATCH) {
      const batch = lines.slice(at, at + PAIRS_IN_A_BATCH);
      assert.deepEqual(
        await post(batch.flatMap(({ bytes }) => [bytes, JSON.stringify(envelope())])),
        batch.flatMap((mutant) => [expectedOf(mutant), 'stored']),
      );
    }
    const rows = await readRows(database);
    for (const { judged } of lines)
      if (judged.kind === 'row') assert.deepEqual(rows.get(keyOf(judged.row)), comparable(judged.row));
  });

  test('through Kafka the same bytes have the same outcomes: repeats without a conflict, or dead letters with the same reason', async () => {
    const producer = broker.kafka.producer({ allowAutoTopicCreation: false });
    await producer.connect();
    for (let at = 0; at < all.length; at += PAIRS_IN_A_BATCH) {
      const batch = all.slice(at, at + PAIRS_IN_A_BATCH);
      const messages = batch.flatMap(({ bytes }) => [{ value: bytes }, { value: JSON.stringify(envelope()) }]);
      await producer.send({ topic: TOPIC, messages });
    }
    await producer.disconnect();
    const taken = () => readMetric(service.url, 'surgewatch_envelopes_received_total', { source: 'kafka' });
    await waitFor(async () => (await taken()) === 2 * MUTANT_COUNT, { deadlineMs: DEADLINE_MS, what: 'all to be taken in' });

    const dead = await database.query(
      "select kafka_offset::int as at, reason from dead_letter where source = 'kafka' order by 1",
    );
    assert.deepEqual(
      dead,
      all.flatMap(({ judged }, index) => (judged.kind === 'rejected' ? [{ at: 2 * index, reason: judged.reason }] : [])),
    );
    const neighbours = lines.length + MUTANT_COUNT;
    assert.equal(await countOf('select count(*) from envelope'), neighbours + storable);
    assert.equal(await countOf('select sum(error_count) from bucket_count'), neighbours + storable);
    assert.equal(await readMetric(service.url, 'surgewatch_envelope_conflicts_total'), 0);
    assert.equal(await readMetric(service.url, 'surgewatch_envelopes_rejected_total', { reason: 'store_refused' }), 0);
  });
});
