/** A service that takes envelopes by both paths, on a real broker and a real PostgreSQL of its own. */
import { type KafkaBroker, startKafkaBroker } from './kafka.ts';
import { startTestDatabase, type TestDatabase } from './postgres.ts';
import { type SurgewatchProcess, startSurgewatch } from './surgewatch-process.ts';

export interface IngestScene {
  readonly broker: KafkaBroker;
  readonly database: TestDatabase;
  readonly service: SurgewatchProcess;
  /** NDJSON; the outcome of each line, or the reason why it was rejected. */
  postLines(body: string | Uint8Array<ArrayBuffer>): Promise<readonly string[]>;
  stop(): Promise<void>;
}

export interface StartIngestScene {
  readonly topic: string;
  readonly partitionCount?: number;
  readonly brokerProperties?: Readonly<Record<string, string>>;
}

export async function startIngestScene({
  topic,
  partitionCount = 1,
  brokerProperties = {},
}: StartIngestScene): Promise<IngestScene> {
  const broker = await startKafkaBroker({ properties: brokerProperties });
  await broker.createTopic(topic, partitionCount);
  const database = await startTestDatabase();
  const service = await startSurgewatch({
    env: { DATABASE_URL: database.connectionString, KAFKA_BROKERS: broker.brokers.join(), KAFKA_TOPIC: topic },
  });

  async function postLines(body: string | Uint8Array<ArrayBuffer>): Promise<readonly string[]> {
    const headers = { 'content-type': 'application/x-ndjson' };
    const response = await fetch(`${service.url}/v1/envelopes`, { method: 'POST', headers, body });
    const { results } = Object(await response.json());
    return results.map(({ outcome, reason }: { outcome: string; reason?: string }) => reason ?? outcome);
  }
  async function stop(): Promise<void> {
    await service.stop();
    await database.stop();
    await broker.stop();
  }
  return { broker, database, service, postLines, stop };
}
