/**
 * One repair to kafkajs 2.2.4, which builds the headers of a record by copying all earlier ones for each: a record with
 * 10 000 headers, some 100 KB, stops the process for half a minute, the group takes its Kafka partition away meanwhile, and
 * its next reader stops as well. With the repair a header that nobody reads is dropped as it is read, in linear time.
 */
import { CONTEXT_HEADERS } from '../kafka-batch.ts';
import { requireOfKnownKafkajs } from './known-version.ts';

const READ_NAMES: ReadonlySet<string> = new Set(CONTEXT_HEADERS);

/** Under this the library is given every header of a record in its order, for who asked that they be kept. */
export const ALL_HEADERS = Symbol('all headers');

interface Header {
  readonly key: string | null;
  readonly value: Buffer | null;
}
export interface AllHeaders {
  readonly key: typeof ALL_HEADERS;
  readonly value: readonly (readonly [string | null, Buffer | null])[];
}

let keepsAll = false;

/** The part of kafkajs/src/protocol/decoder that the repair touches; of all its callers, only records' headers come this way. */
interface Decoder {
  readVarInt(): number;
  readVarIntArray(read: (decoder: Decoder) => Header): readonly (Header | AllHeaders)[];
}

/** Every header is kept from now on, in the whole process. */
export function keepAllHeaders(): void {
  keepsAll = true;
}

/** Repairs the library in place; safe to call twice. Answers false when the installed version is not the one known. */
export function repairKafkajsHeaders(): boolean {
  const require = requireOfKnownKafkajs();
  if (require === null) return false;
  const decoder: { prototype: Decoder } = require('kafkajs/src/protocol/decoder');
  decoder.prototype.readVarIntArray = function (this: Decoder, read) {
    // The last of a name counts, as Kafka's `lastHeader`.
    let kept: Map<string, Header> | null = null;
    const all: [string | null, Buffer | null][] = [];
    for (let left = this.readVarInt(); left > 0; left -= 1) {
      const header = read(this);
      if (keepsAll) all.push([header.key, header.value]);
      if (header.key === null || !READ_NAMES.has(header.key)) continue;
      kept ??= new Map();
      kept.set(header.key, header);
    }
    const known = kept === null ? NONE : [...kept.values()];
    return all.length === 0 ? known : [...known, { key: ALL_HEADERS, value: all }];
  };
  return true;
}

const NONE: readonly Header[] = [];
