import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDice } from '../../fixtures/worlds/dice.ts';
import { WORLD_START_SECONDS } from '../../fixtures/worlds/scene.ts';
import { generateWorlds, WORLDS } from '../../fixtures/worlds/worlds.ts';

const OPTIONS = { seed: 3, seriesPerWorld: 2, days: 15, bucketSeconds: 60 };
const DRAWS = 40_000;

describe('worlds', () => {
  it('are the same for the same seed and others for another', () => {
    const first = [...generateWorlds(OPTIONS)];
    assert.equal(first.length, WORLDS.length * 2);
    assert.deepEqual([...generateWorlds(OPTIONS)], first);
    const others = [...generateWorlds({ ...OPTIONS, seed: 4 })];
    for (const [index, series] of first.entries()) assert.notDeepEqual(others[index]?.counts, series.counts, series.name);
  });

  it('hold surges that never meet a gap, and say so in the truth in order of time', () => {
    for (const { name, truth, counts } of generateWorlds(OPTIONS)) {
      assert.equal(counts.length, 15 * 1440, name);
      const surges = truth.events.filter(({ kind }) => kind !== 'step');
      assert.ok(truth.events.length >= 5, `${name} has ${truth.events.length} surges`);
      const starts = truth.events.map(({ start }) => start);
      assert.deepEqual(
        starts,
        starts.toSorted((a, b) => a - b),
        name,
      );
      for (const { start, end } of surges) {
        const within = counts.slice((start - WORLD_START_SECONDS) / 60, (end - WORLD_START_SECONDS) / 60);
        assert.ok(
          within.every((count) => count !== null),
          `${name} has a surge in a gap`,
        );
      }
    }
  });

  it('bring back after an outage of the collector what was counted meanwhile', () => {
    const piles = [...generateWorlds({ ...OPTIONS, names: ['backlog'] })].flatMap(({ truth, counts }) =>
      truth.nuisances
        .filter(({ kind, start, end }) => kind === 'gap' && end - start > 3600)
        .map(({ start }) => {
          const from = (start - WORLD_START_SECONDS) / 60;
          const until = counts.findIndex((count, index) => index > from && count !== null);
          return { pile: counts[until] ?? 0, before: counts[from - 1] ?? 0 };
        }),
    );
    assert.ok(piles.length > 0);
    const pile = piles.reduce((sum, each) => sum + each.pile, 0);
    const before = piles.reduce((sum, each) => sum + each.before, 0);
    assert.ok(pile > 10 * before, `${pile} after, ${before} before`);
  });
});

describe('their dice', () => {
  it('draw counts of the asked mean and dispersion, small and large', () => {
    const dice = createDice(5);
    for (const { mean, phi } of [
      { mean: 0.05, phi: 1.8 },
      { mean: 3, phi: 1 },
      { mean: 30, phi: 4 },
      { mean: 900, phi: 2.5 },
    ]) {
      let sum = 0;
      let squares = 0;
      for (let draw = 0; draw < DRAWS; draw += 1) {
        const count = dice.clustered(mean, phi);
        assert.ok(Number.isInteger(count) && count >= 0);
        sum += count;
        squares += (count - mean) ** 2;
      }
      const standardError = Math.sqrt((phi * mean) / DRAWS);
      assert.ok(Math.abs(sum / DRAWS - mean) < 5 * standardError, `mean ${sum / DRAWS} instead of ${mean}`);
      const dispersion = squares / DRAWS / mean;
      assert.ok(Math.abs(dispersion / phi - 1) < 0.15, `dispersion ${dispersion} instead of ${phi}`);
    }
  });
});
