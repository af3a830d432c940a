import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Delivery } from '../../../src/ingest/ports.ts';
import {
  MAX_CHUNK_BYTES,
  MAX_CHUNK_DELIVERIES,
  MAX_HEADER_BYTES,
  recordTimes,
  toChunks,
  toDeliveries,
} from '../../../src/sources/kafka-batch.ts';
import type { KafkaRecord } from '../../../src/sources/kafka-ports.ts';

function record(fields: Partial<KafkaRecord> = {}): KafkaRecord {
  return { key: null, value: Buffer.from('v'), timestamp: '1000', offset: '7', headers: {}, ...fields };
}

function deliver(message: KafkaRecord): Delivery {
  const [delivery] = toDeliveries({ topic: 't', partition: 3, records: [message] }, 42);
  assert.ok(delivery);
  return delivery;
}

function sized(bytes: number): Delivery {
  return { source: 'kafka', bytes: new Uint8Array(bytes), receivedAtMs: 0, coordinates: null };
}

describe('a Kafka record as a delivery', () => {
  test('it carries its bytes, our clock and its coordinates', () => {
    const value = Buffer.from('bytes');
    assert.deepEqual(deliver(record({ value, offset: '9007199254740993' })), {
      source: 'kafka',
      bytes: value,
      receivedAtMs: 42,
      coordinates: { topic: 't', partition: 3, offset: '9007199254740993' },
    });
  });

  test('a tombstone has null for bytes, an empty value has none', () => {
    assert.equal(deliver(record({ value: null })).bytes, null);
    assert.equal(deliver(record({ value: Buffer.alloc(0) })).bytes?.byteLength, 0);
  });

  test('only known headers pass, decoded as UTF-8', () => {
    const headers = { service: Buffer.from('bücher'), authorization: Buffer.from('secret'), Service: Buffer.from('x') };
    assert.deepEqual(deliver(record({ headers })).headers, { service: 'bücher' });
  });

  test('a header that is too long, not UTF-8 or without a value is ignored', () => {
    const headers = {
      client: Buffer.alloc(MAX_HEADER_BYTES + 1, 'a'),
      route: Buffer.from([0xff, 0xfe]),
      method: undefined,
      release: Buffer.alloc(MAX_HEADER_BYTES, 'b'),
    };
    assert.deepEqual(deliver(record({ headers })).headers, { release: 'b'.repeat(MAX_HEADER_BYTES) });
  });

  test('a repeated header counts by its last value', () => {
    assert.deepEqual(deliver(record({ headers: { service: [Buffer.from('a'), Buffer.from('b')] } })).headers, { service: 'b' });
    assert.equal(deliver(record({ headers: { service: [] } })).headers, undefined);
  });

  test('a header named __proto__ brings nothing in', () => {
    const headers: KafkaRecord['headers'] = {};
    Object.setPrototypeOf(headers, { service: Buffer.from('inherited') });
    assert.equal(deliver(record({ headers })).headers, undefined);
  });

  test('ten thousand headers cost no more than the known ones', () => {
    const headers = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`h${index}`, Buffer.from('x')]));
    assert.deepEqual(deliver(record({ headers: { ...headers, method: Buffer.from('GET') } })).headers, { method: 'GET' });
  });
});

describe('chunks of deliveries', () => {
  test('no chunk has more than the most deliveries, and the order is kept', () => {
    const deliveries = Array.from({ length: 2 * MAX_CHUNK_DELIVERIES + 1 }, () => sized(1));
    const chunks = toChunks(deliveries);
    assert.deepEqual(
      chunks.map(({ length }) => length),
      [MAX_CHUNK_DELIVERIES, MAX_CHUNK_DELIVERIES, 1],
    );
    assert.ok(chunks.flat().every((delivery, index) => delivery === deliveries[index]));
  });

  test('no chunk has more than the most bytes, save one delivery that is larger by itself', () => {
    const sizes = [1, MAX_CHUNK_BYTES - 1, 1, MAX_CHUNK_BYTES + 1, 1];
    const chunks = toChunks(sizes.map(sized));
    assert.deepEqual(
      chunks.map((chunk) => chunk.map(({ bytes }) => bytes?.byteLength)),
      [[1, MAX_CHUNK_BYTES - 1], [1], [MAX_CHUNK_BYTES + 1], [1]],
    );
  });

  test('nothing makes no chunk', () => assert.deepEqual(toChunks([]), []));
});

describe('the times of the records of a batch', () => {
  test('they are those of the first and the last record that have one', () => {
    const messages = ['-1', '1000', '900', ''].map((timestamp) => record({ timestamp }));
    assert.deepEqual(recordTimes(messages), { firstRecordAtMs: 1000, lastRecordAtMs: 900 });
  });

  test('there are none without records or timestamps', () => {
    assert.deepEqual(recordTimes([]), { firstRecordAtMs: null, lastRecordAtMs: null });
    assert.deepEqual(recordTimes([record({ timestamp: '-1' }), record({ timestamp: 'x' })]), {
      firstRecordAtMs: null,
      lastRecordAtMs: null,
    });
  });
});
