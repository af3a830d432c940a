/** `surgewatch dead-letters`: what was rejected, and reading it again. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type Logger, pino } from 'pino';
import { openVerbIngest } from '../app.ts';
import { type Config, loadConfig } from '../config.ts';
import { REJECT_REASONS } from '../envelope/schema.ts';
import { ConfigurationFault, InputFault } from '../errors.ts';
import { createKafkaClient } from '../sources/kafka-client.ts';
import type { Database } from '../store/database.ts';
import { createDeadLetterReader } from '../store/dead-letter-reader.ts';
import { createDeadLetterReplay } from '../store/dead-letter-replay.ts';
import { writeAction } from '../store/kafka-pause-store.ts';
import { acquireReplicaLease } from '../store/replica-lease.ts';
import { replayDeadLetters, sayReplay } from './replay-dead-letters.ts';
import { createProgress } from './terminal-progress.ts';
import { type Column, renderTable } from './terminal-table.ts';
import { withVerbDatabase } from './verb-database.ts';

const DEFAULT_LIMIT = 50;
const MOST_LISTED = 100_000;
/** Rows that a replay stores are counted under this id. */
const REPLAY_REPLICA_ID = 'replay';
const WAIT_FOR_REPLICA_ID_MS = 15_000;
/** Two write lanes, the lease, and the dead letters. */
const REPLAY_POOL_SIZE = 4;
/** Rows asked for at a time. */
const PAGE = 500;
const COLUMNS: readonly Column[] = [
  { head: 'when (UTC)', align: 'left' },
  { head: 'reason', align: 'left' },
  { head: 'where', align: 'left' },
  { head: 'bytes', align: 'right' },
  { head: 'digest', align: 'left' },
  { head: 'requestId', align: 'left' },
];

/** Until there are credentials nobody can be named. */
const ACTOR = 'anonymous';

interface ListOptions {
  readonly reason?: string;
  readonly limit: number;
}

export function createDeadLettersCommand(): Command {
  const list = new Command('list')
    .description('rejected deliveries, newest first: why, where they can be read again, never what they held')
    .addOption(reasonOption())
    .option('--limit <n>', 'most rows', readLimit, DEFAULT_LIMIT)
    .action((options: ListOptions) => withVerbDatabase((database) => printList(createDeadLetterReader(database), options)));
  const replay = new Command('replay')
    .description('read them from Kafka again; what is accepted now is stored and leaves the list')
    .addOption(reasonOption())
    .option('--topic <name>', 'only this topic; all that have any when left out')
    .option('--limit <n>', 'most dead letters of a topic, oldest first', readLimit, MOST_LISTED)
    .action((options: ReplayOptions) =>
      withVerbDatabase((database, isOwn) => replayAll(database, isOwn, options), { poolSize: REPLAY_POOL_SIZE }),
    );
  return new Command('dead-letters').description('rejected deliveries').addCommand(list).addCommand(replay);
}

interface ReplayOptions extends ListOptions {
  readonly topic?: string;
}

async function replayAll(database: Database, isExclusive: boolean, { topic, ...filter }: ReplayOptions): Promise<void> {
  const config = { ...loadConfig(process.env), replicaId: REPLAY_REPLICA_ID };
  if (config.kafka === null) throw new ConfigurationFault(['KAFKA_BROKERS must be set: dead letters are read again from Kafka.']);
  const log = pino({ level: 'silent' });
  const lease = await acquireReplicaLease(database, {
    replicaId: REPLAY_REPLICA_ID,
    host: hostname(),
    waitMs: WAIT_FOR_REPLICA_ID_MS,
    isExclusive,
    log: { warn: (_fields, text) => void process.stderr.write(`${text}\n`) },
  });
  const lost = new AbortController();
  void lease.lost.then((fault) => lost.abort(fault));
  try {
    const store = createDeadLetterReplay(database);
    const topics = topic === undefined ? await store.listTopics() : [topic];
    if (topics.length === 0) process.stdout.write('no dead letter that Kafka could hold\n');
    const ingest = await openVerbIngest({ config, database, writes: database, replicaId: config.replicaId });
    const digestKey = await store.readDigestKey();
    for (const each of topics) {
      const letters = await store.listOpen({ topic: each, ...filter });
      const subject = { topic: each, reason: filter.reason ?? null, count: letters.length };
      await writeAction(database.kysely, ACTOR, 'dead_letters_replay', subject);
      const client = await openClient(config.kafka, each, log);
      const progress = createProgress({ stream: process.stderr, unit: 'records', monotonicMs: () => performance.now() });
      const rest = { client, ingest, store, digestKey, onProgress: progress.update, now: Date.now, signal: lost.signal };
      try {
        const tally = await replayDeadLetters({ topic: each, letters, ...rest });
        progress.end();
        process.stdout.write(sayReplay(each, tally));
      } catch (fault) {
        // The next topic may be read all the same.
        if (!(fault instanceof InputFault)) throw fault;
        progress.end();
        process.stderr.write(`${each}: ${fault.message}\n`);
        process.exitCode = 1;
      } finally {
        progress.end();
        await client.close();
      }
    }
  } finally {
    await lease.release();
  }
}

/** In a group of its own: nobody else's Kafka partitions move, and no offset of the service does. */
function openClient(kafka: NonNullable<Config['kafka']>, topic: string, log: Logger) {
  const sslCa = kafka.sslCaFile === null ? null : readFileSync(kafka.sslCaFile, 'utf8');
  const own = { ...kafka, topic, groupId: `${kafka.groupId}-replay`, sslCa };
  return createKafkaClient(own, { onTrouble: () => {}, now: Date.now, log });
}

function reasonOption(): Option {
  return new Option('--reason <reason>', 'only this one').choices(REJECT_REASONS);
}

function readLimit(text: string): number {
  const limit = Number(text);
  if (/^\d+$/.test(text) && limit >= 1 && limit <= MOST_LISTED) return limit;
  throw new InvalidArgumentError(`it must be a whole number from 1 to ${MOST_LISTED}.`);
}

async function printList(reader: ReturnType<typeof createDeadLetterReader>, { reason, limit }: ListOptions): Promise<void> {
  const rows: (readonly string[])[] = [];
  let cursor: string | null = null;
  do {
    const filter = { limit: Math.min(PAGE, limit - rows.length), ...(reason === undefined ? {} : { reason }) };
    const page = await reader.listDeadLetters(cursor === null ? filter : { ...filter, cursor });
    for (const { receivedAtMs, coordinates, source, sizeBytes, digest, requestId, ...row } of page?.items ?? []) {
      const place = sayPlace(source, coordinates);
      rows.push([sayMoment(receivedAtMs), row.reason, place, String(sizeBytes), digest, requestId ?? '-']);
    }
    cursor = page?.nextCursor ?? null;
  } while (cursor !== null && rows.length < limit);
  const lines = rows.length === 0 ? ['no dead letter'] : renderTable(COLUMNS, rows);
  process.stdout.write(`${lines.join('\n')}\n`);
  if (cursor !== null) process.stderr.write(`there are more: raise --limit\n`);
}

type Place = { readonly topic: string; readonly partition: number; readonly offset: string } | null;

/** Of a Kafka record topic, Kafka partition and offset, of an imported one its file and line. */
function sayPlace(source: string, place: Place): string {
  if (place === null) return source;
  if (source === 'file') return `${place.topic}:${place.offset}`;
  return `${place.topic}/${place.partition}/${place.offset}`;
}

function sayMoment(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}
