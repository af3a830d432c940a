/**
 * A topic's history on a real broker, with Kafka timestamps of the past: what it brings is learnt, one group after the
 * other reads it, the service is killed in between, the same envelopes come by webhook besides, and nothing of it opens a
 * spike or moves a count.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
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
/** One record in so many is cut off: a dead letter. */
const MALFORMED_EVERY = 40;
const POSTED_AT_ONCE = 200;
const SENDERS = 4;

/** Answers the valid values. */
async function produceHistory(broker: KafkaBroker): Promise<readonly string[]> {
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
  const valid = messages.map(({ value }) => value);
  for (let at = messages.length; at > 0; at -= MALFORMED_EVERY) {
    const value = '{"status":"error"';
    messages.splice(at, 0, { key: `bad_${at}`, value, timestamp: messages[at - 1]?.timestamp ?? '' });
  }
  const producer = broker.kafka.producer();
  await producer.connect();
  for (let at = 0; at < messages.length; at += 1000)
    await producer.send({ topic: TOPIC, messages: messages.slice(at, at + 1000) });
  await producer.disconnect();
  return valid;
}

/** Each once, in an order of their digests: far from any that Kafka has. Answers how many were said to be duplicates. */
async function postShuffled(url: string, values: readonly string[]): Promise<number> {
  const shuffled = values.toSorted((one, other) => (digestOf(one) < digestOf(other) ? -1 : 1));
  const headers = { 'content-type': 'application/x-ndjson' };
  let next = 0;
  let duplicates = 0;
  async function sendInTurn(): Promise<void> {
    for (let at = next; at < shuffled.length; at = next) {
      next = at + POSTED_AT_ONCE;
      const body = shuffled.slice(at, next).join('\n');
      const answer = await (await fetch(`${url}/v1/envelopes`, { method: 'POST', headers, body })).text();
      duplicates += Number(/"duplicate":(\d+)/.exec(answer)?.[1] ?? 0);
    }
  }
  await Promise.all(Array.from({ length: SENDERS }, sendInTurn));
  return duplicates;
}

const digestOf = (text: string) => createHash('sha1').update(text).digest('hex');

describe('history on a real Kafka broker', { skip: skipReason(kafkaMissing) }, () => {
  let broker: KafkaBroker;
  before(async () => {
    broker = await startKafkaBroker();
    await broker.createTopic(TOPIC, 1);
  });
  after(() => broker.stop());

  test('is learnt by the first group and moves nothing when another reads it from offset 0 beside the same by webhook, shuffled', async () => {
    const dir = makeTempDir('replay-e2e');
    const dataDir = dir.path;
    const valid = await produceHistory(broker);
    const recordCount = valid.length;
    const rows = (text: string) => queryEmbedded(dataDir, text);
    const evaluatedUntil = async () => {
      const [row] = await rows('select extract(epoch from evaluated_until)::float8 as until from detector_progress');
      return Number(row?.['until'] ?? 0);
    };
    /** All that counts, as one text a table: a replay may move none of it. */
    const tables = async () => {
      const digest = (table: string, columns: string) =>
        `select '${table}' as name, count(*)::int as n, md5(string_agg((${columns})::text, '' order by (${columns})::text)) as digest from ${table}`;
      const all = [
        digest('envelope', 'request_id, code, day, received_at, source, details, sanitized'),
        digest('bucket_count', 'code, bucket_start, is_clock_ahead, replica_id, lane, error_count'),
        digest('error_total', 'replica_id, lane, code, status, total'),
        digest('dead_letter', 'source, reason, topic, kafka_partition, kafka_offset, digest'),
        digest('envelope_conflict', 'request_id, code'),
      ];
      return rows(all.join(' union all '));
    };
    const deadlocks = async () => Number((await rows('select sum(deadlocks) as n from pg_stat_database'))[0]?.['n']);
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
      const before = { surges: await surges(), until: await evaluatedUntil(), tables: await tables() };
      const [, , , deadLetters] = before.tables;
      assert.equal(deadLetters?.['n'], Math.ceil(recordCount / MALFORMED_EVERY));
      assert.deepEqual(
        before.surges.map(({ code, state, is_late }) => ({ code, state, is_late })),
        [{ code: 'TOKEN_EXPIRED', state: 'resolved', is_late: true }],
      );
      await first.kill9();

      const second = await start('second');
      const isRead = async () =>
        ((await readMetric(second.url, 'surgewatch_envelopes_duplicate_total', { source: 'kafka' })) ?? 0) >= recordCount &&
        (await readMetric(second.url, 'surgewatch_kafka_consumer_lag')) === 0;
      let isOver = false;
      const postUntilOver = async () => {
        do assert.equal(await postShuffled(second.url, valid), recordCount);
        while (!isOver);
      };
      const posted = postUntilOver();
      await waitFor(isRead, { deadlineMs: DEADLINE_MS, what: 'the second group to have read all', pollMs: 200 });
      isOver = true;
      await posted;
      const hasMovedOn = async () => (await evaluatedUntil()) > before.until && (await isCurrent());
      await waitFor(hasMovedOn, { deadlineMs: DEADLINE_MS, what: 'the detector to be current again', pollMs: 200 });
      assert.deepEqual(await tables(), before.tables);
      assert.equal(await readMetric(second.url, 'surgewatch_errors_total'), recordCount);
      assert.equal(await deadlocks(), 0);
      assert.deepEqual(await surges(), before.surges);
      assert.deepEqual(await rows("select kind from spike where kind <> 'surge'"), []);
      assert.equal(await readMetric(second.url, 'surgewatch_detector_blind'), 0);
      assert.equal(await second.stop(), 0);
    } finally {
      dir.remove();
    }
  });
});
