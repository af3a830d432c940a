/** The contract of a Kafka client, on one version of the broker, both clients side by side. */
import { after, before, describe, test } from 'node:test';
import { createKafkaSource } from '../../src/sources/kafka-source.ts';
import { type KafkaBroker, startKafkaBroker } from './kafka.ts';
import { createBareConfig, createBareDeps } from './kafka-bare.ts';
import { readsAndCommits, refusesBombs } from './kafka-contract.ts';
import { outlastsFaults, outlastsTheBroker, sharesAGroup } from './kafka-contract-faults.ts';
import type { KafkaVersion } from './kafka-libraries.ts';
import { type ClientName, createKafkaScene, type OpenScene } from './kafka-scene.ts';
import { kafkaMissing, skipReason } from './requirements.ts';

/** Most of their time the tests wait. */
const TESTS_AT_ONCE = 3;
const CLIENTS: readonly ClientName[] = ['kafkajs', 'platformatic'];

export function holdToContract(version: KafkaVersion): void {
  describe(`on Kafka ${version}`, { skip: skipReason(kafkaMissing) }, () => {
    let broker: KafkaBroker;
    before(async () => {
      broker = await startKafkaBroker({ version });
    });
    after(() => broker.stop());
    const openFor =
      (client: ClientName): OpenScene =>
      (context) => {
        const scene = createKafkaScene(broker, client);
        context.after(() => scene.stopAll());
        return scene;
      };

    describe('each client', { concurrency: true }, () => {
      for (const client of CLIENTS) {
        describe(client, { concurrency: TESTS_AT_ONCE }, () => {
          readsAndCommits(openFor(client));
          outlastsFaults(openFor(client));
        });
      }
    });

    describe('both clients', { concurrency: 1 }, () => {
      for (const client of CLIENTS) refusesBombs(openFor(client), client);
      sharesAGroup(() => broker);
      outlastsTheBroker(() => broker, CLIENTS);
    });
  });

  for (const client of CLIENTS) {
    test(`${client}: stop ends a start that still waits for a broker, and a source that was never started`, async () => {
      const unreachable = createBareConfig({ brokers: ['127.0.0.1:1'], topic: 't', groupId: 'g', client });
      const deps = createBareDeps();
      const started = createKafkaSource(unreachable, deps);
      await started.start();
      await started.stop();
      await started.stop();
      const never = createKafkaSource(unreachable, deps);
      await never.stop();
      await never.start();
    });
  }
}
