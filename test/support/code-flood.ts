/**
 * Envelopes of which no two share a code, as somebody sends who means to grow our metrics, over both paths: three in four
 * codes are valid, each fourth is of 1 to 4 KB, and every HTTP status is stated in turn.
 */
import { envelope, ndjson, type WireEnvelope } from './envelopes.ts';
import type { KafkaBroker } from './kafka.ts';

const FIRST_STATUS = 100;
const STATUS_COUNT = 500;
const LONG_EVERY = 4;
const LONG_CHARACTERS = { least: 1_024, most: 4_096 };
const BATCH = 400;
const SENDERS = 4;

/** Numbers from..to of what is sent, made by `make`: always the same for a number, so that both paths can bring it. */
export interface Flood {
  readonly from: number;
  readonly to: number;
  readonly make: (n: number) => WireEnvelope;
}

export function floodEnvelope(n: number, timestamp: string): WireEnvelope {
  return envelope({
    code: n % LONG_EVERY === LONG_EVERY - 1 ? `FLOOD_${n}_`.padEnd(longCharacters(n), 'X') : `FLOOD_${n}`,
    message: 'no such code',
    requestId: `req_flood_${n}`,
    timestamp,
    context: { httpStatus: FIRST_STATUS + (n % STATUS_COUNT) },
  });
}

/** As long as one of the flood, under a code that everybody knows. */
export function knownEnvelope(n: number, timestamp: string): WireEnvelope {
  const message = n % LONG_EVERY === LONG_EVERY - 1 ? 'no '.padEnd(longCharacters(n), 'x') : 'no such code';
  return envelope({ code: 'TOKEN_EXPIRED', message, requestId: `req_known_${n}`, timestamp });
}

function longCharacters(n: number): number {
  const { least, most } = LONG_CHARACTERS;
  return least + ((n * 7919) % (most - least + 1));
}

export async function produceFlood(broker: KafkaBroker, topic: string, { from, to, make }: Flood): Promise<void> {
  const producer = broker.kafka.producer();
  await producer.connect();
  for (let at = from; at < to; at += BATCH) {
    const messages = batchOf(at, to, make).map((one) => ({ key: one.requestId, value: JSON.stringify(one) }));
    await producer.send({ topic, messages });
  }
  await producer.disconnect();
}

/** @throws Error when any envelope was not stored anew. */
export async function postFlood(url: string, { from, to, make }: Flood): Promise<void> {
  const headers = { 'content-type': 'application/x-ndjson' };
  let next = from;
  async function sendInTurn(): Promise<void> {
    for (let at = next; at < to; at = next) {
      next = at + BATCH;
      const body = ndjson(batchOf(at, to, make));
      const answer = await (await fetch(`${url}/v1/envelopes`, { method: 'POST', headers, body })).text();
      if (!answer.includes('"duplicate":0,"rejected":0')) throw new Error(`not all stored: ${answer.slice(0, 200)}`);
    }
  }
  await Promise.all(Array.from({ length: SENDERS }, sendInTurn));
}

function batchOf(at: number, to: number, make: Flood['make']): readonly WireEnvelope[] {
  return Array.from({ length: Math.min(BATCH, to - at) }, (_, place) => make(at + place));
}
