/**
 * Reads dead letters again where Kafka still holds them, through the pipeline that everything takes. What is accepted now
 * is stored and leaves the list; killed in between, the next run finds it stored and says so. Records are known by their
 * bytes as well as by their coordinates: a topic that was made anew holds others at the same offsets.
 */
import { digestOf } from '../envelope/identity.ts';
import type { RejectReason } from '../envelope/schema.ts';
import type { Ingest } from '../ingest/pipeline.ts';
import type { Delivery } from '../ingest/ports.ts';
import { toChunks, toDeliveries } from '../sources/kafka-batch.ts';
import type { KafkaClient } from '../sources/kafka-ports.ts';
import { readAgain } from '../sources/kafka-reader.ts';
import type { createDeadLetterReplay, OpenDeadLetter } from '../store/dead-letter-replay.ts';

export interface ReplayTally {
  readonly asked: number;
  readonly stored: number;
  /** Stored already: by a run that was killed, or by another way. */
  readonly duplicate: number;
  readonly rejected: ReadonlyMap<RejectReason, number>;
  /** Kafka holds another record at the coordinates: the topic was made anew. */
  readonly changed: number;
  /** Kafka holds nothing there any more. */
  readonly gone: number;
}

export interface Replay {
  readonly topic: string;
  readonly letters: readonly OpenDeadLetter[];
  readonly client: KafkaClient;
  readonly ingest: Ingest;
  readonly store: Pick<ReturnType<typeof createDeadLetterReplay>, 'markReplayed' | 'changeReason'>;
  readonly digestKey: Uint8Array;
  /** Share of the records that were passed, and how many were read. */
  readonly onProgress: (share: number, readCount: number) => void;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** @throws Fault: what came before it is stored and marked. */
export async function replayDeadLetters(replay: Replay): Promise<ReplayTally> {
  const { topic, letters, client, onProgress, now, signal } = replay;
  const places = new Map<number, Map<bigint, OpenDeadLetter[]>>();
  for (const letter of letters) {
    const offsets = places.get(letter.partition) ?? new Map<bigint, OpenDeadLetter[]>();
    places.set(letter.partition, offsets);
    offsets.set(letter.offset, [...(offsets.get(letter.offset) ?? []), letter]);
  }
  const tally = { stored: 0, duplicate: 0, rejected: new Map<RejectReason, number>(), changed: 0 };
  let seenCount = 0;

  async function take(found: readonly { readonly delivery: Delivery; readonly letter: OpenDeadLetter }[]): Promise<void> {
    const outcomes = await replay.ingest(found.map(({ delivery }) => delivery));
    const accepted: string[] = [];
    for (const [place, outcome] of outcomes.entries()) {
      const letter = found[place]?.letter;
      if (letter === undefined) continue;
      if (outcome.kind === 'rejected') {
        tally.rejected.set(outcome.reason, (tally.rejected.get(outcome.reason) ?? 0) + 1);
        if (outcome.reason !== letter.reason) await replay.store.changeReason(letter.id, outcome.reason);
      } else {
        tally[outcome.kind] += 1;
        accepted.push(letter.id);
      }
    }
    await replay.store.markReplayed(accepted);
  }

  const wanted = new Map([...places].map(([partition, offsets]) => [partition, new Set(offsets.keys())]));
  await readAgain(client, {
    wanted,
    signal,
    onProgress: (share) => onProgress(share, seenCount),
    async onRecords(partition, records) {
      const found = new Map<Delivery, OpenDeadLetter>();
      for (const delivery of toDeliveries({ topic, partition, records }, now())) {
        const there = places.get(partition)?.get(BigInt(delivery.coordinates?.offset ?? -1)) ?? [];
        const digest = digestOf(replay.digestKey, delivery.bytes);
        const same = there.find((letter) => Buffer.compare(letter.digest, digest) === 0);
        seenCount += there.length;
        tally.changed += there.length - (same === undefined ? 0 : 1);
        if (same !== undefined) found.set(delivery, same);
      }
      for (const chunk of toChunks([...found.keys()])) {
        await take(chunk.flatMap((delivery) => withLetter(delivery, found.get(delivery))));
      }
    },
  });
  return { ...tally, asked: letters.length, gone: letters.length - seenCount };
}

function withLetter(delivery: Delivery, letter: OpenDeadLetter | undefined) {
  return letter === undefined ? [] : [{ delivery, letter }];
}

/** What became of them, for people. */
export function sayReplay(topic: string, { asked, stored, duplicate, rejected, changed, gone }: ReplayTally): string {
  const rejectedCount = [...rejected.values()].reduce((sum, count) => sum + count, 0);
  const reasons = [...rejected].toSorted(([, one], [, other]) => other - one).map(([reason, count]) => `${reason} ${count}`);
  const lines = [
    `${topic}: ${asked} dead letters`,
    `  stored now           ${stored}`,
    `  stored before        ${duplicate}`,
    `  still rejected       ${rejectedCount}${reasons.length === 0 ? '' : ` (${reasons.join(', ')})`}`,
    `  gone from Kafka      ${gone}`,
    ...(changed === 0 ? [] : [`  another record there ${changed} (the topic was made anew)`]),
  ];
  return `${lines.join('\n')}\n`;
}
