/**
 * A topic's history on a real broker, with Kafka timestamps of the past: what it brings is learnt, one group after the
 * other reads it, the service is killed in between, and nothing of it opens a spike.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { queryEmbedded } from '../support/embedded-query.ts';
import { envelope } from '../support/envelopes.ts';
import { type KafkaBroker, startKafkaBroker } from '../support/kafka.ts';
import { readMetric } from '../support/metrics-text.ts';
import { kafkaMissing, skipReason } from '../support/requirements.ts';
import { startSurgewatch } from '../support/surgewatch-process.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { waitFor } from '../support/wait-for.ts';

const TOPIC = 'history';
const MINUTE_MS = 60_000;
const HISTORY_MS = 4 * 60 * MINUTE_MS;
/** An old surge within it: over for longer than anybody is told. */
const SURGE = { agoMs: 150 * MINUTE_MS, forMs: 5 * MINUTE_MS, errorsAMinute: 60 };
const ERRORS_A_MINUTE = 6;
const CODES = ['TOKEN_EXPIRED', 'PAYMENT_FAILED'];
const DEADLINE_MS = 90_000;

async function produceHistory(broker: KafkaBroker): Promise<number> {
  const nowMs = Date.now();
  const messages: { key: string; value: string; timestamp: string }[] = [];
  for (let ago = HISTORY_MS; ago > 0; ago -= MINUTE_MS) {
    const isSurge = ago <= SURGE.agoMs && ago > SURGE.agoMs - SURGE.forMs;
    for (const code of CODES) {
      const count = isSurge && code === 'TOKEN_EXPIRED' ? SURGE.errorsAMinute : ERRORS_A_MINUTE;
      for (let nth = 0; nth < count; nth += 1) {
        const atMs = nowMs - ago + Math.floor((nth * MINUTE_MS) / count);
        const requestId = `req_${code}_${ago}_${nth}`;
        const value = JSON.stringify(envelope({ code, requestId, timestamp: new Date(atMs).toISOString() }));
        messages.push({ key: requestId, value, timestamp: String(atMs) });
      }
    }
  }
  messages.sort((one, other) => Number(one.timestamp) - Number(other.timestamp));
  const producer = broker.kafka.producer();
  await producer.connect();
  for (let at = 0; at < messages.length; at += 1000)
    await producer.send({ topic: TOPIC, messages: messages.slice(at, at + 1000) });
  await producer.disconnect();
  return messages.length;
}

describe('history on a real Kafka broker', { skip: skipReason(kafkaMissing) }, () => {
  let broker: KafkaBroker;
  before(async () => {
    broker = await startKafkaBroker();
    await broker.createTopic(TOPIC, 1);
  });
  after(() => broker.stop());

  test('is learnt by the first group and moves nothing when another reads it from offset 0', async () => {
    const dir = makeTempDir('replay-e2e');
    const dataDir = dir.path;
    const recordCount = await produceHistory(broker);
    const rows = (text: string) => queryEmbedded(dataDir, text);
    const evaluatedUntil = async () => {
      const [row] = await rows('select extract(epoch from evaluated_until)::float8 as until from detector_progress');
      return Number(row?.['until'] ?? 0);
    };
    const surges = () =>
      rows("select code, state, first_accepted_at, is_late from spike where kind = 'surge' order by opened_at");
    const start = (group: string) =>
      startSurgewatch({
        dataDir,
        env: { KAFKA_BROKERS: broker.brokers.join(), KAFKA_TOPIC: TOPIC, KAFKA_GROUP_ID: group },
      });
    try {
      const first = await start('first');
      const isCurrent = async () => Date.now() / 1000 - (await evaluatedUntil()) < 40;
      await waitFor(isCurrent, { deadlineMs: DEADLINE_MS, what: 'the detector to be current', pollMs: 200 });
      assert.equal(Number((await rows('select sum(error_count) as n from bucket_count'))[0]?.['n']), recordCount);
      const before = { surges: await surges(), until: await evaluatedUntil() };
      assert.deepEqual(
        before.surges.map(({ code, state, is_late }) => ({ code, state, is_late })),
        [{ code: 'TOKEN_EXPIRED', state: 'resolved', is_late: true }],
      );
      await first.kill9();

      const second = await start('second');
      const isRead = async () =>
        ((await readMetric(second.url, 'surgewatch_envelopes_duplicate_total')) ?? 0) >= recordCount &&
        (await readMetric(second.url, 'surgewatch_kafka_consumer_lag')) === 0;
      await waitFor(isRead, { deadlineMs: DEADLINE_MS, what: 'the second group to have read all', pollMs: 200 });
      const hasMovedOn = async () => (await evaluatedUntil()) > before.until && (await isCurrent());
      await waitFor(hasMovedOn, { deadlineMs: DEADLINE_MS, what: 'the detector to be current again', pollMs: 200 });
      assert.equal(Number((await rows('select sum(error_count) as n from bucket_count'))[0]?.['n']), recordCount);
      assert.deepEqual(await surges(), before.surges);
      assert.equal(await readMetric(second.url, 'surgewatch_detector_blind'), 0);
      assert.equal(await second.stop(), 0);
    } finally {
      dir.remove();
    }
  });
});
