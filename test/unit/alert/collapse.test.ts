/** Which surges the all-codes spike covers, and how it begins, goes on and ends. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CodeTransition } from '../../../src/alert/code-states.ts';
import { type CollapseInput, collapse, endOfCollapse } from '../../../src/alert/collapse.ts';
import type { SpikeChange } from '../../../src/alert/ports.ts';
import type { SpikeRecord } from '../../../src/alert/spike.ts';
import { spikeRecord } from '../../support/spike-record.ts';

const AT = 1_800_000_000;
const AT_MS = AT * 1000;
const MINUTE_MS = 60_000;
const time = { nowMs: AT_MS + 30_000, evaluatedUntilMs: AT_MS + 10_000, holdMs: 5 * MINUTE_MS };
const catalogue = { codes: new Map(), statuses: new Map() };
/** Every sampled error is of a client fault, but those of codes named so. */
const deps = {
  catalogue,
  staticLabels: {},
  spikes: {
    sampleNewest: async (codes: readonly string[]) =>
      new Map(codes.map((code) => [code, [{ requestId: `of-${code}`, status: code.startsWith('SERVER') ? 500 : 404 }]])),
  },
};
const opening = (code: string): CodeTransition => ({
  code,
  transition: {
    event: 'open',
    bucketStartSeconds: AT,
    startsAtSeconds: AT - 60,
    observed: 60,
    expected: 20,
    ratio: 3,
    windowSeconds: 60,
    score: 9,
  },
});
const rise = (code: string, ratio = 3) => ({ code, expected: 20, observed: 20 * ratio });
const surge = (code: string, severity = 'warning') => ({ code, labels: { severity } });

async function collapseOf(opened: readonly string[], rises = 'ABCD', parts: Partial<CollapseInput> = {}) {
  const input = {
    transitions: opened.map(opening),
    rises: [...rises].map((code) => rise(code)),
    windowSeconds: 60,
    active: [],
    time,
  };
  return collapse({ ...input, ...parts }, deps);
}

describe('codes that open together', () => {
  test('begin one spike that says which, by how much and since when, and covers them', async () => {
    const { changes, covers } = await collapseOf(['A', 'B']);
    const [begun, ...others] = changes;
    assert.deepEqual(others, []);
    assert.ok(begun?.kind === 'begin' && !begun.isCovered);
    const { kind, code, status, startsAtMs, observed, expected, breadth, labels, evidence } = begun.spike;
    assert.deepEqual(
      { kind, code, status, observed, expected },
      { kind: 'all_codes', code: '_all', status: '_all', observed: 240, expected: 80 },
    );
    assert.equal(startsAtMs, AT_MS - 50_000);
    assert.deepEqual(breadth, { risenCount: 4, fairCount: 4, codes: ['A', 'B', 'C', 'D'] });
    assert.deepEqual(labels, { alertname: 'ApiErrorSpike', code: '_all', status: '_all', fault: 'client', severity: 'warning' });
    assert.deepEqual(evidence.requestIds, ['of-A', 'of-B', 'of-C']);
    assert.deepEqual([covers(surge('A')), covers(surge('C'))], [true, false], 'only what opens now');
  });
  test('leave out the one that rose far more', async () => {
    const rises = [...'ABC'].map((code) => rise(code)).concat(rise('FAULT', 40));
    const { covers } = await collapseOf(['A', 'FAULT'], '', { rises });
    assert.deepEqual([covers(surge('A')), covers(surge('FAULT'))], [true, false]);
  });
  test('are as severe as the most severe of them', async () => {
    const rises = ['A', 'B', 'SERVER_FAULT'].map((code) => rise(code));
    const [begun] = (await collapseOf(['A'], '', { rises })).changes;
    assert.ok(begun?.kind === 'begin');
    assert.deepEqual([begun.spike.labels['fault'], begun.spike.labels['severity']], ['server', 'critical']);
  });
  test('are not judged by a code that is up since before for reasons of its own', async () => {
    const active = [spikeRecord({ code: 'A' }), spikeRecord({ code: 'B' })];
    assert.deepEqual((await collapseOf(['D'], 'ABCD', { active })).changes, []);
    const covered = active.map((spike) => ({ ...spike, coveredBy: '9' }));
    assert.equal((await collapseOf(['D'], 'ABCD', { active: covered })).changes.length, 1);
  });
  test('begin nothing when the only one that opens is beyond the others', async () => {
    const rises = [...'ABCD'].map((code) => rise(code)).concat(rise('FAULT', 40));
    const { changes, covers } = await collapseOf(['FAULT'], '', { rises });
    assert.deepEqual([changes, covers(surge('FAULT'))], [[], false]);
  });
});

