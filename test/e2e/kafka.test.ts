/** The whole service on a real broker: exact rows, counters and dead letters, also when it is killed in the middle. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type KafkaBroker, startKafkaBroker } from '../support/kafka.ts';
import { hasDrained, keptOf, readCounters, readKept } from '../support/kept.ts';
import { kafkaMissing, skipReason } from '../support/requirements.ts';
import { startSurgewatch } from '../support/surgewatch-process.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { produceRecords, truthOf } from '../support/topic-records.ts';
import { waitFor } from '../support/wait-for.ts';

const RECORD_COUNT = 100_000;
const PARTITION_COUNT = 6;
const DRAIN_DEADLINE_MS = 90_000;

describe('the service on a real Kafka broker', { skip: skipReason(kafkaMissing) }, () => {
  let broker: KafkaBroker;
  before(async () => {
    broker = await startKafkaBroker();
  });
  after(() => broker.stop());

  for (const [client, isKilled] of [
    ['kafkajs', false],
    ['kafkajs', true],
    ['platformatic', true],
  ] as const) {
    const what = isKilled ? 'killed in the middle and started again, ' : '';
    test(`${client}: ${what}rows are the distinct valid envelopes, counters are the rows, dead letters are the malformed records`, async () => {
      const topic = `errors-${client}-${isKilled ? 'killed' : 'plain'}`;
      await broker.createTopic(topic, PARTITION_COUNT);
      const truth = truthOf(RECORD_COUNT);
      const dir = makeTempDir('kafka-e2e');
      const dataDir = join(dir.path, 'data');
      const env = { KAFKA_BROKERS: broker.brokers.join(), KAFKA_TOPIC: topic, KAFKA_GROUP_ID: topic, KAFKA_CLIENT: client };
      let service = await startSurgewatch({ dataDir, env });
      try {
        const producing = produceRecords(broker, topic, RECORD_COUNT);
        if (isKilled) {
          const isInTheMiddle = async () => (await readCounters(service.url)) > truth.valid / 4;
          await waitFor(isInTheMiddle, { deadlineMs: DRAIN_DEADLINE_MS, what: 'a quarter to be stored', pollMs: 5 });
          await service.kill9();
          service = await startSurgewatch({ dataDir, env });
        }
        await producing;
        const isDrained = () => hasDrained(service, truth);
        await waitFor(isDrained, { deadlineMs: DRAIN_DEADLINE_MS, what: 'the topic to be drained', pollMs: 100 });
        assert.deepEqual(await readKept(service), keptOf(truth));
        assert.equal(await service.stop(), 0);
      } finally {
        dir.remove();
      }
    });
  }
});
