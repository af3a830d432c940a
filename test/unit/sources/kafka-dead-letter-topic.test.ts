import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RejectReason } from '../../../src/envelope/schema.ts';
import { DeadLetterTopicUnavailable } from '../../../src/errors.ts';
import type { Outcome } from '../../../src/ingest/outcome.ts';
import { createDeadLetterTopic, toSent } from '../../../src/sources/kafka-dead-letter-topic.ts';
import type { KafkaRecord, SentRecord } from '../../../src/sources/kafka-ports.ts';

function record(offset: number): KafkaRecord {
  const headers = [
    ['trace', Buffer.from([0xff, 0x00])],
    ['trace', Buffer.from('second')],
  ] as const;
  return {
    offset: `${offset}`,
    timestamp: '-1',
    key: Buffer.from([0xfe]),
    value: Buffer.from(`{${offset}`),
    allHeaders: headers,
  };
}

function rejected(reason: RejectReason): Outcome {
  return { kind: 'rejected', requestId: null, reason };
}

describe('the topic for rejected records', () => {
  test('key, value and headers go on as they were, with where and why behind them, never what was held', () => {
    const sent = toSent(record(7), { topic: 'errors', partition: 3, reason: 'syntax' });
    assert.deepEqual(sent.key, Buffer.from([0xfe]));
    assert.deepEqual(sent.value, Buffer.from('{7'));
    assert.deepEqual(sent.headers.slice(0, 2), record(7).allHeaders);
    assert.deepEqual(
      sent.headers.slice(2).map(([name, value]) => [name, value?.toString()]),
      [
        ['__connect.errors.topic', 'errors'],
        ['__connect.errors.partition', '3'],
        ['__connect.errors.offset', '7'],
        ['__connect.errors.stage', 'VALUE_CONVERTER'],
        ['__connect.errors.exception.class.name', 'surgewatch.Rejected'],
        ['__connect.errors.exception.message', 'syntax: The body is not one well-formed JSON value.'],
      ],
    );
    const refused = toSent(record(7), { topic: 'errors', partition: 3, reason: 'store_refused' });
    assert.equal(refused.headers[5]?.[1]?.toString(), 'TASK_PUT');
  });

  test('only what is rejected and acknowledged now is sent, and nothing that was erased', async () => {
    const sent: SentRecord[] = [];
    const topic = createDeadLetterTopic('errors', { send: async (records) => void sent.push(...records), close: async () => {} });
    const outcomes = [rejected('syntax'), undefined, rejected('erased'), rejected('utf8'), rejected('syntax')];
    const records = [0, 1, 2, 3, 4].map(record);
    await topic.send({ partition: 0, records, outcomes, until: 4n });
    assert.deepEqual(
      sent.map(({ value }) => value?.toString()),
      ['{0', '{3'],
    );
    await topic.send({ partition: 0, records, outcomes, until: null });
    assert.equal(sent.length, 5);
  });

  test('a broker that refuses is a fault that may pass', async () => {
    const refusal = new Error('refused');
    const topic = createDeadLetterTopic('errors', { send: () => Promise.reject(refusal), close: async () => {} });
    const sending = topic.send({ partition: 0, records: [record(0)], outcomes: [rejected('syntax')], until: null });
    await assert.rejects(
      sending,
      (fault) => fault instanceof DeadLetterTopicUnavailable && fault.retryable && fault.cause === refusal,
    );
  });
});
