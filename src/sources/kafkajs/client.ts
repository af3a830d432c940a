/** Builds kafkajs from our configuration and keeps its log lines out of ours. */
import kafkajs, { type Kafka, type SASLOptions } from 'kafkajs';
import {
  CLIENT_ID,
  CONNECTION_TIMEOUT_MS,
  HEARTBEAT_INTERVAL_MS,
  MAX_BYTES_PER_FETCH,
  MAX_BYTES_PER_PARTITION,
  MAX_FETCH_WAIT_MS,
  METADATA_MAX_AGE_MS,
  REBALANCE_TIMEOUT_MS,
  SESSION_TIMEOUT_MS,
} from '../kafka-client.ts';
import type { KafkaClient, KafkaClientDeps, KafkaConfig, KafkaLog, KafkaSender } from '../kafka-ports.ts';
import { registerKafkajsCodecs } from './codecs.ts';
import { openKafkajsConsumer } from './consumer.ts';
import { keepAllHeaders, repairKafkajsHeaders } from './headers.ts';
import { repairKafkajsNumbers } from './numbers.ts';
import { createKafkajsOffsets } from './offsets.ts';
import { createKafkajsSender } from './sender.ts';
import { repairKafkajsTimer } from './timer.ts';

/** The default gives up after about 10 s without a broker and rejoins up to 30 s after it is back. */
const PATIENT_RETRY = { initialRetryTime: 300, maxRetryTime: 2_000, retries: 1_000 };
/** Not zero: kafkajs answers the first question of a fresh client by a retry ("No brokers in the broker pool"). */
const BRIEF_RETRY = { initialRetryTime: 100, maxRetryTime: 300, retries: 2 };

function saslOptions(sasl: NonNullable<KafkaConfig['sasl']>): SASLOptions {
  const { mechanism, username, password } = sasl;
  switch (mechanism) {
    case 'plain':
      return { mechanism, username, password };
    case 'scram-sha-256':
      return { mechanism, username, password };
    case 'scram-sha-512':
      return { mechanism, username, password };
  }
}

/** kafkajs as we configure it. `retry`: how patient it is. */
function createKafka(config: KafkaConfig, { onTrouble, log }: Pick<KafkaClientDeps, 'onTrouble' | 'log'>, retry: object): Kafka {
  const { Kafka, logLevel } = kafkajs;
  return new Kafka({
    clientId: CLIENT_ID,
    brokers: [...config.brokers],
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    ssl: config.ssl && config.sslCa !== null ? { ca: [config.sslCa] } : config.ssl,
    ...(config.sasl === null ? {} : { sasl: saslOptions(config.sasl) }),
    retry,
    logLevel: logLevel.WARN,
    // One line a failed attempt would flood the log for as long as a broker is away.
    logCreator: () => (entry) => {
      onTrouble();
      log.debug({ namespace: entry.namespace, error: entry.log['error'] }, `kafkajs: ${entry.log.message}`);
    },
  });
}

/** Sends to `topic`; fails soon, as whoever asks tries again. */
export function createSender(config: KafkaConfig, topic: string, log: KafkaLog): KafkaSender {
  repairKafkajsTimer();
  return createKafkajsSender(createKafka(config, { onTrouble: () => {}, log }, BRIEF_RETRY), topic);
}

export function createKafkajsClient(config: KafkaConfig, { onTrouble, log }: KafkaClientDeps): KafkaClient {
  if (!repairKafkajsTimer()) log.warn({}, 'this kafkajs is not the version whose timer is repaired: expect more CPU while idle');
  if (!repairKafkajsHeaders())
    log.warn({}, 'this kafkajs is not the version whose headers are repaired: a record with thousands of them stops the service');
  repairKafkajsNumbers(); // Only speed is lost without it.
  if (config.dlqTopic !== null) keepAllHeaders();
  const create = (retry: object): Kafka => createKafka(config, { onTrouble, log }, retry);
  const { readEnds, readCommitted, close } = createKafkajsOffsets(
    () => create(BRIEF_RETRY).admin(),
    config.topic,
    config.groupId,
  );
  return {
    readEnds,
    readCommitted,
    close,
    openConsumer(listeners) {
      const stopListening = registerKafkajsCodecs(listeners.onRefused);
      const consumer = create(PATIENT_RETRY).consumer({
        groupId: config.groupId,
        sessionTimeout: SESSION_TIMEOUT_MS,
        heartbeatInterval: HEARTBEAT_INTERVAL_MS,
        rebalanceTimeout: REBALANCE_TIMEOUT_MS,
        maxBytesPerPartition: MAX_BYTES_PER_PARTITION,
        maxBytes: MAX_BYTES_PER_FETCH,
        maxWaitTimeInMs: MAX_FETCH_WAIT_MS,
        metadataMaxAge: METADATA_MAX_AGE_MS,
        allowAutoTopicCreation: false,
        // kafkajs never restarts by itself: one place, the source's loop, builds the next consumer.
        retry: { ...PATIENT_RETRY, restartOnFailure: async () => false },
      });
      const opened = openKafkajsConsumer({
        topic: config.topic,
        consumer,
        keepsHeaders: config.dlqTopic !== null,
        listeners,
        log,
      });
      return {
        ...opened,
        close: () => opened.close().finally(stopListening),
      };
    },
  };
}
