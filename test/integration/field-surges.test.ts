/** Surges of one field inside VALIDATION_ERROR, through the detection loop on a real PostgreSQL whose clock a test moves on. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SpikeRecord } from '../../src/alert/spike.ts';
import { createCollector, MINUTE_MS, startWorld as startClockedWorld } from '../support/detection-world.ts';

const CODE = 'VALIDATION_ERROR';
const SKU = { field: 'items[].sku', code: 'REQUIRED' };
const EMAIL = { field: 'email', code: 'INVALID_FORMAT' };
/** Errors in ten seconds. */
const NORMAL = { code: 120, pair: 4 };

const pairsOf = (spikes: readonly SpikeRecord[]) => spikes.map(({ pair }) => pair?.field ?? 'the code').sort();

async function startWorld() {
  const world = await startClockedWorld();
  const countPair = (pair: typeof SKU, fromMs: number, toMs: number, count: number) =>
    world.query(
      `insert into field_count (field, sub_code, bucket_start, is_clock_ahead, replica_id, lane, error_count)
       select $1, $2, start, false, 'test', 0, $5 + (hashtext(start::text) % 3)
       from generate_series(to_timestamp($3::float8 / 1000), to_timestamp($4::float8 / 1000) - interval '10 s', '10 s') as start
       on conflict on constraint field_count_pkey do update set error_count = excluded.error_count`,
      [pair.field, pair.code, fromMs, toMs, count],
    );
  const fromMs = world.nowMs - 70 * MINUTE_MS;
  const toMs = world.nowMs + 15 * MINUTE_MS;
  await world.count(fromMs, toMs, NORMAL.code, CODE);
  for (const pair of [SKU, EMAIL]) await countPair(pair, fromMs, toMs, NORMAL.pair);
  /** Ten times as many of each pair for a while from then on. */
  async function surge(pair: typeof SKU, fromNowMs: number, lastsMs: number): Promise<void> {
    await countPair(pair, world.nowMs + fromNowMs, world.nowMs + fromNowMs + lastsMs, 10 * NORMAL.pair);
  }
  const surgeOfCode = (fromNowMs: number, lastsMs: number) =>
    world.count(world.nowMs + fromNowMs, world.nowMs + fromNowMs + lastsMs, 10 * NORMAL.code, CODE);
  return { ...world, surge, surgeOfCode };
}

describe('a field that surges inside its code', () => {
  test('is a spike of its own while the code barely moves, told by one alert that names it, and closes', async () => {
    const world = await startWorld();
    await world.surge(SKU, -50_000, 2 * MINUTE_MS);
    const { client, ofSpikes } = createCollector();
    const loop = world.loop({ clients: [client] });
    await loop.tick();
    const [spike, ...others] = await world.spikes();
    assert.deepEqual([others, spike?.code, spike?.pair, spike?.closedAtMs], [[], CODE, SKU, null]);
    assert.ok((spike?.observed ?? 0) > 4 * (spike?.expected ?? 0), 'what is observed is the pair’s');
    assert.equal(spike?.evidence.otherCodes, null, 'its own code and its siblings are no other codes');
    await loop.stop();
    assert.deepEqual(
      ofSpikes().map(({ labels }) => [labels['code'], labels['field'], labels['field_code']]),
      [[CODE, SKU.field, SKU.code]],
    );
    await world.moveClock(12 * MINUTE_MS);
    await world.loop().tick();
    const [closed] = await world.spikes();
    assert.notEqual(closed?.closedAtMs, null);
  });

  test('is only part of the news while its code surges, also for a process that starts meanwhile', async () => {
    const world = await startWorld();
    await world.surgeOfCode(-50_000, 6 * MINUTE_MS);
    await world.surge(SKU, -50_000, 6 * MINUTE_MS);
    const first = world.loop();
    await first.tick();
    assert.deepEqual(pairsOf(await world.spikes()), ['the code']);
    await world.surge(EMAIL, 60_000, 3 * MINUTE_MS);
    await world.moveClock(2 * MINUTE_MS);
    await first.tick();
    await first.stop();
    await world.loop().tick();
    assert.deepEqual(pairsOf(await world.spikes()), ['the code']);
  });

  test('that was told before its code surged lives on beside it', async () => {
    const world = await startWorld();
    await world.surge(SKU, -50_000, 6 * MINUTE_MS);
    await world.surgeOfCode(60_000, 5 * MINUTE_MS);
    const loop = world.loop();
    await loop.tick();
    assert.deepEqual(pairsOf(await world.spikes()), ['items[].sku']);
    await world.moveClock(3 * MINUTE_MS);
    await loop.tick();
    assert.deepEqual(pairsOf(await world.spikes()), ['items[].sku', 'the code']);
  });

  test('is found open again by a process that starts meanwhile: neither closed nor told anew', async () => {
    const world = await startWorld();
    await world.surge(SKU, -50_000, 10 * MINUTE_MS);
    const first = world.loop();
    await first.tick();
    const before = await world.spikes();
    assert.deepEqual(pairsOf(before), ['items[].sku']);
    await first.stop();
    await world.moveClock(MINUTE_MS);
    await world.loop().tick();
    assert.deepEqual(await world.spikes(), before);
  });

  test('in counts that come late is learnt, and told only while it is news', async () => {
    const world = await startWorld();
    const loop = world.loop();
    await loop.tick();
    await world.surge(EMAIL, -40 * MINUTE_MS, 3 * MINUTE_MS);
    await world.query('insert into late_code values ($1, $2, 0)', [`${CODE} ${EMAIL.field} ${EMAIL.code}`, 'test']);
    await loop.tick();
    assert.deepEqual(await world.query('select * from late_code'), []);
    assert.deepEqual(await world.spikes(), []);
  });
});
