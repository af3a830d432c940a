/** Asks the broker where each Kafka partition begins and ends and how far the group has committed it. */
import type { Admin } from 'kafkajs';

export interface PartitionEnds {
  readonly partition: number;
  /** Oldest record that still exists. */
  readonly low: bigint;
  /** Offset that the next record will get. */
  readonly high: bigint;
}

export interface GroupOffsets extends PartitionEnds {
  /** null: the group never committed here. */
  readonly committed: bigint | null;
}

export interface OffsetReader {
  readEnds(): Promise<readonly PartitionEnds[]>;
  readGroup(): Promise<readonly GroupOffsets[]>;
  close(): Promise<void>;
}

export function createOffsetReader(createAdmin: () => Admin, topic: string, groupId: string): OffsetReader {
  let connected: Promise<Admin> | null = null;

  async function connect(): Promise<Admin> {
    const admin = createAdmin();
    await admin.connect();
    return admin;
  }

  /** A client that failed once is thrown away: it may hold on to a broker that is gone. */
  async function ask<T>(question: (admin: Admin) => Promise<T>): Promise<T> {
    connected ??= connect();
    const asked = connected;
    try {
      return await question(await asked);
    } catch (error) {
      if (connected === asked) connected = null;
      await asked.then((admin) => admin.disconnect()).catch(() => {});
      throw error;
    }
  }

  async function readEnds(): Promise<readonly PartitionEnds[]> {
    const offsets = await ask((admin) => admin.fetchTopicOffsets(topic));
    return offsets.map(({ partition, low, high }) => ({ partition, low: BigInt(low), high: BigInt(high) }));
  }

  return {
    readEnds,
    async readGroup() {
      // Committed offsets first: a later answer could only hide a gap, never invent one.
      const groups = await ask((admin) => admin.fetchOffsets({ groupId, topics: [topic] }));
      const committed = new Map(
        groups.flatMap((group) => group.partitions).map(({ partition, offset }) => [partition, BigInt(offset)]),
      );
      return (await readEnds()).map((ends) => {
        const offset = committed.get(ends.partition) ?? -1n;
        return { ...ends, committed: offset < 0n ? null : offset };
      });
    },
    async close() {
      const closing = connected;
      connected = null;
      await closing?.then((admin) => admin.disconnect()).catch(() => {});
    },
  };
}
