/** Properties with a seed that is printed, and that can be given back: `PROPERTY_SEED=…`. */
import { randomInt } from 'node:crypto';
import type { TestContext } from 'node:test';
import fc from 'fast-check';

const MOST_SEED = 2 ** 31;

export function chooseSeed(): number {
  const given = process.env['PROPERTY_SEED'];
  return given === undefined ? randomInt(MOST_SEED) : Number(given);
}

/** @throws Error with the smallest input that breaks it. */
export function assertProperty<Inputs>(context: TestContext, numRuns: number, property: fc.IProperty<Inputs>): void {
  const seed = chooseSeed();
  context.diagnostic(`${numRuns} runs, seed ${seed}`);
  fc.assert(property, { numRuns, seed });
}
