/** Evidence is gathered from readers that may be slow: an opening waits for none of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEvidence, type Outlook } from '../../../src/alert/evidence.ts';
import type { ErrorSample, EvidenceReader, SampledError } from '../../../src/alert/ports.ts';
import type { Transition } from '../../../src/detect/detector.ts';

const MINUTE = 60;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const ONSET = 1_790_000_000;
const opening: Transition = {
  event: 'open',
  bucketStartSeconds: ONSET + 50,
  startsAtSeconds: ONSET,
  observed: 60,
  expected: 6,
  ratio: 10,
  windowSeconds: MINUTE,
  score: 5,
  winner: { windowSeconds: 5 * MINUTE, observed: 84, expected: 30 },
};
const traffic = { readTraffic: async () => [{ atSeconds: ONSET, requestsPerSecond: 50, usualPerSecond: 40, factor: 1.25 }] };
const outlook: Outlook = { activeCodeCount: () => 10, sumOthers: () => ({ observed: 40, expected: 41 }) };
const errors = (count: number, release: string, status = 401): readonly SampledError[] =>
  Array.from({ length: count }, (_, index) => ({ requestId: `${release}-${index}`, status, values: [['release', release]] }));

/** Answers at once, and remembers what it was asked. */
function createReader(parts: Partial<EvidenceReader> = {}) {
  const samples: ErrorSample[] = [];
  const reader: EvidenceReader = {
    sampleErrors: async (sample) => {
      samples.push(sample);
      return sample.fromMs >= ONSET * 1000 ? [...errors(40, '2', 500), ...errors(4, '1')] : errors(50, '1');
    },
    countClients: async ({ fromMs }) => ({ count: fromMs >= ONSET * 1000 ? 7 : 3, isLeast: false, only: null }),
    ...parts,
  };
  return { reader, samples };
}
const series = { code: 'A', pair: null };
const still = () => 0;

test('a surge is told with what changed, who met it, the other codes and the odds', async () => {
  const { reader } = createReader();
  const { evidence, status } = await createEvidence({ reader, traffic, outlook, monotonicMs: still })(series, opening);
  assert.equal(status, 500, 'the commonest');
  assert.deepEqual(evidence.requestIds, ['2-0', '2-1', '2-2']);
  assert.equal(evidence.dominantDetail?.value, '2');
  assert.deepEqual(evidence.winner, opening.winner);
  assert.deepEqual(evidence.clients, { count: 7, isLeast: false, only: null, hourBeforeCount: 3 });
  assert.deepEqual(evidence.otherCodes, { observed: 40, expected: 41 });
  assert.deepEqual(evidence.traffic, { requestsPerSecond: 50, usualPerSecond: 40, errorRatio: 0.02, usualErrorRatio: 0.002 });
  assert.ok(evidence.falseAlarmsPerYear !== null && evidence.falseAlarmsPerYear > 0.5 && evidence.falseAlarmsPerYear < 50);
  assert.deepEqual(evidence.missing, []);
});

test('the past that it is held against ends before the window that won, and holds the same time of other days', async () => {
  const { reader, samples } = createReader();
  await createEvidence({ reader, traffic, outlook, monotonicMs: still })(series, opening);
  const quietMs = (ONSET + 60 - 7 * MINUTE) * 1000;
  assert.deepEqual(
    samples.map(({ fromMs, toMs }) => [fromMs, toMs]),
    [
      [ONSET * 1000, (ONSET + 75) * 1000],
      [quietMs - HOUR_MS, quietMs],
      [quietMs - DAY_MS - HOUR_MS / 2, quietMs - DAY_MS + HOUR_MS / 2],
      [quietMs - 7 * DAY_MS - HOUR_MS / 2, quietMs - 7 * DAY_MS + HOUR_MS / 2],
    ],
  );
});

test('what takes too long is named as missing, and the rest is told', async () => {
  const { reader } = createReader({ countClients: async () => null });
  const { evidence } = await createEvidence({ reader, traffic, outlook, monotonicMs: still })(series, opening);
  assert.deepEqual(evidence.missing, ['clients']);
  assert.equal(evidence.clients, null);
  assert.equal(evidence.dominantDetail?.value, '2');

  const away = createReader({ sampleErrors: async () => null });
  const none = await createEvidence({ reader: away.reader, traffic, outlook, monotonicMs: still })(series, opening);
  assert.deepEqual(none.evidence.missing, ['requests', 'detail']);
  assert.equal(none.status, undefined);
  assert.equal(none.evidence.clients?.count, 7);
});

test('many openings at once share one budget: what lies beyond it is not even asked for', async () => {
  let nowMs = 0;
  const { reader, samples } = createReader();
  const slow: EvidenceReader = {
    ...reader,
    sampleErrors: (sample) => {
      nowMs += sample.timeoutMs;
      return reader.sampleErrors(sample);
    },
  };
  const gather = createEvidence({ reader: slow, traffic, outlook, monotonicMs: () => nowMs });
  for (let n = 0; n < 100; n += 1) await gather(series, opening);
  assert.ok(nowMs <= 3_000, `${nowMs} ms`);
  const askedCount = samples.length;
  const { evidence } = await gather(series, opening);
  assert.equal(samples.length, askedCount);
  assert.deepEqual(evidence.missing, ['requests', 'detail', 'clients']);
  assert.deepEqual(evidence.otherCodes, { observed: 40, expected: 41 }, 'what needs no reading is told all the same');
});
