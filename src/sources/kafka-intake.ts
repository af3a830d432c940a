/**
 * Hands the deliveries of one batch over, one chunk after the other, and keeps the place in the group meanwhile. Heartbeats
 * are sent from here and not from a timer, so that a consumer whose batch hangs for ever does not look alive.
 *
 * Not two chunks at once: a repeat follows its first delivery closely, and the second chunk would wait inside PostgreSQL
 * for the first to commit. Other Kafka partitions go on meanwhile.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Outcome } from '../ingest/outcome.ts';
import type { Delivery } from '../ingest/ports.ts';
import { toChunks } from './kafka-batch.ts';

/** Between two heartbeats while a chunk is with the store; the client sends fewer when they come too fast. */
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
  const outcomes: Outcome[] = [];
  let failure: Exclude<Intake, { kind: 'taken' }> | null = null;
  let beatsLeft = PATIENCE_MS / BEAT_MS;
  let isWithStore = false;

  async function hand(chunk: readonly Delivery[]): Promise<void> {
    isWithStore = true;
    try {
      outcomes.push(...(await ingest(chunk)));
    } catch (fault) {
      failure ??= { kind: 'store_failed', fault };
    } finally {
      isWithStore = false;
    }
  }

  async function beat(): Promise<void> {
    if (failure !== null || beatsLeft <= 0) return;
    beatsLeft -= 1;
    try {
      await heartbeat();
    } catch (error) {
      failure ??= { kind: 'heartbeat_failed', error };
    }
  }

  for (const chunk of toChunks(deliveries)) {
    const handed = hand(chunk);
    while (isWithStore) {
      const timer = new AbortController();
      const pause = delay(BEAT_MS, undefined, { signal: timer.signal }).catch(() => {});
      await Promise.race([handed, pause]);
      timer.abort();
      await beat();
    }
    if (failure !== null) return failure;
  }
  return { kind: 'taken', outcomes };
}
