/**
 * What lies in a topic when exactness is tried: one record in twenty repeats an earlier one, one in a hundred is cut off in
 * the middle. Each record follows from its number, so that a million need no memory and their truth can be counted.
 */
import { envelope } from './envelopes.ts';
import type { KafkaBroker } from './kafka.ts';

const DUPLICATE_EVERY = 20;
/** A repeat follows its first delivery by so many records; none of those is malformed. */
const REPEAT_AFTER = 7;
const MALFORMED_EVERY = 100;
const MALFORMED_AT = 50;
const CUT_BYTES = 9;
const CHUNK = 5_000;
const CODES = ['TOKEN_EXPIRED', 'INVALID_CREDENTIALS', 'PAYMENT_FAILED', 'RATE_LIMIT_EXCEEDED', 'TRUNK_NOT_FOUND'] as const;

const isDuplicate = (n: number) => n % DUPLICATE_EVERY === DUPLICATE_EVERY - 1;
const isMalformed = (n: number) => n % MALFORMED_EVERY === MALFORMED_AT;

export interface TopicTruth {
  /** Distinct valid envelopes. */
  readonly valid: number;
  readonly malformed: number;
}

/** Of the first `count` records. */
export function truthOf(count: number): TopicTruth {
  let [valid, malformed] = [0, 0];
  for (let n = 0; n < count; n += 1) {
    if (isMalformed(n)) malformed += 1;
    else if (!isDuplicate(n)) valid += 1;
  }
  return { valid, malformed };
}

function recordAt(n: number, timestamp: string): { readonly key: string; readonly value: string } {
  if (isDuplicate(n)) return recordAt(n - REPEAT_AFTER, timestamp);
  const one = envelope({ code: CODES[n % CODES.length] ?? CODES[0], requestId: `req_${n.toString(36)}`, timestamp });
  const value = JSON.stringify(one);
  return { key: one.requestId, value: isMalformed(n) ? value.slice(0, -CUT_BYTES) : value };
}

/** The first `count` records, in their order, all of one moment: a repeat is then the very same bytes. */
export async function produceRecords(broker: KafkaBroker, topic: string, count: number): Promise<void> {
  const timestamp = new Date().toISOString();
  // A send that is repeated after a timeout would put malformed records into the topic twice, each rightly a dead letter.
  const producer = broker.kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  for (let at = 0; at < count; at += CHUNK) {
    const length = Math.min(CHUNK, count - at);
    await producer.send({ topic, messages: Array.from({ length }, (_, index) => recordAt(at + index, timestamp)) });
  }
  await producer.disconnect();
}
