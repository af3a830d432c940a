/** Dead letters as an administrator reads them: over HTTP and as a page, on a real PostgreSQL. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { HttpServer } from '../../src/http/server.ts';
import { createDeadLetterReader } from '../../src/store/dead-letter-reader.ts';
import { type MigratedDatabase, startMigratedDatabase } from '../support/migrated-database.ts';
import { createBareServer } from '../unit/http/bare-server.ts';

const NOW_MS = Date.UTC(2026, 10, 20, 14, 7, 16);
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

interface Answer {
  readonly items: readonly Readonly<Record<string, unknown>>[];
  readonly nextCursor: string | null;
}

describe('dead letters', () => {
  let world: MigratedDatabase;
  let server: HttpServer;
  let url = '';

  before(async () => {
    world = await startMigratedDatabase();
    server = createBareServer({}, { deadLetters: createDeadLetterReader(world.database), now: () => NOW_MS });
    ({ url } = await server.start());
  });
  beforeEach(async () => {
    await world.server.query('truncate dead_letter');
    await world.server.query('truncate kafka_pause');
  });
  after(async () => {
    await server?.stop();
    await world?.stop();
  });

  /** One of Kafka partition 0 of `errors`, so many minutes ago. */
  async function bury(offset: number, reason: string, minutesAgo: number): Promise<void> {
    await world.server.query(
      `insert into dead_letter (source, reason, topic, kafka_partition, kafka_offset, size_bytes, digest, received_at)
       values ('kafka', $1, 'errors', 0, $2, 17, '\\x00ff', $3)`,
      [reason, offset, new Date(NOW_MS - minutesAgo * MINUTE_MS)],
    );
  }
  async function ask(path: string): Promise<Answer> {
    const response = await fetch(`${url}/v1/dead-letters${path}`);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('cache-control'), 'no-store');
    return (await response.json()) as Answer;
  }
  const offsetsOf = ({ items }: Answer) => items.map(({ offset }) => offset);
  async function readPage(path = ''): Promise<string> {
    const response = await fetch(`${url}/dead-letters${path}`);
    assert.equal(response.status, 200);
    return (await response.text()).replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ');
  }

  test('each tells its reason, coordinates, size, digest and time, and nothing of its bytes', async () => {
    await bury(42, 'syntax', 3);
    const { items, nextCursor } = await ask('');
    assert.equal(nextCursor, null);
    assert.deepEqual(items, [
      {
        reason: 'syntax',
        source: 'kafka',
        topic: 'errors',
        partition: 0,
        offset: '42',
        sizeBytes: 17,
        digest: '00ff',
        requestId: null,
        receivedAt: '2026-11-20T14:04:16.000Z',
      },
    ]);
  });

  test('pages follow one another from the newest, also within one reason, and what came meanwhile moves none', async () => {
    for (let offset = 0; offset < 7; offset += 1) await bury(offset, offset % 2 === 0 ? 'syntax' : 'utf8', 10 - offset);
    const first = await ask('?limit=3');
    assert.deepEqual(offsetsOf(first), ['6', '5', '4']);
    await bury(7, 'syntax', 0);
    const second = await ask(`?limit=3&cursor=${first.nextCursor}`);
    assert.deepEqual(offsetsOf(second), ['3', '2', '1']);
    const last = await ask(`?limit=3&cursor=${second.nextCursor}`);
    assert.deepEqual([offsetsOf(last), last.nextCursor], [['0'], null]);
    assert.deepEqual(offsetsOf(await ask('?reason=utf8')), ['5', '3', '1']);
  });

  test('a reason outside the closed set and a cursor of somebody else are refused in words', async () => {
    for (const query of ['?reason=ugly', '?cursor=abc', '?limit=501']) {
      const response = await fetch(`${url}/v1/dead-letters${query}`);
      assert.equal(response.status, 400, query);
      assert.doesNotMatch(await response.text(), /ugly|abc/);
    }
    assert.equal((await fetch(`${url}/dead-letters?reason=ugly`)).status, 400);
  });

  test('one that was read again and accepted is told no more', async () => {
    await bury(1, 'syntax', 3);
    await world.server.query('update dead_letter set replayed_at = now()');
    assert.deepEqual((await ask('')).items, []);
    assert.match(await readPage(), /Nothing was rejected/);
  });

  test('the page says first how many, why, what that means and what to do', async () => {
    for (let offset = 0; offset < 5; offset += 1) await bury(offset, 'request_id', 60 - offset);
    await bury(5, 'utf8', 20);
    await bury(6, 'utf8', 2 * (DAY_MS / MINUTE_MS));
    const text = await readPage();
    assert.match(
      text,
      /6 deliveries were rejected in the last day Most of them, 5, are request_id : no requestId, or one that is not/,
    );
    assert.match(text, /Fix the producer: an error without a usable requestId can never be looked up\./);
    assert.match(text, /The newest came 20 minutes ago/);
    assert.match(text, /errors \/ 0 \/ 4/);
    assert.match(await readPage('?reason=utf8'), /Only utf8 [\s\S]*errors \/ 0 \/ 6/);
  });

  test('of an imported file the page tells the line, and offers no reading from Kafka', async () => {
    await bury(12, 'syntax', 3);
    assert.match(await readPage(), /surgewatch dead-letters replay/);
    await world.server.query("update dead_letter set source = 'file', topic = 'old.ndjson'");
    const text = await readPage();
    assert.match(text, /line 12 of the file old\.ndjson/);
    assert.doesNotMatch(text, /dead-letters replay/);
  });

  test('with none the page says what would bring one', async () => {
    assert.match(
      await readPage(),
      /Nothing was rejected [\s\S]*None is kept\. One shows here when a delivery [\s\S]* is refused/,
    );
  });

  test('a Kafka partition that waits stands above everything, with the two ways out', async () => {
    await world.server.query(
      `insert into kafka_pause (topic, kafka_partition, cause, detail, paused_offset, known_bad_until, paused_at)
       values ('errors', 3, 'rejected_in_a_row', '100 records, most of them syntax', 512, 540, $1)`,
      [new Date(NOW_MS - 5 * MINUTE_MS)],
    );
    const text = await readPage();
    assert.match(text, /waits for you since today 14:02:16 UTC, 5 minutes ago errors \/ 3 This Kafka partition is not read/);
    assert.match(text, /surgewatch kafka resume --topic errors --partition 3/);
    assert.match(text, /surgewatch kafka skip --topic errors --partition 3/);
    await world.server.query('update kafka_pause set skip_to = 600');
    assert.match(await readPage(), /Somebody asked to go on at offset 600/);
  });
});
