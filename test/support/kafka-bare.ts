/** A Kafka source with nothing before it and nothing behind it: plain settings, and a store that takes all and keeps none. */
import type { KafkaConfig, KafkaSourceDeps } from '../../src/sources/kafka-source.ts';
import { createMemoryPauses } from './kafka-pauses.ts';

const nothing = () => {};

/** No TLS, no password, no topic for dead letters. */
export function createBareConfig(config: Pick<KafkaConfig, 'brokers' | 'topic' | 'groupId' | 'client'>): KafkaConfig {
  return { ...config, dlqTopic: null, ssl: false, sslCa: null, sasl: null };
}

export function createBareDeps(): KafkaSourceDeps {
  return {
    ingest: async () => [],
    untilStoreServes: async () => {},
    recordProgress: async () => {},
    pauses: createMemoryPauses(),
    metrics: { setLag: nothing, setUp: nothing, setPaused: nothing, recordsSkipped: nothing, forget: nothing },
    now: Date.now,
    log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
  };
}
