/** Which library speaks to Kafka, and the figures that hold for each of them. */
import type { KafkaClient, KafkaClientDeps, KafkaConfig, KafkaLog, KafkaSender } from './kafka-ports.ts';

export const CLIENT_ID = 'surgewatch';
/** A dead member's Kafka partitions stand still for this long. */
export const SESSION_TIMEOUT_MS = 10_000;
export const HEARTBEAT_INTERVAL_MS = 2_000;
/** How long the group waits for its members to come back during a rebalance; a minute, the default, would stop all of them for one. */
export const REBALANCE_TIMEOUT_MS = 12_000;
/** Bounds memory: a fetch holds at most this much, compressed, of each Kafka partition. */
export const MAX_BYTES_PER_PARTITION = 256 * 1024;
/** Bounds memory: the whole answer of one broker. */
export const MAX_BYTES_PER_FETCH = 4 * 1024 * 1024;
/** How long a broker may hold a fetch that has nothing to bring; also the longest wait of `stop` for a running fetch. */
export const MAX_FETCH_WAIT_MS = 1_000;
/** How soon Kafka partitions that a topic gained are seen; kafkajs would take five minutes. */
export const METADATA_MAX_AGE_MS = 10_000;
export const CONNECTION_TIMEOUT_MS = 3_000;
/** Batches of different Kafka partitions that are handed over at the same time. */
export const PARTITIONS_AT_ONCE = 6;

export async function createKafkaClient(config: KafkaConfig, deps: KafkaClientDeps): Promise<KafkaClient> {
  // Imported here and not above: each library costs memory and time at a start, and one of them is never used.
  switch (config.client) {
    case 'kafkajs':
      return (await import('./kafkajs/client.ts')).createKafkajsClient(config, deps);
    case 'platformatic':
      return (await import('./platformatic/client.ts')).createPlatformaticClient(config, deps);
  }
}

/** Sends to one topic, by kafkajs whatever `config.client` says. */
export async function createKafkaSender(config: KafkaConfig, topic: string, log: KafkaLog): Promise<KafkaSender> {
  return (await import('./kafkajs/client.ts')).createSender(config, topic, log);
}
