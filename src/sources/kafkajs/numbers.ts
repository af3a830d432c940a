/**
 * One repair to kafkajs 2.2.4, which reads each record's number of milliseconds with three BigInts a byte and parses the
 * first timestamp and the first offset of the batch anew for every record: a fifth of what it allocates, and of its CPU.
 * With the repair a short number is read as one, and the texts of the last batch are remembered.
 */
import { requireOfKnownKafkajs } from './known-version.ts';

const CONTINUES = 0x80;
const PAYLOAD = 0x7f;
const PAYLOAD_BITS = 7;
/** Four bytes hold 28 bits, which no shift of 32 can lose. */
const MOST_SHORT_BYTES = 4;

/** The part of kafkajs/src/utils/long that is touched. */
interface Long {
  readonly value: bigint;
}
interface LongClass {
  new (value: bigint): Long;
  fromString(text: string): Long;
}
/** The part of kafkajs/src/protocol/decoder that is touched. */
interface Decoder {
  readonly buffer: Buffer;
  offset: number;
  readVarLong(): Long;
}

let isRepaired = false;

/** Repairs the library in place; safe to call twice. Answers false when the installed version is not the one known. */
export function repairKafkajsNumbers(): boolean {
  const require = requireOfKnownKafkajs();
  if (require === null) return false;
  if (isRepaired) return true;
  isRepaired = true;
  const Long: LongClass = require('kafkajs/src/utils/long');
  const { prototype }: { prototype: Decoder } = require('kafkajs/src/protocol/decoder');

  const readLong = prototype.readVarLong;
  prototype.readVarLong = function (this: Decoder) {
    const { buffer, offset } = this;
    let zigZag = 0;
    for (let n = 0; n < MOST_SHORT_BYTES; n += 1) {
      const byte = buffer[offset + n] ?? CONTINUES;
      zigZag |= (byte & PAYLOAD) << (n * PAYLOAD_BITS);
      if (byte >= CONTINUES) continue;
      this.offset = offset + n + 1;
      return new Long(BigInt((zigZag >>> 1) ^ -(zigZag & 1)));
    }
    return readLong.call(this);
  };

  const parse = Long.fromString.bind(Long);
  // A record asks for two in turn; Longs are never changed.
  let last: readonly [string, Long] = ['0', parse('0')];
  let lastButOne = last;
  Long.fromString = (text) => {
    if (last[0] === text) return last[1];
    [last, lastButOne] = [lastButOne, last];
    if (last[0] !== text) last = [text, parse(text)];
    return last[1];
  };
  return true;
}
