/** The pipeline on the database: what its parts are made of, and what it counts. */
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Config } from '../config.ts';
import { decode } from '../envelope/decode.ts';
import { digestOf } from '../envelope/identity.ts';
import { createRedact } from '../envelope/redact.ts';
import type { ErrorEnvelope } from '../envelope/schema.ts';
import { createConflictFlag } from '../ingest/conflicts.ts';
import { createDeadLetterBudget } from '../ingest/dead-letter-budget.ts';
import { createGroupCommit } from '../ingest/group-commit.ts';
import { createPipeline, type Ingest } from '../ingest/pipeline.ts';
import { createRecord } from '../ingest/record.ts';
import type { Metrics } from '../metrics.ts';
import { createConflictStore } from '../store/conflict-store.ts';
import type { Database } from '../store/database.ts';
import { createEnvelopeStore } from '../store/envelope-store.ts';

export interface OpenIngest {
  readonly config: Pick<Config, 'retentionDays' | 'hasExemplars'>;
  readonly catalogue: Catalogue;
  readonly metrics: Metrics;
  readonly database: Database;
  /** For the write lanes and the look at repeats; may be the same. */
  readonly writes: Database;
  readonly replicaId: string;
  /** Called for each envelope that was read, before it is stored. */
  readonly onEnvelope?: (envelope: ErrorEnvelope) => void;
}

/** The pipeline on a database, counting under `replicaId`. @throws StoreUnavailable. */
export async function openIngest({
  config,
  catalogue,
  metrics,
  database,
  writes,
  replicaId,
  onEnvelope,
}: OpenIngest): Promise<Ingest> {
  const catalogued = [...catalogue.codes.values()].map(({ code, status }) => ({ code, status: String(status) }));
  const store = createEnvelopeStore({ database: writes, replicaId, catalogued });
  const { recordIncrements, recordCommit, recordOutcomes, recordConflicts } = createRecord({
    metrics,
    hasExemplars: config.hasExemplars,
    now: Date.now,
  });
  for (const labels of catalogued) metrics.errorsTotal.inc({ labels, value: 0 });
  recordIncrements(await store.open());
  const digestKey = await database.kysely.selectFrom('installation').select('digest_key').executeTakeFirstOrThrow();
  const { retentionDays } = config;
  const isCatalogued = (code: string) => catalogue.codes.has(code);
  return createPipeline({
    decode: ({ source, bytes, receivedAtMs, headers }) => {
      const options = { receivedAtMs, retentionDays, isCatalogued, isRecordBelieved: source === 'file' };
      const decoded = decode(bytes, headers === undefined ? options : { ...options, headers });
      if (onEnvelope !== undefined && decoded.kind === 'envelope') onEnvelope(decoded.envelope);
      return decoded;
    },
    redact: createRedact({ catalogue }),
    digest: (bytes) => digestOf(digestKey.digest_key, bytes),
    mayRecord: createDeadLetterBudget(),
    write: createGroupCommit({ store, onCommit: recordCommit, now: () => performance.now() }),
    flagConflicts: createConflictFlag({ store: createConflictStore(writes), onFlagged: recordConflicts }),
    record: recordOutcomes,
  });
}
