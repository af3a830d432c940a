/** Builds @platformatic/kafka from our configuration, behind our port. */
import { ConnectionPool, Consumer, FetchIsolationLevels, ListOffsetTimestamps, type SASLOptions } from '@platformatic/kafka';
import {
  CLIENT_ID,
  CONNECTION_TIMEOUT_MS,
  HEARTBEAT_INTERVAL_MS,
  METADATA_MAX_AGE_MS,
  REBALANCE_TIMEOUT_MS,
  SESSION_TIMEOUT_MS,
} from '../kafka-client.ts';
import type { KafkaClient, KafkaClientDeps, KafkaConfig } from '../kafka-ports.ts';
import { registerPlatformaticCodecs } from './codecs.ts';
import { openPlatformaticConsumer } from './consumer.ts';

/** kafkajs's name for dealing partitions out in turn: with the same one, both clients can share a group while one takes over. */
const ASSIGNOR = { name: 'RoundRobinAssigner', version: 0 };
/** A join waits for the other members; everything else is answered at once or not at all. */
const REQUEST_TIMEOUT_MS = REBALANCE_TIMEOUT_MS + 3_000;
const QUESTION_TIMEOUT_MS = 5_000;

function saslOptions({ mechanism, username, password }: NonNullable<KafkaConfig['sasl']>): SASLOptions {
  switch (mechanism) {
    case 'plain':
      return { mechanism: 'PLAIN', username, password };
    case 'scram-sha-256':
      return { mechanism: 'SCRAM-SHA-256', username, password };
    case 'scram-sha-512':
      return { mechanism: 'SCRAM-SHA-512', username, password };
  }
}

export function createPlatformaticClient(config: KafkaConfig, deps: KafkaClientDeps): KafkaClient {
  const { topic, groupId } = config;
  registerPlatformaticCodecs();
  const connection = {
    connectTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    ...(config.ssl ? { tls: config.sslCa === null ? {} : { ca: config.sslCa } } : {}),
    ...(config.sasl === null ? {} : { sasl: saslOptions(config.sasl) }),
  };
  const options = {
    ...connection,
    clientId: CLIENT_ID,
    bootstrapBrokers: [...config.brokers],
    groupId,
    metadataMaxAge: METADATA_MAX_AGE_MS,
    autocommit: false,
    // With retries a commit that the group refuses is sent again under the next assignment, for a Kafka partition that may be another's.
    retries: 0,
    sessionTimeout: SESSION_TIMEOUT_MS,
    rebalanceTimeout: REBALANCE_TIMEOUT_MS,
    heartbeatInterval: HEARTBEAT_INTERVAL_MS,
    protocols: [ASSIGNOR],
  };

  /** An 'error' event of a connection has no listener of the library's once its first one was told, and would end the process. */
  function guard(pool: ConnectionPool): void {
    pool.on('connecting', ({ connection: opened }) => opened.on('error', deps.onTrouble));
  }

  function createConsumer(requestTimeout: number): Consumer {
    const consumer = new Consumer({ ...options, requestTimeout });
    guard(consumer.connections);
    return consumer;
  }

  let asked: Consumer | null = null;

  /** Never joins the group. One that failed is thrown away: it may hold on to a broker that is gone. */
  async function ask<T>(question: (consumer: Consumer) => Promise<T>): Promise<T> {
    asked ??= createConsumer(QUESTION_TIMEOUT_MS);
    const consumer = asked;
    try {
      return await question(consumer);
    } catch (error) {
      deps.onTrouble();
      if (asked === consumer) asked = null;
      await consumer.close().catch(() => {});
      throw error;
    }
  }

  async function listOffsets(consumer: Consumer, timestamp: bigint): Promise<readonly bigint[]> {
    const isolationLevel = FetchIsolationLevels.READ_UNCOMMITTED; // Else the end is that of the last finished transaction.
    return (await consumer.listOffsets({ topics: [topic], timestamp, isolationLevel })).get(topic) ?? [];
  }

  const offsets: Pick<KafkaClient, 'readEnds' | 'readCommitted'> = {
    readEnds: () =>
      ask(async (consumer) => {
        const low = await listOffsets(consumer, ListOffsetTimestamps.EARLIEST);
        const high = await listOffsets(consumer, ListOffsetTimestamps.LATEST);
        return high.map((end, partition) => ({ partition, low: low[partition] ?? 0n, high: end }));
      }),
    readCommitted: () =>
      ask(async (consumer) => {
        const found = (await consumer.metadata({ topics: [topic] })).topics.get(topic);
        const partitions = Array.from({ length: found?.partitionsCount ?? 0 }, (_, partition) => partition);
        const committed = (await consumer.listCommittedOffsets({ topics: [{ topic, partitions }] })).get(topic) ?? [];
        return new Map([...committed.entries()].filter(([, offset]) => offset !== undefined && offset >= 0n));
      }),
  };

  return {
    ...offsets,
    async close() {
      await asked?.close().catch(() => {});
    },
    openConsumer(listeners) {
      const fetchPool = new ConnectionPool(CLIENT_ID, connection);
      guard(fetchPool);
      return openPlatformaticConsumer({
        ...deps,
        topic,
        consumer: createConsumer(REQUEST_TIMEOUT_MS),
        fetchPool,
        offsets,
        listeners,
      });
    },
  };
}
