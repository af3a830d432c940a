/**
 * The original bytes of rejected records, for who sets KAFKA_DLQ_TOPIC, with the headers that Kafka Connect adds, so that
 * its tools read them. Knowingly outside redaction; what was erased is never sent on. The dead letter's row stays the
 * record: a redelivery sends again.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { RejectReason } from '../envelope/schema.ts';
import { DeadLetterTopicUnavailable } from '../errors.ts';
import { type Outcome, REJECT_MEANINGS } from '../ingest/outcome.ts';
import type { KafkaRecord, KafkaSender, SentRecord } from './kafka-ports.ts';

/** Shorter than a session: nothing says a heartbeat meanwhile. */
const SEND_DEADLINE_MS = 6_000;
/** Connect's names for where it failed: reading the value, or handing it to the sink. */
const STAGES = { read: 'VALUE_CONVERTER', store: 'TASK_PUT' } as const;
const FAILED_IN_STORE: ReadonlySet<RejectReason> = new Set(['sibling_cap', 'store_refused']);
const PREFIX = '__connect.errors.';
const CLASS_NAME = 'surgewatch.Rejected';

export interface RejectedRecords {
  readonly partition: number;
  readonly records: readonly KafkaRecord[];
  /** In the order of the records. */
  readonly outcomes: readonly (Outcome | undefined)[];
  /** Those from here on are not acknowledged now and come again; null: all are. */
  readonly until: bigint | null;
}

export interface DeadLetterTopic {
  /** Resolves once the broker has them. @throws DeadLetterTopicUnavailable: nothing may be committed. */
  send(rejected: RejectedRecords): Promise<void>;
}

export function createDeadLetterTopic(topic: string, sender: KafkaSender): DeadLetterTopic {
  return {
    async send({ partition, records, outcomes, until }) {
      const sent = records.flatMap((record, place) => {
        const outcome = outcomes[place];
        const isDue = until === null || BigInt(record.offset) < until;
        if (outcome?.kind !== 'rejected' || outcome.reason === 'erased' || !isDue) return [];
        return [toSent(record, { topic, partition, reason: outcome.reason })];
      });
      if (sent.length === 0) return;
      const timer = new AbortController();
      try {
        const late = delay(SEND_DEADLINE_MS, undefined, { signal: timer.signal }).then(() => {
          throw new Error(`no answer within ${SEND_DEADLINE_MS} ms`);
        });
        await Promise.race([sender.send(sent), late]);
      } catch (cause) {
        throw new DeadLetterTopicUnavailable('Rejected records cannot be sent to KAFKA_DLQ_TOPIC.', cause);
      } finally {
        timer.abort();
      }
    },
  };
}

/** PURE. The record as it was, and behind its own headers what became of it: where it stood and why, never what it held. */
export function toSent(
  { key, value, offset, allHeaders = [] }: KafkaRecord,
  { topic, partition, reason }: { readonly topic: string; readonly partition: number; readonly reason: RejectReason },
): SentRecord {
  const context = {
    topic,
    partition: String(partition),
    offset,
    stage: FAILED_IN_STORE.has(reason) ? STAGES.store : STAGES.read,
    'exception.class.name': CLASS_NAME,
    'exception.message': `${reason}: ${REJECT_MEANINGS[reason].text}`,
  };
  const added = Object.entries(context).map(([name, text]) => [`${PREFIX}${name}`, Buffer.from(text)] as const);
  return { key, value, headers: [...allHeaders, ...added] };
}
