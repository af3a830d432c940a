/** `surgewatch kafka resume` and `skip`: end the pause of a Kafka partition, and leave a row that says who did what. */
import { Command, InvalidArgumentError } from 'commander';
import { InputFault } from '../errors.ts';
import { createKafkaPauseStore } from '../store/kafka-pause-store.ts';
import { withVerbDatabase } from './verb-database.ts';

/** Until there are credentials nobody can be named. */
const ACTOR = 'anonymous';

interface PartitionOptions {
  readonly topic: string;
  readonly partition: number;
}

export function createKafkaCommand(): Command {
  const resume = partitionCommand('resume', 'read a paused Kafka partition on from where it stopped').action(
    async ({ topic, partition }: PartitionOptions) => {
      await withVerbDatabase(async (database) => {
        const store = createKafkaPauseStore(database);
        const offset = await store.resume({ topic, partition, actor: ACTOR });
        if (offset === null) throw await notPaused(store, topic, partition);
        process.stdout.write(`${topic}/${partition} goes on at offset ${offset} within seconds\n`);
      });
    },
  );
  const skip = partitionCommand('skip', 'read a paused Kafka partition on behind what stopped it')
    .option(
      '--offset <n>',
      'next offset to read; what lies between is lost here. Left out: behind the batch that cannot be opened, or the records that are known to be rejected',
      readOffset,
    )
    .action(async ({ topic, partition, offset }: PartitionOptions & { readonly offset?: bigint }) => {
      await withVerbDatabase(async (database) => {
        const store = createKafkaPauseStore(database);
        const skipped = await askSkip(store, { topic, partition, offset: offset ?? null });
        if (skipped === null) throw await notPaused(store, topic, partition);
        const { from, to } = skipped;
        process.stdout.write(`${topic}/${partition} goes on at offset ${to} within seconds, ${to - from} offsets further\n`);
      });
    });
  return new Command('kafka').description('Kafka partitions that wait for an operator').addCommand(resume).addCommand(skip);
}

type Store = ReturnType<typeof createKafkaPauseStore>;

async function askSkip(store: Store, { topic, partition, offset }: PartitionOptions & { readonly offset: bigint | null }) {
  try {
    return await store.askSkip({ topic, partition, actor: ACTOR }, offset);
  } catch (error) {
    if (error instanceof RangeError) throw new InputFault(`--offset: ${topic}/${partition}: ${error.message}.`);
    throw error;
  }
}

function partitionCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .requiredOption('--topic <name>', 'Kafka topic')
    .requiredOption('--partition <n>', 'Kafka partition', readPartition);
}

function readPartition(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('it must be a whole number from 0.');
  return Number(text);
}

function readOffset(text: string): bigint {
  if (!/^\d{1,18}$/.test(text)) throw new InvalidArgumentError('it must be a whole number from 0.');
  return BigInt(text);
}

async function notPaused(store: Store, topic: string, partition: number): Promise<InputFault> {
  const paused = await store.listPaused();
  const others = paused.length === 0 ? 'No Kafka partition is.' : `Paused: ${paused.join(', ')}.`;
  return new InputFault(`${topic}/${partition} is not paused. ${others}`);
}
