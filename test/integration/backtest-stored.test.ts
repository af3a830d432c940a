/** `backtest --from` on a real PostgreSQL: the stored counts give what the same counts give from a file. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { after, before, beforeEach, describe, test } from 'node:test';
import { createBacktestCommand } from '../../src/cli/backtest.ts';
import { UsageFault } from '../../src/errors.ts';
import { MONDAY_SECONDS } from '../fixtures/detect/run-series.ts';
import { createDice } from '../fixtures/detect/seeded-counts.ts';
import { type MigratedDatabase, startMigratedDatabase } from '../support/migrated-database.ts';
import { makeTempDir } from '../support/temp-dir.ts';

const BUCKET_SECONDS = 10;
const MINUTE = 60;
const HOUR = 3600;
const DAY = 24 * HOUR;
const START = MONDAY_SECONDS;
const END = START + 3 * DAY;

interface Count {
  readonly code: string;
  readonly at: number;
  readonly count: number;
}
/** From..to, seconds after the start. */
type Stretch = readonly [from: number, to: number];

const isIn = (stretches: readonly Stretch[], at: number) => stretches.some(([from, to]) => at >= START + from && at < START + to);

/** Three days of ten-second counts; while a code surges, ten times as many. */
function countsOf(code: string, perMinute: number, surges: readonly Stretch[], seed: number): readonly Count[] {
  const dice = createDice(seed);
  const counts: Count[] = [];
  for (let at = START; at < END; at += BUCKET_SECONDS) {
    const count = dice.poisson((perMinute / 6) * (isIn(surges, at) ? 10 : 1));
    if (count > 0) counts.push({ code, at, count });
  }
  return counts;
}

/** In the second hour: warm-up in the tests that report from the second day. */
const EARLY: Stretch = [HOUR, HOUR + 20 * MINUTE];
const LATER: Stretch = [30 * HOUR, 30 * HOUR + 20 * MINUTE];
const LAST: Stretch = [50 * HOUR, 50 * HOUR + 10 * MINUTE];
// One that errs all the time shows in a file which minutes were collected.
const STEADY = countsOf('ALWAYS', 60, [], 1);
const SURGING = countsOf('PAYMENT_FAILED', 6, [EARLY, LATER, LAST], 2);
const RARE = countsOf('TOKEN_EXPIRED', 0.5, [LATER], 3);
const ALL = [...STEADY, ...SURGING, ...RARE];

let migrated: MigratedDatabase;
before(async () => {
  migrated = await startMigratedDatabase();
});
after(() => migrated.stop());
beforeEach(async () => {
  await migrated.server.query('truncate bucket_count, collected_span, traffic');
  await migrated.server.query('update detector_progress set evaluated_until = null');
});

async function store(counts: readonly Count[], { isClockAhead = false, replica = 'one' } = {}): Promise<void> {
  await migrated.server.query(
    `insert into bucket_count select code, to_timestamp(at), $4, $5, 0, error_count
     from unnest($1::text[], $2::float8[], $3::int[]) as given (code, at, error_count)`,
    [counts.map(({ code }) => code), counts.map(({ at }) => at), counts.map(({ count }) => count), isClockAhead, replica],
  );
}
async function collect(...stretches: readonly Stretch[]): Promise<void> {
  for (const [from, to] of stretches) {
    await migrated.server.query('insert into collected_span values ($1, to_timestamp($2::float8), to_timestamp($3::float8))', [
      `${from}`,
      START + from,
      START + to,
    ]);
  }
}

interface Printed {
  readonly out: string;
  readonly notes: string;
}

