/**
 * What is known of each Kafka partition that this replica reads: how far it is committed and where it ends. Lag, being
 * caught up and records lost to retention all follow from these two numbers. Offsets are bigint: they have 64 bits.
 */
/** How long the known end of a Kafka partition may support the claim to be caught up. */
export const CAUGHT_UP_FOR_MS = 15_000;

/** The end of a Kafka partition and when it was asked for, epoch milliseconds. */
interface KnownEnd {
  readonly offset: bigint;
  readonly atMs: number;
}

interface Position {
  committed: bigint;
  end: KnownEnd | null;
}

export interface Commit {
  readonly partition: number;
  /** Next offset to read. */
  readonly committed: bigint;
  readonly end: bigint;
  readonly atMs: number;
}

export interface Standing {
  readonly committed: bigint;
  /** Records not committed yet; never negative: after a topic was made anew the committed offset may lie past its end. */
  readonly lag: number;
  readonly isCaughtUp: boolean;
}

export type KafkaPositions = ReturnType<typeof createPositions>;

export function createPositions() {
  const positions = new Map<number, Position>();

  function noteEnd(partition: number, offset: bigint, atMs: number): void {
    const position = positions.get(partition);
    if (position === undefined || (position.end !== null && position.end.atMs > atMs)) return;
    position.end = { offset, atMs };
  }

  return {
    /** Starts anew: what was known before belongs to an earlier assignment. */
    clear(): void {
      positions.clear();
    },
    learn(partition: number, committed: bigint): void {
      positions.set(partition, { committed, end: null });
    },
    partitions(): readonly number[] {
      return [...positions.keys()];
    },
    /** `atMs`: when the end was asked for; an older answer never replaces a newer one. */
    noteEnd,
    noteCommit({ partition, committed, end, atMs }: Commit): void {
      const position = positions.get(partition);
      if (position === undefined) return;
      position.committed = committed;
      noteEnd(partition, end, atMs);
    },
    /** null: not ours, or not learnt yet. */
    standing(partition: number, nowMs: number): Standing | null {
      const position = positions.get(partition);
      if (position === undefined) return null;
      const { committed, end } = position;
      return {
        committed,
        lag: end === null ? 0 : Math.max(0, Number(end.offset - committed)),
        isCaughtUp: end !== null && nowMs - end.atMs <= CAUGHT_UP_FOR_MS && committed === end.offset,
      };
    },
  };
}
