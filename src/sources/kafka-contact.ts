/** Whether Kafka answers: `kafka_consumer_up`, and one log line when it stops answering and one when it does again. */
import type { KafkaLog, KafkaSourceMetrics } from './kafka-ports.ts';

/** `kafka_consumer_up` is 1 while the last fetch is younger than this. */
export const UP_FOR_MS = 60_000;
/** Silence that is worth a log line; a rebalance is shorter. */
const SILENCE_MS = 15_000;

export interface ContactDeps {
  readonly metrics: KafkaSourceMetrics;
  readonly now: () => number;
  readonly log: KafkaLog;
}

export interface KafkaContact {
  /** An attempt to reach the broker failed. */
  noteFailure(error: unknown): void;
  /** The client logged a warning or an error of its own. */
  noteTrouble(): void;
  /** The broker answered; `isFetch`: with what a fetch asked for, or a heartbeat while all fetching is paused. */
  noteAnswer(isFetch: boolean): void;
  /** Called every few seconds: time alone changes both. */
  check(): void;
}

export function createKafkaContact({ metrics, now, log }: ContactDeps): KafkaContact {
  let fetchedAtMs = Number.NEGATIVE_INFINITY;
  let answeredAtMs = now();
  let awaySinceMs: number | null = null;
  let troubleCount = 0;

  function goAway(fields: object): void {
    if (awaySinceMs !== null) return;
    awaySinceMs = answeredAtMs;
    log.warn(fields, 'Kafka does not answer: waiting for it');
  }

  return {
    noteFailure(error) {
      troubleCount += 1;
      goAway({ err: error });
    },
    noteTrouble() {
      troubleCount += 1;
    },
    noteAnswer(isFetch) {
      answeredAtMs = now();
      if (isFetch) {
        if (answeredAtMs - fetchedAtMs >= UP_FOR_MS) metrics.setUp(true);
        fetchedAtMs = answeredAtMs;
      }
      if (awaySinceMs !== null) {
        log.info({ awayMs: answeredAtMs - awaySinceMs, troubleCount }, 'Kafka answers again');
        awaySinceMs = null;
      }
      troubleCount = 0;
    },
    check() {
      metrics.setUp(now() - fetchedAtMs < UP_FOR_MS);
      if (now() - answeredAtMs >= SILENCE_MS) goAway({ troubleCount });
    },
  };
}
