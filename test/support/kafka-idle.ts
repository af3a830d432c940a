/**
 * What one idle Kafka source costs, in a process of its own.
 * Usage: node kafka-idle.ts BROKER TOPIC CLIENT prints per cent of a core.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { createKafkaSource } from '../../src/sources/kafka-source.ts';
import { createMemoryPauses } from './kafka-pauses.ts';

/** Joining and the first fetches are over by then. */
const SETTLE_MS = 4_000;
const MEASURE_MS = 6_000;

const [broker = '', topic = '', client] = process.argv.slice(2);
const nothing = () => {};
const source = createKafkaSource(
  {
    brokers: [broker],
    topic,
    groupId: `${topic}-idle`,
    client: client === 'platformatic' ? client : 'kafkajs',
    dlqTopic: null,
    ssl: false,
    sslCa: null,
    sasl: null,
  },
  {
    ingest: async () => [],
    untilStoreServes: async () => {},
    recordProgress: async () => {},
    pauses: createMemoryPauses(),
    metrics: { setLag: nothing, setUp: nothing, setPaused: nothing, recordsSkipped: nothing, forget: nothing },
    now: Date.now,
    log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
  },
);
await source.start();
await delay(SETTLE_MS);
const before = process.cpuUsage();
const sinceMs = performance.now();
await delay(MEASURE_MS);
const { user, system } = process.cpuUsage(before);
process.stdout.write(`${(user + system) / 10 / (performance.now() - sinceMs)}\n`);
await source.stop();
