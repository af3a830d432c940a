/**
 * The envelopes that every section works on: the documented ones, each with a random requestId, spread over the last five
 * minutes, so that the same bytes go through Kafka, the webhook and, as columns, through COPY. The one with the longest
 * details comes twice in ten, which brings the mean to about 270 bytes.
 */
import { randomBytes } from 'node:crypto';
import { documentedEnvelopes, type WireEnvelope } from '../support/envelopes.ts';

const SPREAD_MS = 300_000;
/** One record in so many repeats an earlier one: 5 %. */
export const DUPLICATE_EVERY = 20;
/** A repeat follows its first delivery by at most so many records. */
const REPEAT_WITHIN = 1_000;

export interface TopicRecord {
  readonly key: string;
  readonly value: string;
}

const documented = documentedEnvelopes();
const templates: readonly WireEnvelope[] = [...documented, ...documented.slice(-1)];

export function makeEnvelopes(count: number): readonly WireEnvelope[] {
  const nowMs = Date.now();
  const ids = randomBytes(count * 8).toString('hex');
  return Array.from({ length: count }, (_, n) => ({
    ...templateAt(n),
    timestamp: new Date(nowMs - SPREAD_MS + Math.floor((n / count) * SPREAD_MS)).toISOString(),
    requestId: `req_${ids.slice(n * 16, n * 16 + 16)}`,
  }));
}

function templateAt(n: number): WireEnvelope {
  const template = templates[n % templates.length];
  if (template === undefined) throw new Error('there are no documented envelopes');
  return template;
}

/** `count` records of which one in DUPLICATE_EVERY repeats an earlier one; `distinct` are the envelopes behind them. */
export function makeRecords(count: number): {
  readonly records: readonly TopicRecord[];
  readonly distinct: readonly WireEnvelope[];
} {
  const distinct = makeEnvelopes(count - Math.floor(count / DUPLICATE_EVERY));
  const records: TopicRecord[] = [];
  let next = 0;
  for (let n = 0; n < count; n += 1) {
    const isRepeat = n % DUPLICATE_EVERY === DUPLICATE_EVERY - 1;
    const earlier = isRepeat ? records[n - 1 - ((n * 7919) % Math.min(REPEAT_WITHIN, n))] : undefined;
    const one = distinct[next];
    if (earlier !== undefined) records.push(earlier);
    else if (one !== undefined) {
      records.push({ key: one.requestId, value: JSON.stringify(one) });
      next += 1;
    }
  }
  return { records, distinct };
}

export function meanBytes(records: readonly TopicRecord[]): number {
  return records.reduce((sum, { value }) => sum + Buffer.byteLength(value), 0) / records.length;
}
