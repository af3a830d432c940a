import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCodeStates } from '../../../src/alert/code-states.ts';
import { part } from '../../../src/alert/shared-states.ts';
import { settingsFor } from '../../../src/detect/detector.ts';
import { createDice } from '../../fixtures/detect/seeded-counts.ts';
import { BUCKET_SECONDS } from '../../fixtures/detect/watched-day.ts';

const START = Date.UTC(2026, 10, 23) / 1000;
const settingsOf = () => settingsFor({ bucketSeconds: BUCKET_SECONDS });
const create = () => createCodeStates({ settingsOf, breathe: async () => {} });

interface Named {
  readonly name: string;
}
function createParting() {
  const byCode = new Map<string, Named>();
  const silent: Named = { name: 'silent' };
  let copyCount = 0;
  const copyOf = ({ name }: Named): Named => {
    copyCount += 1;
    return { name: `${name}+${copyCount}` };
  };
  return {
    part: (counts: Readonly<Record<string, readonly (readonly [number, number])[]>>) =>
      part({ byCode, silent, copyOf }, new Map(Object.entries(counts).map(([code, ofCode]) => [code, new Map(ofCode)]))),
    names: () => Object.fromEntries([...byCode].map(([code, { name }]) => [code, name])),
  };
}

test('newcomers that are counted alike share one copy of the silent state, others have their own', () => {
  const { part, names } = createParting();
  part({ A: [[10, 1]], B: [[10, 1]], C: [[10, 2]], D: [[20, 1]] });
  assert.deepEqual(names(), { A: 'silent+1', B: 'silent+1', C: 'silent+2', D: 'silent+3' });
});

test('who is counted otherwise parts from the rest; whoever is alone keeps its state', () => {
  const { part, names } = createParting();
  part({ A: [[10, 1]], B: [[10, 1]], C: [[10, 1]], D: [[10, 1]] });
  part({ B: [[20, 5]], C: [[20, 5]] });
  assert.deepEqual(names(), { A: 'silent+1', B: 'silent+1+2', C: 'silent+1+2', D: 'silent+1' });
  part({
    B: [[30, 1]],
    C: [
      [30, 1],
      [40, 1],
    ],
    A: [[30, 1]],
  });
  const { A, B, C, D } = names();
  assert.equal(new Set([A, B, C, D]).size, 4);
  part({ A: [[50, 1]], B: [[50, 1]] });
  assert.deepEqual(names(), { A, B, C, D });
});

/** Counts of a few codes that often coincide, and at times surge. */
function countsOf(seed: number, codes: readonly string[], bucketCount: number) {
  const dice = createDice(seed);
  return Array.from({ length: bucketCount }, (_, bucket) => {
    const together = dice.roll() < 0.05 ? 1 + Math.floor(dice.roll() * 2) : 0;
    const isSurge = bucket > bucketCount * 0.7 && dice.roll() < 0.1;
    return codes.flatMap((code, n) => {
      const count = (n % 3 === 0 && dice.roll() < 0.02 ? 1 : together) + (isSurge && n < 2 ? 40 : 0);
      return count === 0 ? [] : [{ code, bucketStartSeconds: START + bucket * BUCKET_SECONDS, count }];
    });
  });
}

for (const seed of [1, 2, 3]) {
  test(`among others that may be counted alike a code opens, closes and ends as it does alone (seed ${seed})`, async () => {
    const codes = Array.from({ length: 7 }, (_, n) => `CODE_${n}`);
    const buckets = countsOf(seed, codes, 1500);
    const run = async (watched: readonly string[]) => {
      const states = create();
      const found = [];
      for (let from = 0; from < buckets.length; from += 1 + (from % 7)) {
        const to = Math.min(buckets.length, from + 1 + (from % 7));
        const range = { startSeconds: START + from * BUCKET_SECONDS, endSeconds: START + to * BUCKET_SECONDS };
        const counts = buckets
          .slice(from, to)
          .flat()
          .filter(({ code }) => watched.includes(code));
        found.push(...(await states.advance({ range, counts, spans: [range], traffic: [] })));
      }
      return { states, found };
    };
    const all = await run(codes);
    assert.ok(all.found.length > 0);
    for (const code of codes) {
      const alone = await run([code]);
      assert.deepEqual(
        all.found.filter((each) => each.code === code),
        alone.found,
      );
      assert.deepEqual(all.states.snapshotOf(code), alone.states.snapshotOf(code));
    }
  });
}

test('computed anew, codes of the same counts share a state that goes on as one of their own would', async () => {
  const at = (n: number) => START + n * BUCKET_SECONDS;
  const range = { startSeconds: at(0), endSeconds: at(900) };
  const next = { startSeconds: at(900), endSeconds: at(1800) };
  const late = (code: string, n: number) => [{ code, bucketStartSeconds: at(n), count: 2 }];
  const later = late('B', 1000);
  const run = async (codes: readonly string[]) => {
    const states = create();
    const recompute = states.recomputing({ range, spans: [range], traffic: [] });
    for (const code of codes) await recompute(code, late(code, code === 'C' ? 301 : 300));
    const counts = later.filter(({ code }) => codes.includes(code));
    await states.advance({ range: next, counts, spans: [next], traffic: [] });
    return states;
  };
  const together = await run(['A', 'B', 'C']);
  assert.equal(together.stateCount(), 3);
  for (const code of ['A', 'B', 'C']) assert.deepEqual(together.snapshotOf(code), (await run([code])).snapshotOf(code));
});

test('snapshots that say the same are taken up as one state, which parts again as before', async () => {
  const at = (n: number) => START + n * BUCKET_SECONDS;
  const stretch = (from: number, to: number, counted: Readonly<Record<string, number>>) => {
    const range = { startSeconds: at(from), endSeconds: at(to) };
    const counts = Object.entries(counted).map(([code, count]) => ({ code, bucketStartSeconds: at(from), count }));
    return { range, counts, spans: [range], traffic: [] };
  };
  const first = stretch(0, 400, { A: 1, B: 1, C: 1, D: 2 });
  const second = stretch(400, 800, { B: 3 });
  const whole = create();
  await whole.advance(first);
  assert.equal(whole.stateCount(), 2);
  const restored = create();
  for (const code of ['A', 'B', 'C', 'D']) {
    const snapshot = whole.snapshotOf(code);
    assert.ok(snapshot !== null);
    restored.restore(code, snapshot);
  }
  assert.equal(restored.stateCount(), 2);
  await whole.advance(second);
  await restored.advance(second);
  assert.equal(restored.stateCount(), 3);
  for (const code of ['A', 'B', 'C', 'D']) assert.deepEqual(restored.snapshotOf(code), whole.snapshotOf(code));
});
