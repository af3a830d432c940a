/**
 * What one idle Kafka source costs, in a process of its own.
 * Usage: node kafka-idle.ts BROKER TOPIC CLIENT prints per cent of a core.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { createKafkaSource } from '../../src/sources/kafka-source.ts';
import { createBareConfig, createBareDeps } from './kafka-bare.ts';

/** Joining and the first fetches are over by then. */
const SETTLE_MS = 4_000;
const MEASURE_MS = 6_000;

const [broker = '', topic = '', client] = process.argv.slice(2);
const config = createBareConfig({
  brokers: [broker],
  topic,
  groupId: `${topic}-idle`,
  client: client === 'platformatic' ? client : 'kafkajs',
});
const source = createKafkaSource(config, createBareDeps());
await source.start();
await delay(SETTLE_MS);
const before = process.cpuUsage();
const sinceMs = performance.now();
await delay(MEASURE_MS);
const { user, system } = process.cpuUsage(before);
process.stdout.write(`${(user + system) / 10 / (performance.now() - sinceMs)}\n`);
await source.stop();
