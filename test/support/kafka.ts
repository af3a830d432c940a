/**
 * A real Kafka broker, one KRaft node without ZooKeeper or container, on free loopback ports. It can be killed and
 * started again on the same address and the same log, as a fault test needs.
 */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import kafkajs from 'kafkajs';
import { repairKafkajsTimer } from '../../src/sources/kafkajs/timer.ts';
import { findFreePort, isPortOpen } from './free-port.ts';
import { type KafkaVersion, resolveKafkaLibraries } from './kafka-libraries.ts';
import { type RealProcess, runProcess, startProcess } from './real-process.ts';
import { programs, required } from './requirements.ts';
import { makeTempDir } from './temp-dir.ts';
import { waitFor } from './wait-for.ts';

const { Kafka, logLevel } = kafkajs;
process.env['KAFKAJS_NO_PARTITIONER_WARNING'] = '1';
repairKafkajsTimer(); // Node 24 warns of its negative timeouts.

const START_TRIES = 3;
/** A broker that was killed needs up to 17 s to be up again, on an idle machine. */
const READY_DEADLINE_MS = 90_000;
const TOPIC_DEADLINE_MS = 30_000;
const SERVER_CLASS = 'kafka.Kafka';

export interface KafkaBroker {
  readonly brokers: readonly string[];
  /** A silent client of the broker. */
  readonly kafka: kafkajs.Kafka;
  pid(): number;
  output(): string;
  /** Resolves when each Kafka partition has a leader. A topic that is there already is fine. */
  createTopic(name: string, partitions: number): Promise<void>;
  /** In one request, to a topic that must be there. */
  produce(topic: string, messages: readonly kafkajs.Message[]): Promise<void>;
  /** One question on a connection of its own. */
  withAdmin<Answer>(question: (admin: kafkajs.Admin) => Promise<Answer>): Promise<Answer>;
  /** SIGKILL; the log stays. */
  kill(): Promise<void>;
  /** Starts a killed broker again on its ports and its log. */
  restart(): Promise<void>;
  /** Ends the broker for good and removes its log. */
  stop(): Promise<void>;
}

export interface StartKafka {
  readonly version?: KafkaVersion;
  /** Lines of server.properties that win over ours. */
  readonly properties?: Readonly<Record<string, string>>;
}

export async function startKafkaBroker({ version = '4.4.0', properties = {} }: StartKafka = {}): Promise<KafkaBroker> {
  const classPath = join(await resolveKafkaLibraries(version), '*');
  for (let tries = 1; ; tries += 1) {
    const dir = makeTempDir('kafka');
    const [port, controllerPort] = [await findFreePort(), await findFreePort()];
    const configFile = join(dir.path, 'server.properties');
    await writeFile(configFile, render({ ...settings(port, controllerPort, join(dir.path, 'log')), ...properties }));
    await format(classPath, configFile);
    const kafka = new Kafka({ brokers: [`127.0.0.1:${port}`], clientId: 'test-support', logLevel: logLevel.NOTHING });
    const run = async () => launch(classPath, configFile);
    let broker = await run();
    const isUp = await waitUntilUp(broker, kafka, port);
    if (isUp) {
      return {
        brokers: [`127.0.0.1:${port}`],
        kafka,
        pid: () => broker.pid,
        output: () => broker.output(),
        createTopic: (name, partitions) => createTopic(kafka, name, partitions),
        produce: (topic, messages) => produce(kafka, topic, messages),
        withAdmin: (question) => withAdmin(kafka, question),
        kill: async () => {
          await broker.kill();
        },
        restart: async () => {
          broker = await run();
          if (!(await waitUntilUp(broker, kafka, port))) throw new Error(`the broker did not come back:\n${broker.output()}`);
        },
        stop: async () => {
          await broker.kill();
          dir.remove();
        },
      };
    }
    dir.remove();
    // Both ports were free when they were chosen; another process may have bound one since.
    if (tries === START_TRIES || !/BindException|Address already in use/.test(broker.output())) {
      throw new Error(`Kafka ${version} did not start:\n${broker.output()}`);
    }
  }
}

function settings(port: number, controllerPort: number, logDir: string): Readonly<Record<string, string>> {
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': logDir,
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
  };
}

function render(properties: Readonly<Record<string, string>>): string {
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

async function format(classPath: string, configFile: string): Promise<void> {
  // Kafka's ids are 16 bytes in base64url; one that starts with a dash would be read as an option.
  const clusterId = `A${randomBytes(16).toString('base64url').slice(1)}`;
  const args = [
    '-XX:TieredStopAtLevel=1',
    '-cp',
    classPath,
    'kafka.tools.StorageTool',
    'format',
    '-t',
    clusterId,
    '-c',
    configFile,
  ];
  const { code, output } = await runProcess({ command: required(programs.java, 'java'), args });
  if (code !== 0) throw new Error(`Kafka's storage could not be formatted:\n${output}`);
}

async function launch(classPath: string, configFile: string): Promise<RealProcess> {
  const options = ['-Xmx512m', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', classPath];
  return startProcess({ command: required(programs.java, 'java'), args: [...options, SERVER_CLASS, configFile] });
}

/** True when the broker answers for itself; false when its process ended before. */
async function waitUntilUp(broker: RealProcess, kafka: kafkajs.Kafka, port: number): Promise<boolean> {
  const isSettled = async () => !broker.isRunning() || ((await isPortOpen(port)) && (await hasLeader(kafka)));
  await waitFor(isSettled, { deadlineMs: READY_DEADLINE_MS, what: 'Kafka to answer', pollMs: 100 });
  return broker.isRunning();
}

async function hasLeader(kafka: kafkajs.Kafka): Promise<boolean> {
  return withAdmin(kafka, async (admin) => (await admin.describeCluster()).brokers.length > 0, { retries: 0 });
}

async function createTopic(kafka: kafkajs.Kafka, topic: string, partitions: number): Promise<void> {
  await withAdmin(kafka, async (admin) => {
    // A fresh broker answers UNKNOWN_TOPIC_OR_PARTITION once for a topic that it did create: ask until it shows.
    const isThere = async () => {
      await admin.createTopics({ topics: [{ topic, numPartitions: partitions, replicationFactor: 1 }], waitForLeaders: false });
      const [found] = (await admin.fetchTopicMetadata({ topics: [topic] })).topics;
      return found?.partitions.length === partitions && found.partitions.every(({ leader }) => leader >= 0);
    };
    await waitFor(isThere, { deadlineMs: TOPIC_DEADLINE_MS, what: `topic ${topic} to have its leaders`, pollMs: 100 });
  });
}

async function produce(kafka: kafkajs.Kafka, topic: string, messages: readonly kafkajs.Message[]): Promise<void> {
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  await producer.send({ topic, messages: [...messages] });
  await producer.disconnect();
}

async function withAdmin<Answer>(
  kafka: kafkajs.Kafka,
  question: (admin: kafkajs.Admin) => Promise<Answer>,
  retry?: kafkajs.RetryOptions,
): Promise<Answer> {
  const admin = kafka.admin(retry === undefined ? {} : { retry });
  await admin.connect();
  try {
    return await question(admin);
  } finally {
    await admin.disconnect();
  }
}
