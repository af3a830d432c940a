/** The dead letters' page in a real browser: full, empty, on a phone, in the dark. `SCREENSHOTS=DIR` keeps a picture of each. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { HttpServer } from '../../src/http/server.ts';
import { createDeadLetterReader } from '../../src/store/dead-letter-reader.ts';
import { type Browser, type NewPage, openBrowser } from '../support/chromium.ts';
import { type MigratedDatabase, startMigratedDatabase } from '../support/migrated-database.ts';
import { chromiumMissing, skipReason } from '../support/requirements.ts';
import { PHONE, visit } from '../support/visit.ts';
import { createBareServer } from '../unit/http/bare-server.ts';

const NOW_MS = Date.UTC(2026, 10, 20, 14, 7, 16);

describe("the dead letters' page in a browser", { skip: skipReason(chromiumMissing) }, () => {
  let world: MigratedDatabase;
  let server: HttpServer;
  let browser: Browser;
  let url = '';

  before(async () => {
    world = await startMigratedDatabase();
    server = createBareServer({}, { deadLetters: createDeadLetterReader(world.database), now: () => NOW_MS });
    ({ url } = await server.start());
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.stop();
    await server?.stop();
    await world?.stop();
  });

  const open = (path: string, shot: string, options: NewPage = {}) => visit({ browser, url: `${url}${path}`, shot, options });

  test('empty, it says what would bring a dead letter', async () => {
    const page = await open('/dead-letters', 'dead-letters-empty');
    assert.match(await page.innerText('main'), /Nothing was rejected[\s\S]*None is kept/);
  });

  test('full, the answer and the partition that waits stand in the first screen, on any screen', async () => {
    await fill(world);
    await open('/dead-letters', 'dead-letters-dark', { dark: true });
    await open('/dead-letters', 'dead-letters-phone', PHONE);
    await open('/dead-letters', 'dead-letters-phone-dark', { ...PHONE, dark: true });
    await open('/dead-letters?reason=syntax', 'dead-letters-one-reason');
    const page = await open('/dead-letters', 'dead-letters');
    assert.match(await page.innerText('h1'), /1\u2009?\d*.* deliveries were rejected in the last day/);
    const waiting = await page.locator('.card-firing').boundingBox();
    assert.ok(waiting !== null && waiting.y < 800, 'what waits for a person stands in the first screen');
    await page.click('a:has-text("Older ones")');
    await page.waitForURL('**cursor=**');
    assert.match(await page.innerText('main'), /api\.errors\.v1 \/ 3/);
    await page.click('.places a:has-text("Dead letters")');
    assert.equal(await page.getAttribute('.places a:has-text("Dead letters")', 'aria-current'), 'page');
  });
});

async function fill({ server }: MigratedDatabase): Promise<void> {
  for (const [reason, count, size] of [
    ['syntax', 118, 241],
    ['request_id', 9, 310],
    ['timestamp', 4, 288],
    ['too_large', 1, 1_300_512],
  ] as const) {
    await server.query(
      `insert into dead_letter (source, reason, topic, kafka_partition, kafka_offset, size_bytes, digest, request_id, received_at)
       select 'kafka', $1, 'api.errors.v1', 3, 18446744 + n + $4::int, $3, decode(md5(($1 || n)), 'hex'),
         case when $1 = 'timestamp' then 'req_7a8b9c0d1e' || n end, $5::timestamptz - n * interval '2 minutes'
       from generate_series(1, $2::int) as n`,
      [reason, count, size, size, new Date(NOW_MS - 90_000)],
    );
  }
  await server.query(
    `insert into dead_letter (source, reason, size_bytes, digest, received_at) values ('webhook', 'media_type', 12, '\\x0102', $1)`,
    [new Date(NOW_MS - 40_000)],
  );
  await server.query(
    `insert into kafka_pause (topic, kafka_partition, cause, detail, paused_offset, known_bad_until, paused_at)
     values ('api.errors.v1', 3, 'rejected_in_a_row', '100 records, most of them syntax', 18446862, 18446880, $1)`,
    [new Date(NOW_MS - 5 * 60_000)],
  );
}
