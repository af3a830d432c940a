import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type FetchedPartition, readFetched } from '../../../../src/sources/platformatic/records.ts';

type Batch = NonNullable<FetchedPartition['records']>[number];
const TRANSACTIONAL = 1 << 4;
const CONTROL = 1 << 5;

function batchOf(firstOffset: bigint, values: readonly string[], fields: Partial<Batch> = {}): Batch {
  return {
    firstOffset,
    length: 0,
    partitionLeaderEpoch: 0,
    magic: 2,
    crc: 0,
    attributes: 0,
    lastOffsetDelta: values.length - 1,
    firstTimestamp: 1000n,
    maxTimestamp: 5000n,
    producerId: -1n,
    producerEpoch: 0,
    firstSequence: 0,
    records: values.map((value, index) => ({
      length: 10,
      attributes: 0,
      timestampDelta: BigInt(index),
      offsetDelta: index,
      key: null,
      value: Buffer.from(value),
      headers: [],
    })),
    ...fields,
  };
}

/** The marker at the end of a transaction. */
function markerOf(firstOffset: bigint, producerId: bigint, end: 'abort' | 'commit'): Batch {
  const batch = batchOf(firstOffset, [''], { attributes: TRANSACTIONAL | CONTROL, producerId });
  const [record] = batch.records;
  if (record !== undefined) record.key = Buffer.from([0, 0, 0, end === 'abort' ? 0 : 1]);
  return batch;
}

function read(records: readonly Batch[], from = 0n, abortedTransactions: FetchedPartition['abortedTransactions'] = null) {
  const highWatermark = 100n;
  const answer = { errorCode: 0, lastStableOffset: 100n, logStartOffset: 0n, preferredReadReplica: -1 };
  return readFetched({ ...answer, partitionIndex: 3, highWatermark, abortedTransactions, records: [...records] }, from);
}

function valuesOf(fetched: ReturnType<typeof readFetched>): readonly string[] {
  assert.equal(fetched?.kind, 'batch');
  return fetched.batch.records.map(({ value }) => `${value}`);
}

describe('what @platformatic/kafka fetched of a Kafka partition', () => {
  test('records before the offset that was asked for are left out, and the batch ends where its last one does', () => {
    const fetched = read([batchOf(8n, ['a', 'b', 'c']), batchOf(11n, ['d'])], 9n);
    assert.deepEqual(valuesOf(fetched), ['b', 'c', 'd']);
    assert.equal(fetched?.kind, 'batch');
    const { partition, firstOffset, lastOffset, highWatermark, records } = fetched.batch;
    assert.deepEqual([partition, firstOffset, lastOffset, highWatermark], [3, 9n, 11n, 100n]);
    assert.deepEqual(
      records.map(({ offset, timestamp }) => [offset, timestamp]),
      [
        ['9', '1001'],
        ['10', '1002'],
        ['11', '1000'],
      ],
    );
  });

  test('nothing fetched, or nothing at or past that offset, is no batch', () => {
    assert.equal(read([]), null);
    assert.equal(read([batchOf(0n, ['a'])], 1n), null);
  });

  test('an offset beyond 2^53 stays exact, and the time of the broker counts where it stamped the batch', () => {
    const [record] = (() => {
      const fetched = read([batchOf(9_007_199_254_740_993n, ['a'], { attributes: 1 << 3 })]);
      assert.equal(fetched?.kind, 'batch');
      return fetched.batch.records;
    })();
    assert.deepEqual([record?.offset, record?.timestamp], ['9007199254740993', '5000']);
  });

  test('aborted records are left out, their offsets are not: several of one producer, and one whose end is not fetched yet', () => {
    const of = (offset: bigint, value: string) => batchOf(offset, [value], { attributes: TRANSACTIONAL, producerId: 7n });
    const batches = [
      of(0n, 'aborted'),
      markerOf(1n, 7n, 'abort'),
      of(2n, 'kept'),
      markerOf(3n, 7n, 'commit'),
      of(4n, 'aborted too'),
      batchOf(5n, ['of another']),
    ];
    const aborted = [
      { producerId: 7n, firstOffset: 4n },
      { producerId: 7n, firstOffset: 0n },
    ];
    const fetched = read(batches, 0n, aborted);
    assert.deepEqual(valuesOf(fetched), ['kept', 'of another']);
    assert.equal(fetched?.batch.lastOffset, 5n);
  });

  test('a batch of control records alone is a batch without records', () => {
    const fetched = read([markerOf(4n, 7n, 'commit')], 4n);
    assert.deepEqual(valuesOf(fetched), []);
    assert.equal(fetched?.batch.lastOffset, 4n);
  });

  test('a batch that cannot be opened is told with its offsets once reading stands before it; until then it is a cut-off tail', () => {
    const bad = batchOf(2n, ['x', 'y']);
    for (const record of bad.records) record.length = 0;
    assert.deepEqual(valuesOf(read([batchOf(0n, ['a', 'b']), bad, batchOf(4n, ['c'])])), ['a', 'b']);
    const refused = read([bad, batchOf(4n, ['c'])], 2n);
    assert.equal(refused?.kind, 'refused');
    assert.deepEqual([refused.batch.partition, refused.batch.firstOffset, refused.batch.lastOffset], [3, 2n, 3n]);
  });

  test('a format before Kafka 0.11 is refused', () => {
    assert.equal(read([batchOf(0n, ['a'], { magic: 1 })])?.kind, 'refused');
  });

  test('a repeated header is a list in its order, and one named __proto__ is a header', () => {
    const batch = batchOf(0n, ['a']);
    const pair = (name: string, value: string): [Buffer, Buffer] => [Buffer.from(name), Buffer.from(value)];
    batch.records[0]?.headers.push(pair('h', '1'), pair('__proto__', '2'), pair('h', '3'));
    const fetched = read([batch]);
    assert.equal(fetched?.kind, 'batch');
    const [record] = fetched.batch.records;
    assert.deepEqual(
      Object.entries(record?.headers ?? {}).map(([name, value]) => [name, `${value}`]),
      [
        ['h', '1,3'],
        ['__proto__', '2'],
      ],
    );
  });
});
