/**
 * Errors as an API makes them, on a topic at the moment at which they occur: each code at a steady rate, by chance (Poisson)
 * from a seed, and on top of one the errors of its surge. What occurred before now is sent at once, as history, in order
 * and with its own Kafka timestamps.
 */
import { createDice } from '../fixtures/worlds/dice.ts';
import { envelope } from '../support/envelopes.ts';
import type { KafkaBroker } from '../support/kafka.ts';

const MINUTE_MS = 60_000;
/** So much is made and sent at a time, or a history of days would be in memory at once. */
const SLICE_MS = 60 * MINUTE_MS;
const SEND_SIZE = 5_000;
const PARTITION_COUNT = 6;
const MOST_FLOWS = 1000;

export interface Flow {
  readonly code: string;
  readonly errorsAMinute: number;
}

export interface SurgeSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Traffic {
  /** Sends all that occurred since the last call. One call at a time. */
  sendUntil(nowMs: number): Promise<void>;
  /** Adds errors to what flows of a code anyway. @returns when the first of them occurs; @throws Error when none does. */
  addSurge(flow: Flow, span: SurgeSpan): number;
  stop(): Promise<void>;
}

interface Running {
  readonly code: string;
  readonly afterMs: (atMs: number) => number;
  nextMs: number;
  readonly endMs: number;
}

export async function startTraffic(
  { broker, topic, seed }: { readonly broker: KafkaBroker; readonly topic: string; readonly seed: number },
  flows: readonly Flow[],
  startMs: number,
): Promise<Traffic> {
  const running: Running[] = [];
  const start = ({ code, errorsAMinute }: Flow, fromMs: number, endMs: number): Running => {
    // Chance of its own for each, or the errors of one would depend on how often the others were asked for theirs.
    const { roll } = createDice(seed * MOST_FLOWS + running.length);
    const afterMs = (atMs: number) => atMs - (Math.log(1 - roll()) * MINUTE_MS) / errorsAMinute;
    const flow = { code, afterMs, nextMs: afterMs(fromMs), endMs };
    running.push(flow);
    return flow;
  };
  for (const flow of flows) start(flow, startMs, Number.POSITIVE_INFINITY);
  let sentUntilMs = startMs;
  await broker.createTopic(topic, PARTITION_COUNT);
  const producer = broker.kafka.producer();
  await producer.connect();

  function occurredBefore(endMs: number) {
    const occurred: { readonly code: string; readonly atMs: number }[] = [];
    for (const flow of running) {
      for (; flow.nextMs < Math.min(endMs, flow.endMs); flow.nextMs = flow.afterMs(flow.nextMs)) {
        occurred.push({ code: flow.code, atMs: Math.floor(flow.nextMs) });
      }
    }
    return occurred.toSorted((one, other) => one.atMs - other.atMs);
  }

  return {
    async sendUntil(nowMs) {
      while (sentUntilMs < nowMs) {
        sentUntilMs = Math.min(nowMs, sentUntilMs + SLICE_MS);
        const messages = occurredBefore(sentUntilMs).map(({ code, atMs }) => {
          const one = envelope({ code, message: 'It failed', timestamp: new Date(atMs), context: { httpStatus: 503 } });
          return { key: one.requestId, value: JSON.stringify(one), timestamp: String(atMs) };
        });
        for (let at = 0; at < messages.length; at += SEND_SIZE) {
          await producer.send({ topic, messages: messages.slice(at, at + SEND_SIZE) });
        }
      }
    },
    addSurge(flow, { fromMs, toMs }) {
      const surplus = start(flow, fromMs, toMs);
      if (surplus.nextMs >= toMs) throw new Error(`the surge of ${flow.code} brings no error`);
      return surplus.nextMs;
    },
    stop: () => producer.disconnect(),
  };
}
