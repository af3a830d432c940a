/** `surgewatch dead-letters`: what was rejected, and reading it again. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { REJECT_REASONS } from '../envelope/schema.ts';
import { createDeadLetterReader } from '../store/dead-letter-reader.ts';
import { type Column, renderTable } from './terminal-table.ts';
import { withVerbDatabase } from './verb-database.ts';

const DEFAULT_LIMIT = 50;
const MOST_LISTED = 100_000;
/** Rows asked for at a time. */
const PAGE = 500;
const COLUMNS: readonly Column[] = [
  { head: 'when (UTC)', align: 'left' },
  { head: 'reason', align: 'left' },
  { head: 'topic/partition/offset', align: 'left' },
  { head: 'bytes', align: 'right' },
  { head: 'digest', align: 'left' },
  { head: 'requestId', align: 'left' },
];

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
  return new Command('dead-letters').description('rejected deliveries').addCommand(list);
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
      const place = coordinates === null ? source : `${coordinates.topic}/${coordinates.partition}/${coordinates.offset}`;
      rows.push([sayMoment(receivedAtMs), row.reason, place, String(sizeBytes), digest, requestId ?? '-']);
    }
    cursor = page?.nextCursor ?? null;
  } while (cursor !== null && rows.length < limit);
  const lines = rows.length === 0 ? ['no dead letter'] : renderTable(COLUMNS, rows);
  process.stdout.write(`${lines.join('\n')}\n`);
  if (cursor !== null) process.stderr.write(`there are more: raise --limit\n`);
}

function sayMoment(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}
