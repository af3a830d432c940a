/**
 * Where deliveries become rows. Redact precedes the store so that no secret reaches a disk; counts share the row's
 * transaction so that a redelivery counts once. Read it aloud: decode, redact, store, record.
 */
import type { Decoded, RedactedEnvelope } from '../envelope/schema.ts';
import type { Outcome } from './outcome.ts';
import { type Delivery, SOURCES, type Storable, type Written } from './ports.ts';

export interface PipelineDeps {
  readonly decode: (delivery: Delivery) => Decoded;
  readonly redact: (envelope: Extract<Decoded, { kind: 'envelope' }>['envelope'], receivedAtMs: number) => RedactedEnvelope;
  /** Keyed digest of a delivery's bytes, for its dead letter. */
  readonly digest: (bytes: Uint8Array | null) => Uint8Array;
  /** Whether one more rejected delivery without coordinates may be recorded now. */
  readonly mayRecord: (receivedAtMs: number) => boolean;
  readonly write: (storables: readonly Storable[], sizeBytes: number) => Promise<readonly Written[]>;
  /** Remembers duplicates whose body is another one. */
  readonly flagConflicts: (storables: readonly Storable[], written: readonly Written[]) => Promise<void>;
  /** The one place that counts outcomes. */
  readonly record: (storables: readonly Storable[], written: readonly Written[]) => void;
}

export type Ingest = (deliveries: readonly Delivery[]) => Promise<readonly Outcome[]>;

export function createPipeline({ decode, redact, digest, mayRecord, write, flagConflicts, record }: PipelineDeps): Ingest {
  function toStorable(delivery: Delivery): Storable {
    const { source, receivedAtMs, coordinates, bytes } = delivery;
    const decoded = decode(delivery);
    const sizeBytes = bytes?.length ?? 0;
    const digestOfBytes = () => digest(bytes);
    // Each written out: a spread of what they share costs every envelope one object more.
    if (decoded.kind === 'rejected') {
      const { reason, requestId } = decoded;
      const isRecorded = coordinates !== null || mayRecord(receivedAtMs);
      return {
        kind: 'rejected',
        source,
        receivedAtMs,
        coordinates,
        sizeBytes,
        digest: digestOfBytes,
        reason,
        requestId,
        isRecorded,
      };
    }
    const { recorded } = decoded;
    if (recorded === undefined) {
      const envelope = redact(decoded.envelope, receivedAtMs);
      return { kind: 'envelope', source, receivedAtMs, coordinates, sizeBytes, digest: digestOfBytes, envelope };
    }
    const first = { receivedAtMs: recorded.receivedAtMs, source: SOURCES.find((each) => each === recorded.source) ?? source };
    const envelope = redact(decoded.envelope, first.receivedAtMs);
    return { kind: 'envelope', source, receivedAtMs, coordinates, sizeBytes, digest: digestOfBytes, recorded: first, envelope };
  }

  /** @throws Fault: nothing of these deliveries may be acknowledged. */
  return async function ingest(deliveries) {
    if (deliveries.length === 0) return [];
    const storables = deliveries.map(toStorable);
    const written = await write(storables, sizeOf(deliveries));
    await flagConflicts(storables, written);
    record(storables, written);
    return storables.map((storable, index) => outcomeOf(storable, written[index]));
  };
}

function sizeOf(deliveries: readonly Delivery[]): number {
  let sizeBytes = 0;
  for (const { bytes } of deliveries) sizeBytes += bytes?.length ?? 0;
  return sizeBytes;
}

function outcomeOf(storable: Storable, written: Written | undefined): Outcome {
  if (written === undefined) throw new Error('the store answered fewer outcomes than it was given storables');
  const requestId = storable.kind === 'envelope' ? storable.envelope.requestId : storable.requestId;
  if (written.kind === 'rejected') return { kind: 'rejected', requestId, reason: written.reason };
  if (requestId === null) throw new Error('the store answered that it stored what was rejected');
  return { kind: written.kind, requestId };
}
