/** Asks the broker through kafkajs where each Kafka partition begins and ends and how far the group has committed it. */
import type { Admin } from 'kafkajs';
import type { KafkaClient } from '../kafka-ports.ts';

export type KafkajsOffsets = Pick<KafkaClient, 'readEnds' | 'readCommitted' | 'close'>;

export function createKafkajsOffsets(createAdmin: () => Admin, topic: string, groupId: string): KafkajsOffsets {
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

  return {
    async readEnds() {
      const offsets = await ask((admin) => admin.fetchTopicOffsets(topic));
      return offsets.map(({ partition, low, high }) => ({ partition, low: BigInt(low), high: BigInt(high) }));
    },
    async readCommitted() {
      const groups = await ask((admin) => admin.fetchOffsets({ groupId, topics: [topic] }));
      const offsets = groups
        .flatMap((group) => group.partitions)
        .map(({ partition, offset }) => [partition, BigInt(offset)] as const);
      return new Map(offsets.filter(([, offset]) => offset >= 0n));
    },
    async close() {
      const closing = connected;
      connected = null;
      await closing?.then((admin) => admin.disconnect()).catch(() => {});
    },
  };
}
