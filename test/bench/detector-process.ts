/**
 * The leader's evaluation alone in a process of its own, so that its memory is its own, over counts that are there: from
 * nothing to the present, then ticks of 4 s whose time is only told and not waited for, a stop, and the starts of the
 * next leader after a stop and after a death. Arguments: connection string, start of the counts and of the live part and
 * its end, in epoch seconds. Prints one JSON object.
 */
import { createEvaluation } from '../../src/alert/evaluation.ts';
import { settingsFor } from '../../src/detect/detector.ts';
import { createDatabase } from '../../src/store/database.ts';
import { createDetectionStore } from '../../src/store/detection-store.ts';
import { createSnapshotStore } from '../../src/store/snapshot-store.ts';
import { createSpikeStore } from '../../src/store/spike-store.ts';
import { createTrafficStore } from '../../src/store/traffic-store.ts';

const TICK_SECONDS = 4;
const LEASE_MS = 600_000;
const BUCKET_SECONDS = 10;

export interface DetectorRun {
  readonly codeCount: number;
  /** From nothing, over all counts before the live part. */
  readonly firstStartMs: number;
  readonly ticks: readonly {
    readonly wholeMs: number;
    readonly readMs: number;
    readonly writeMs: number;
    readonly snapshotMs: number;
    /** Whether a bucket was evaluated in it. */
    readonly hasBucket: boolean;
  }[];
  readonly stopMs: number;
  readonly startAfterStopMs: number;
  readonly startAfterDeathMs: number;
  readonly rssBytes: number;
  readonly longestBlockMs: number;
}

const [connectionString = '', ...moments] = process.argv.slice(2);
const [, liveSeconds = 0, endSeconds = 0] = moments.map(Number);
const log = { debug() {}, info() {}, warn: console.error, error: console.error };
const database = createDatabase({ connectionString, role: 'surgewatch_app', poolSize: 4, log });
const spent = { read: 0, write: 0, snapshot: 0 };
let longestBlockMs = 0;
let breathedAtMs = performance.now();

function timed<Args extends readonly unknown[], Answer>(
  of: keyof typeof spent,
  work: (...args: Args) => Promise<Answer>,
): (...args: Args) => Promise<Answer> {
  return async (...args) => {
    const startMs = performance.now();
    try {
      return await work(...args);
    } finally {
      spent[of] += performance.now() - startMs;
    }
  };
}

const stored = createDetectionStore(database);
const detection = {
  ...stored,
  readCounts: timed('read', stored.readCounts),
  readSpans: timed('read', stored.readSpans),
  writeEvaluated: timed('write', stored.writeEvaluated),
};
const snapshots = createSnapshotStore(database);

async function lead(holder: string) {
  const { epoch } = await detection.keepLease(holder, null, LEASE_MS);
  if (epoch === null) throw new Error('another process leads');
  const evaluation = createEvaluation(
    {
      settingsOf: (activeCodeCount) => settingsFor({ bucketSeconds: BUCKET_SECONDS, falsePagesPerWeek: 1, activeCodeCount }),
      holdMs: 300_000,
      labels: {},
    },
    {
      detection,
      spikes: createSpikeStore(database),
      snapshots: { ...snapshots, writeSnapshots: timed('snapshot', snapshots.writeSnapshots) },
      traffic: createTrafficStore(database),
      catalogue: { codes: new Map(), statuses: new Map() },
      log,
      breathe: () => new Promise((resolve) => setImmediate(resolve)),
      monotonicMs: () => performance.now(),
      keepOn: async () => true,
    },
  );
  return {
    run: (atSeconds: number) => evaluation.run({ epoch, nowMs: (atSeconds + 15) * 1000, watermarkMs: atSeconds * 1000 }),
    save: () => evaluation.save(epoch, () => true),
    giveUp: () => detection.releaseLease(holder, epoch),
  };
}

/** Until it stands at that moment. */
async function timeToReach(leader: Awaited<ReturnType<typeof lead>>, atSeconds: number): Promise<number> {
  const startMs = performance.now();
  for (let until = 0; until < atSeconds * 1000; ) until = (await leader.run(atSeconds)).evaluatedUntilMs ?? 0;
  return performance.now() - startMs;
}

const heartbeat = setInterval(() => {
  longestBlockMs = Math.max(longestBlockMs, performance.now() - breathedAtMs);
  breathedAtMs = performance.now();
}, 1);

const first = await lead('first');
const firstStartMs = await timeToReach(first, liveSeconds);
const ticks: DetectorRun['ticks'][number][] = [];
let at = liveSeconds;
longestBlockMs = 0;
for (; at + TICK_SECONDS <= endSeconds - 2 * BUCKET_SECONDS; at += TICK_SECONDS) {
  Object.assign(spent, { read: 0, write: 0, snapshot: 0 });
  const startMs = performance.now();
  await first.run(at + TICK_SECONDS);
  const hasBucket = Math.floor((at + TICK_SECONDS) / BUCKET_SECONDS) > Math.floor(at / BUCKET_SECONDS);
  const { read, write, snapshot } = spent;
  ticks.push({ wholeMs: performance.now() - startMs, readMs: read, writeMs: write, snapshotMs: snapshot, hasBucket });
}
const tickBlockMs = longestBlockMs;
const rssBytes = process.memoryUsage.rss();
await first.giveUp();
const second = await lead('second');
const startAfterDeathMs = await timeToReach(second, endSeconds - BUCKET_SECONDS);
const stopStartMs = performance.now();
await second.save();
const stopMs = performance.now() - stopStartMs;
await second.giveUp();
const third = await lead('third');
const startAfterStopMs = await timeToReach(third, endSeconds);
clearInterval(heartbeat);
const [{ count = 0 } = {}] = await database.kysely
  .selectFrom('detector_state')
  .select((state) => state.fn.countAll<string>().as('count'))
  .execute();
const result: DetectorRun = {
  codeCount: Number(count),
  firstStartMs,
  ticks,
  stopMs,
  startAfterStopMs,
  startAfterDeathMs,
  rssBytes,
  longestBlockMs: tickBlockMs,
};
process.stdout.write(JSON.stringify(result));
await database.close();
