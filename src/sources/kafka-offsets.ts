/** Where the group stands in each Kafka partition, against what the partition holds. */
import type { KafkaClient, PartitionEnds } from './kafka-ports.ts';

export interface GroupOffsets extends PartitionEnds {
  /** null: the group never committed here. */
  readonly committed: bigint | null;
}

/** @throws when the broker does not answer. */
export async function readGroup(client: Pick<KafkaClient, 'readEnds' | 'readCommitted'>): Promise<readonly GroupOffsets[]> {
  // Committed offsets first: a later answer could only hide a gap, never invent one.
  const committed = await client.readCommitted();
  return (await client.readEnds()).map((ends) => ({ ...ends, committed: committed.get(ends.partition) ?? null }));
}
