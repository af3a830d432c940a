/**
 * Reads envelopes from Kafka, at least once: an offset is committed only after the store has committed every delivery
 * before it. This file is the source's life: wait for the broker, run a consumer, build the next one when it ends, stop.
 * What happens within one consumer is in kafka-session.ts.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { createKafkaClient, createKafkaSender } from './kafka-client.ts';
import { createKafkaContact } from './kafka-contact.ts';
import { createDeadLetterTopic, type DeadLetterTopic } from './kafka-dead-letter-topic.ts';
import { createStoreHold } from './kafka-hold.ts';
import { readGroup } from './kafka-offsets.ts';
import type { KafkaClient, KafkaConfig, KafkaSourceDeps } from './kafka-ports.ts';
import { createProgressReporter } from './kafka-progress.ts';
import { type KafkaSession, MOVED, openKafkaSession } from './kafka-session.ts';

export type { KafkaConfig, KafkaLog, KafkaProgress, KafkaSourceDeps, KafkaSourceMetrics } from './kafka-ports.ts';

/** Waits between attempts to reach a broker that is away, and to begin anew after a crash: doubling up to the second. */
const REACH_WAIT = { firstMs: 250, mostMs: 2_000 };
const CRASH_WAIT = { firstMs: 1_000, mostMs: 30_000 };
/** A consumer that lived this long has earned a fresh count of crashes. */
const STEADY_AFTER_MS = 60_000;
const CHECK_INTERVAL_MS = 2_000;
/** How long `stop` waits for running batches, their commits and the broker. The process has 10 s in all. */
const STOP_DEADLINE_MS = 8_000;

export interface KafkaSource {
  /** Begins to connect in the background and resolves at once: a broker that is away is no reason not to serve. */
  start(): Promise<void>;
  /** Takes no more work, awaits its own work and commits, leaves the group. Safe twice, and before or during a start. */
  stop(): Promise<void>;
}

function backoffMs({ firstMs, mostMs }: { firstMs: number; mostMs: number }, attemptCount: number): number {
  return Math.min(mostMs, firstMs * 2 ** Math.min(attemptCount - 1, 16));
}

export function createKafkaSource(config: KafkaConfig, deps: KafkaSourceDeps): KafkaSource {
  const { metrics, now, log } = deps;
  const stopping = new AbortController();
  const { signal } = stopping;
  let session: KafkaSession | null = null;
  let running: Promise<void> | null = null;
  let stopped: Promise<void> | null = null;

  const contact = createKafkaContact({ metrics, now, log });
  const hold = createStoreHold({
    untilStoreServes: deps.untilStoreServes,
    onChange: () => session?.applyPauses(),
    now,
    log,
    signal,
  });
  const reporter = createProgressReporter({ record: deps.recordProgress, log });

  /** Resolves early when the source stops. */
  async function pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal }).catch(() => {});
  }

  /** Asks as the consumer will: broker, topic and group must all answer. */
  async function untilKafkaAnswers(client: KafkaClient): Promise<void> {
    for (let attemptCount = 1; !signal.aborted; attemptCount += 1) {
      try {
        await readGroup(client);
        return;
      } catch (error) {
        contact.noteFailure(error);
        await pause(backoffMs(REACH_WAIT, attemptCount));
      }
    }
  }

  async function consume(client: KafkaClient, deadLetterTopic: DeadLetterTopic | null): Promise<void> {
    let crashCount = 0;
    while (!signal.aborted) {
      await untilKafkaAnswers(client);
      if (signal.aborted) return;
      const openedAtMs = now();
      session = openKafkaSession({
        ...deps,
        topic: config.topic,
        client,
        deadLetterTopic,
        hold,
        contact,
        reporter,
      });
      const stopAsked = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      const cause = await Promise.race([session.ended, stopAsked]);
      await session.close().catch((error) => log.debug({ err: error }, 'the Kafka consumer did not close cleanly'));
      session = null;
      if (signal.aborted) return;
      if (cause === MOVED) continue;
      crashCount = now() - openedAtMs > STEADY_AFTER_MS ? 1 : crashCount + 1;
      log.warn({ err: cause, crashCount }, 'the Kafka consumer ended; a new one follows');
      await pause(backoffMs(CRASH_WAIT, crashCount));
    }
  }

  async function run(): Promise<void> {
    const client = await createKafkaClient(config, { onTrouble: () => contact.noteTrouble(), now, log });
    const { dlqTopic } = config;
    const sender = dlqTopic === null ? null : await createKafkaSender(config, dlqTopic, log);
    const timer = setInterval(() => contact.check(), CHECK_INTERVAL_MS);
    try {
      await consume(client, sender === null ? null : createDeadLetterTopic(config.topic, sender));
    } catch (error) {
      log.error({ err: error }, 'the Kafka source ended by a fault of its own');
    } finally {
      clearInterval(timer);
      await client.close();
      await sender?.close();
      metrics.setUp(false);
    }
  }

  async function stopWithin(deadlineMs: number): Promise<void> {
    stopping.abort();
    if (running === null) return;
    const timer = new AbortController();
    const deadline = delay(deadlineMs, 'late', { signal: timer.signal }).catch(() => 'done');
    if ((await Promise.race([running, deadline])) === 'late') log.warn({ deadlineMs }, 'the Kafka source did not stop in time');
    timer.abort();
  }

  return {
    async start() {
      if (!signal.aborted) running ??= run();
    },
    stop() {
      stopped ??= stopWithin(STOP_DEADLINE_MS);
      return stopped;
    },
  };
}