async function run(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Printed> {
  let [out, notes] = ['', ''];
  const output = new Writable({
    write(chunk, _encoding, done) {
      out += String(chunk);
      done();
    },
  });
  const errors = {
    write(text: string) {
      notes += text;
    },
  };
  const command = createBacktestCommand({
    output,
    errors,
    env: { DATABASE_URL: migrated.server.connectionString, ...env },
    nowMs: () => END * 1000,
  });
  await command.parseAsync(argv, { from: 'user' });
  return { out, notes };
}
const rowsOf = (out: string): readonly Record<string, unknown>[] =>
  out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
const replay = async (...argv: readonly string[]) => rowsOf((await run(['--from', '3d', '--json', ...argv])).out);

/** The same counts as people would export them, a row a minute and code. */
async function replayFile(counts: readonly Count[], ...argv: readonly string[]) {
  const minutes = new Map<string, number>();
  for (const { code, at, count } of counts) {
    const key = `${Math.floor(at / MINUTE) * MINUTE},${code}`;
    minutes.set(key, (minutes.get(key) ?? 0) + count);
  }
  const file = join(makeTempDir('backtest-stored').path, 'counts.csv');
  writeFileSync(file, ['timestamp,code,count', ...[...minutes].map(([key, count]) => `${key},${count}`)].join('\n'));
  return rowsOf((await run(['--counts', file, ...argv])).out);
}

describe('backtest of the stored counts', () => {
  test('gives the same rows as the same counts from a file', async () => {
    await store(ALL);
    await collect([0, 3 * DAY]);
    const rows = await replay();
    assert.deepEqual(rows, await replayFile(ALL));
    assert.deepEqual(
      rows.filter((row) => row['event'] === 'open').map((row) => row['series']),
      ['PAYMENT_FAILED', 'PAYMENT_FAILED', 'TOKEN_EXPIRED', 'PAYMENT_FAILED'],
    );
    assert.deepEqual(await replay('--preset', 'quiet', '--bucket', '60'), await replayFile(ALL, '--preset', 'quiet'));
    assert.deepEqual(await replay('--false-pages-per-week', '3'), await replayFile(ALL, '--false-pages-per-week', '3'));
  });

  test('expects errors to follow the traffic that the service knew', async () => {
    await store(ALL);
    await collect([0, 3 * DAY]);
    const [from, to] = LATER;
    await migrated.server.query(
      `insert into traffic select at, 1000, 100, 10
       from generate_series(to_timestamp($1::float8), to_timestamp($2::float8) - interval '1 minute', '1 minute') as at
       union all select to_timestamp($2::float8), 100, 100, 1`,
      [START + from, START + to],
    );
    assert.deepEqual(
      (await replay()).filter((row) => row['event'] === 'open').map((row) => row['series']),
      ['PAYMENT_FAILED', 'PAYMENT_FAILED'],
      'the surge that came with ten times the traffic is none',
    );
  });

  test('sums what several writers counted', async () => {
    await store(ALL);
    await store(ALL, { replica: 'two' });
    await collect([0, 3 * DAY]);
    assert.deepEqual(await replay(), await replayFile(ALL.map((each) => ({ ...each, count: each.count * 2 }))));
  });

  test('takes what was not collected for unknown, and never for zero', async () => {
    const known: readonly Stretch[] = [
      [0, 20 * HOUR],
      [29 * HOUR, 3 * DAY],
    ];
    const counts = ALL.filter(({ at }) => isIn(known, at));
    await store(counts);
    await collect(...known);
    const rows = await replay();
    assert.deepEqual(rows, await replayFile(counts));
    assert.ok(
      rows.every((row) => Number(row['expected']) > 0.5),
      'nine hours of zeros would lower what is expected',
    );
    const { out } = await run(['--from', '3d']);
    assert.match(out, /9h of it not collected/);
    assert.match(out, /·/, 'and the chart shows the gap');
  });

  test('does not count where a span covers only a part of the bucket', async () => {
    await store(ALL);
    await collect([0, 40 * HOUR], [40 * HOUR + 30, 3 * DAY]);
    assert.match((await run(['--from', '3d'])).out, /1m of it not collected/);
  });

  test('leaves out the counts of clocks that ran ahead', async () => {
    await store(ALL);
    await store(
      countsOf('ALWAYS', 500, [], 9).filter(({ at }) => isIn([LATER], at)),
      { isClockAhead: true },
    );
    await store(countsOf('AHEAD', 500, [LATER], 10), { isClockAhead: true });
    await collect([0, 3 * DAY]);
    assert.deepEqual(await replay(), await replayFile(ALL));
  });

  test('warms up on what lies before --from, and reports nothing of it', async () => {
    await store(ALL);
    await collect([0, 3 * DAY]);
    const whole = await replay();
    const from = new Date((START + DAY) * 1000).toISOString();
    assert.deepEqual(
      await replay('--from', from),
      whole.filter((row) => String(row['timestamp']) >= '2026-01-06'),
    );
    const inTheMiddle = START + LATER[0] + 10 * MINUTE;
    const [first] = await replay('--from', String(inTheMiddle));
    assert.equal(first?.['event'], 'open', 'neither the opening before --from nor its close is told');
    assert.ok(String(first?.['timestamp']) > '2026-01-07');
    assert.match(
      (await run(['--from', '2026-01-06'])).out,
      /^2026-01-06 00:00 to 2026-01-08 00:00 UTC, all of it collected, 1d before/,
    );
  });

  test('ends at --to, and where the detector has evaluated', async () => {
    await store(ALL);
    await collect([0, 3 * DAY]);
    const whole = await replay();
    const until = '2026-01-06T06:10:00Z';
    assert.deepEqual(
      await replay('--to', until),
      whole.filter((row) => String(row['timestamp']) < until),
    );
    await migrated.server.query('update detector_progress set evaluated_until = $1', [until]);
    const { out, notes } = await run(['--from', '3d', '--json', '--to', 'now']);
    assert.deepEqual(
      rowsOf(out),
      whole.filter((row) => String(row['timestamp']) < until),
    );
    assert.match(notes, /complete up to 2026-01-06 06:10 UTC/);
  });

  test('replays only the codes that were asked for, and names those without an error', async () => {
    await store(ALL);
    await collect([0, 3 * DAY]);
    const whole = await replay();
    const { out, notes } = await run(['--from', '3d', '--json', '--codes', 'TOKEN_EXPIRED, NEVER_SEEN']);
    assert.deepEqual(
      rowsOf(out),
      whole.filter((row) => row['series'] === 'TOKEN_EXPIRED'),
    );
    assert.match(notes, /^No error is stored then of NEVER_SEEN\.\n$/);
  });

  test('says so when nothing is stored then', async () => {
    assert.deepEqual(await run(['--from', '3d']), {
      out: '',
      notes: 'Nothing is stored between 2026-01-05 00:00 and 2026-01-08 00:00 UTC.\n',
    });
  });
});

describe('the table of a backtest', () => {
  test('lists the spikes, then the codes with a chart, then the pages a week', async () => {
    await store(ALL);
    await collect([0, 3 * DAY]);
    const { out } = await run(['--from', '3d']);
    assert.match(out, /\nPAYMENT_FAILED +2026-01-06 06:0\d +2\dm +\d+ +\d/);
    assert.match(out, /\nPAYMENT_FAILED +3 +1h \d+m +7 +[▁▂▃▄▅▆▇█]+\n +\^/);
    assert.match(out, /\n1 more code had errors and no spike\.\n/);
    assert.match(
      out,
      /\n4 spikes of 2 codes in 3d: 9\.3 pages a week, with cause or without; the budget for those without is 1\.\n$/,
    );
    assert.ok(!out.includes('\u001b'), 'no colour where no terminal is');
  });

  test('beside another budget, shows which spikes would come and which would go', async () => {
    await store(ALL);
    await collect([0, 3 * DAY]);
    const strict = { FALSE_PAGES_PER_WEEK: '0.0000001' };
    const { out } = await run(['--from', '3d', '--false-pages-per-week', '50'], strict);
    const more = out.split('\n').filter((line) => line.startsWith('+ '));
    assert.ok(more.length > 1, out);
    const less = (await run(['--from', '3d', '--false-pages-per-week', '0.0000001'], { FALSE_PAGES_PER_WEEK: '50' })).out;
    assert.equal(less.split('\n').filter((line) => line.startsWith('- ')).length, more.length - 1, less);
    assert.match(
      out,
      /^Buckets of 60 s, --false-pages-per-week 50 \(threshold [\d.]+\) beside the current FALSE_PAGES_PER_WEEK=/m,
    );
  });
});

describe('wrong usage of backtest', () => {
  for (const argv of [
    [],
    ['--to', 'now'],
    ['--from', 'yesterday'],
    ['--from', '1d', '--to', '2d'],
    ['--from', '1d', '--bucket', '15'],
    ['--from', '1d', '--codes', ','],
    ['--from', '1d', '--scores', 'x.csv'],
    ['--counts', 'x.csv', '--from', '1d'],
    ['--counts', 'x.csv', '--codes', 'A'],
    ['--counts', 'x.csv', '--json'],
    ['--from', '1d', '--preset', 'quiet', '--threshold', '5'],
  ]) {
    test(`is refused before anything opens: ${argv.join(' ') || 'nothing given'}`, async () => {
      await assert.rejects(run(argv, { DATABASE_URL: 'postgres://127.0.0.1:1/none' }), UsageFault);
    });
  }
});