describe('while all codes are up', () => {
  const all = (parts: Partial<SpikeRecord> = {}) =>
    spikeRecord({ id: '9', kind: 'all_codes', code: '_all', labels: { severity: 'warning' }, ...parts });

  test('another that rises with them is covered, unless it is critical and they are not', async () => {
    const { changes, covers } = await collapseOf(['D'], 'ABCD', { active: [all()] });
    assert.deepEqual(changes, []);
    assert.deepEqual([covers(surge('D')), covers(surge('D', 'critical'))], [true, false]);
  });
  test('they go on when they rise again before their resolve', async () => {
    const { changes } = await collapseOf(['D'], 'ABCD', { active: [all({ closedAtMs: AT_MS - MINUTE_MS })] });
    assert.deepEqual(changes, [{ kind: 'continue', of: 'all_codes', code: '_all' }]);
  });
});

describe('the all-codes spike', () => {
  const breadth = { risenCount: 4, fairCount: 4, codes: [] };
  const all = spikeRecord({ id: '9', kind: 'all_codes', code: '_all', breadth });
  const covered = (code: string, closedAtMs: number | null = null) => spikeRecord({ code, coveredBy: '9', closedAtMs });
  const close = (code: string, closedAtMs: number) =>
    ({ kind: 'close', of: 'surge', code, closedAtMs, reason: 'subsided' }) as const;
  const end = (active: readonly SpikeRecord[], changes: readonly SpikeChange[] = []) => endOfCollapse(active, changes, AT_MS);

  test('goes on while its codes are up', () => {
    assert.deepEqual(end([all, covered('A'), covered('B')], [close('A', AT_MS - 10_000)]), []);
  });
  test('ends when the last of them does', () => {
    assert.deepEqual(end([all, covered('A', AT_MS - 30_000), covered('B')], [close('B', AT_MS - 10_000)]), [
      { kind: 'close', of: 'all_codes', code: '_all', closedAtMs: AT_MS - 10_000, reason: 'subsided' },
    ]);
  });
  test('waits for the hold of the others before it lets go of one that stays up', () => {
    assert.deepEqual(end([all, covered('A', AT_MS - 30_000), covered('B')]), []);
    assert.deepEqual(end([all, covered('B')]), [
      { kind: 'close', of: 'all_codes', code: '_all', closedAtMs: AT_MS, reason: 'no_longer_common' },
      { kind: 'uncover', of: 'surge', code: 'B', openedAtMs: AT_MS },
    ]);
  });
  test('lets go of one that comes up again alone after the end', () => {
    const over = { ...all, closedAtMs: AT_MS - 60_000 };
    const again = { kind: 'continue', of: 'surge', code: 'A' } as const;
    assert.deepEqual(end([over, covered('A', AT_MS - 60_000)], [again]), [
      { kind: 'uncover', of: 'surge', code: 'A', openedAtMs: AT_MS },
    ]);
    const together = [{ kind: 'continue', of: 'all_codes', code: '_all' } as const, again];
    assert.deepEqual(end([over, covered('A', AT_MS - 60_000)], together), []);
  });
});
