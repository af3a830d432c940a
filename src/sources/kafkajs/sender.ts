/**
 * Sends records by kafkajs, whichever client reads: @platformatic/kafka takes each name of a header once, and a record is
 * to go on byte for byte. One producer, connected when it is first needed.
 */
import kafkajs, { type Kafka, type Producer } from 'kafkajs';
import type { KafkaSender, SentRecord } from '../kafka-ports.ts';

export function createKafkajsSender(kafka: Kafka, topic: string): KafkaSender {
  let connected: Promise<Producer> | null = null;

  async function connect(): Promise<Producer> {
    const producer = kafka.producer({
      allowAutoTopicCreation: false,
      // The partitioner of Kafka's own producers: a key goes where they would send it.
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    return producer;
  }

  return {
    async send(records) {
      connected ??= connect();
      const asked = connected;
      try {
        const producer = await asked;
        await producer.send({ topic, acks: -1, messages: records.map(toMessage) });
      } catch (error) {
        // A producer that failed once is thrown away: it may hold on to a broker that is gone.
        if (connected === asked) connected = null;
        await asked.then((producer) => producer.disconnect()).catch(() => {});
        throw error;
      }
    },
    async close() {
      const closing = connected;
      connected = null;
      await closing?.then((producer) => producer.disconnect()).catch(() => {});
    },
  };
}

/** kafkajs writes headers name by name; those of one name keep their order, and one without a value gets an empty one. */
function toMessage({ key, value, headers }: SentRecord) {
  const byName: Record<string, Buffer[]> = Object.create(null);
  for (const [name, bytes] of headers) {
    const earlier = byName[String(name)] ?? [];
    byName[String(name)] = earlier;
    earlier.push(bytes ?? Buffer.alloc(0));
  }
  return { key, value, headers: byName };
}
