/**
 * Hands the deliveries of one batch over, chunk by chunk, and keeps the place in the group meanwhile. Heartbeats
 * are sent from here and not from a timer, so that a consumer whose batch hangs for ever does not look alive.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Outcome } from '../ingest/outcome.ts';
import type { Delivery } from '../ingest/ports.ts';
import { toChunks } from './kafka-batch.ts';

/**
 * Chunks of one batch that are with the store at the same time. One: a repeat follows its first delivery closely, and of two
 * chunks side by side the second would wait inside PostgreSQL for the first to commit. Other Kafka partitions go on meanwhile.
 */
const CHUNKS_IN_FLIGHT = 1;
/** Between two heartbeats while chunks are with the store; the client sends fewer when they come too fast. */
const BEAT_MS = 1_000;
/** A batch that the store holds for longer is no longer covered by heartbeats: the group may give the Kafka partition to another. */
const PATIENCE_MS = 60_000;

export type Intake =
  /** `outcomes` in the order of the deliveries. */
  | { readonly kind: 'taken'; readonly outcomes: readonly Outcome[] }
  /** Some chunk was not stored; none of the batch may be committed. */
  | { readonly kind: 'store_failed'; readonly fault: unknown }
  /** The group or the broker refused the heartbeat; the batch may be another replica's by now. */
  | { readonly kind: 'heartbeat_failed'; readonly error: unknown };

export interface IntakeDeps {
  readonly ingest: (deliveries: readonly Delivery[]) => Promise<readonly Outcome[]>;
  readonly heartbeat: () => Promise<void>;
}

/** Resolves only when no chunk is with the store any more. Never rejects. */
export async function takeIn(deliveries: readonly Delivery[], { ingest, heartbeat }: IntakeDeps): Promise<Intake> {
  const inFlight = new Set<Promise<void>>();
  let failure: Exclude<Intake, { kind: 'taken' }> | null = null;
  const chunks = toChunks(deliveries);
  const outcomes: (readonly Outcome[])[] = chunks.map(() => []);
  let beatsLeft = PATIENCE_MS / BEAT_MS;

  async function hand(chunk: readonly Delivery[], place: number): Promise<void> {
    try {
      outcomes[place] = await ingest(chunk);
    } catch (fault) {
      failure ??= { kind: 'store_failed', fault };
    }
  }

  async function untilAtMost(count: number): Promise<void> {
    while (inFlight.size > count) {
      const timer = new AbortController();
      const beat = delay(BEAT_MS, undefined, { signal: timer.signal }).catch(() => {});
      await Promise.race([...inFlight, beat]);
      timer.abort();
      if (failure !== null || beatsLeft <= 0) continue;
      beatsLeft -= 1;
      try {
        await heartbeat();
      } catch (error) {
        failure ??= { kind: 'heartbeat_failed', error };
      }
    }
  }

  for (const [place, chunk] of chunks.entries()) {
    if (failure !== null) break;
    const handed: Promise<void> = hand(chunk, place).finally(() => inFlight.delete(handed));
    inFlight.add(handed);
    await untilAtMost(CHUNKS_IN_FLIGHT - 1);
  }
  await untilAtMost(0);
  return failure ?? { kind: 'taken', outcomes: outcomes.flat() };
}
