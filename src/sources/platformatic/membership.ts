/**
 * Our place in the group, kept by @platformatic/kafka: it beats and rejoins by timers of its own. This file counts the
 * assignments, joins again where the library gives up, and steps out of the group for a batch that hangs, which those
 * timers would hide for ever.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Consumer } from '@platformatic/kafka';
import type { KafkaLog } from '../kafka-ports.ts';
import { isRejoinAsked } from './faults.ts';

/** Attempts to join while the group only says "again", and the wait between them. */
const MAX_JOIN_ATTEMPTS = 100;
const JOIN_WAIT_MS = 100;

export interface MembershipDeps {
  readonly topic: string;
  readonly consumer: Consumer;
  readonly log: KafkaLog;
  readonly signal: AbortSignal;
  readonly onJoin: (assigned: readonly number[]) => void;
  /** The group answered a heartbeat. */
  readonly onBeat: () => void;
  /** The group cannot be joined. */
  readonly onEnd: (cause: unknown) => void;
}

export interface Membership {
  /** Counts the assignments; what began under an earlier one is not ours any more. */
  epoch(): number;
  assigned(): readonly number[];
  /** True from the moment the group asked its members to come back until it has an assignment for us. */
  isRejoining(): boolean;
  /** Kafka partitions that the topic had when this assignment was made; null: not known. */
  partitionCount(): number | null;
  /** Safe while one runs. */
  join(): Promise<void>;
  /** Gives the Kafka partitions to the others; ends what is ours. */
  stepOut(): Promise<void>;
}

export function createMembership({ topic, consumer, log, signal, onJoin, onBeat, onEnd }: MembershipDeps): Membership {
  let epoch = 0;
  let assigned: readonly number[] = [];
  let isRejoining = true;
  let partitionCount: number | null = null;
  let joining: Promise<void> | null = null;

  async function joinUntilIn(): Promise<void> {
    for (let attempts = 1; !signal.aborted; attempts += 1) {
      try {
        await consumer.joinGroup({});
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (!isRejoinAsked(error) || attempts === MAX_JOIN_ATTEMPTS) return onEnd(error);
        await delay(JOIN_WAIT_MS, undefined, { signal }).catch(() => {});
      }
    }
  }

  function join(): Promise<void> {
    isRejoining = true;
    joining ??= joinUntilIn().finally(() => {
      joining = null;
    });
    return joining;
  }

  consumer.on('consumer:group:rebalance', () => {
    isRejoining = true;
  });
  consumer.on('consumer:group:join', ({ assignments }) => {
    epoch += 1;
    assigned = assignments?.find((assignment) => assignment.topic === topic)?.partitions ?? [];
    partitionCount = consumer.currentMetadata?.topics.get(topic)?.partitionsCount ?? null;
    isRejoining = false;
    onJoin(assigned);
  });
  consumer.on('consumer:heartbeat:end', onBeat);
  // Told when a heartbeat was answered by "join again" and that failed: then the library beats no more.
  consumer.on('error', (error) => {
    log.debug({ err: error }, 'the Kafka group was not joined again');
    void join();
  });

  return {
    epoch: () => epoch,
    assigned: () => assigned,
    isRejoining: () => isRejoining,
    partitionCount: () => partitionCount,
    join,
    async stepOut() {
      epoch += 1;
      assigned = [];
      isRejoining = true;
      const { promise, resolve } = Promise.withResolvers<unknown>();
      consumer.leaveGroup(true, resolve);
      const error = await promise;
      if (error instanceof Error) log.debug({ err: error }, 'the Kafka group could not be left');
    },
  };
}
