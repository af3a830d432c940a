/**
 * A Kafka record batch of about 1 MB whose one record inflates to 1 GB: gzip allows a stream of several members, so the
 * same small member stands in it again and again, and nobody here ever holds what it inflates to.
 */
import { gzipSync } from 'node:zlib';
import kafkajs from 'kafkajs';
import type { KafkaBroker } from './kafka.ts';

const MEMBER_BYTES = 16 * 1024 * 1024;
const MEMBER_COUNT = 64;

/** Takes the place of this process's gzip codec: whatever is produced compressed from here on is the bomb. */
export async function produceBomb({ kafka }: KafkaBroker, topic: string, partition: number): Promise<void> {
  const { CompressionCodecs, CompressionTypes } = kafkajs;
  CompressionCodecs[CompressionTypes.GZIP] = () => ({
    compress: async () => bombBody(),
    decompress: async (body: Buffer) => body,
  });
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  await producer.send({ topic, compression: CompressionTypes.GZIP, messages: [{ partition, value: 'in its place' }] });
  await producer.disconnect();
}

function bombBody(): Buffer {
  const valueBytes = MEMBER_BYTES * MEMBER_COUNT;
  // Attributes, timestamp delta, offset delta, no key, then the value's length; behind the value: no headers.
  const before = Buffer.concat([Buffer.of(0, 0, 0, 1), zigzag(valueBytes)]);
  const size = zigzag(before.length + valueBytes + 1);
  const zeros = gzipSync(Buffer.alloc(MEMBER_BYTES), { level: 9 });
  return Buffer.concat([
    gzipSync(Buffer.concat([size, before])),
    ...Array<Buffer>(MEMBER_COUNT).fill(zeros),
    gzipSync(Buffer.of(0)),
  ]);
}

/** A positive number as Kafka's variable-length integer. */
function zigzag(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value * 2; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) + 128);
  }
}
