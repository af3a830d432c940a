/** What explains a surge, and what only happens to be there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dominantDetail, type SampledValues } from '../../../src/alert/dominant-detail.ts';

function samples(count: number, values: Readonly<Record<string, string>>): readonly SampledValues[] {
  return Array.from({ length: count }, () => new Map(Object.entries(values)));
}

test('a value that most errors carry and few did before explains the surge', () => {
  const during = [...samples(9, { service: 'api', release: '4.2' }), ...samples(1, { service: 'api', release: '4.1' })];
  const before = samples(50, { service: 'api', release: '4.1' });
  assert.deepEqual(dominantDetail(during, before), { key: 'release', value: '4.2', shareRatio: 0.9 });
});

test('what was always there explains nothing', () => {
  assert.equal(dominantDetail(samples(50, { service: 'api' }), samples(50, { service: 'api' })), null);
});

test('a value of a minority explains nothing', () => {
  const during = [...samples(5, { route: '/a' }), ...samples(5, { route: '/b' })];
  assert.equal(dominantDetail(during, []), null);
});

test('a handful of errors is an accident', () => {
  assert.equal(dominantDetail(samples(4, { route: '/a' }), []), null);
  assert.deepEqual(dominantDetail(samples(5, { route: '/a' }), []), { key: 'route', value: '/a', shareRatio: 1 });
});
