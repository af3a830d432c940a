/** What explains a surge, and what only happens to be there, on worlds made by hand. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dominantDetail, type SampledValues } from '../../../src/alert/dominant-detail.ts';
import { createDice } from '../../fixtures/detect/seeded-counts.ts';

const CLIENTS = 12;

/** An error of a world that is as always: one service, a few routes, some clients, an id of its own. */
function usual(index: number, changed: Readonly<Record<string, string>> = {}): SampledValues {
  return Object.entries({
    service: 'api',
    route: `/v1/${['calls', 'trunks', 'numbers'][index % 3]}`,
    client: `acct_${index % CLIENTS}`,
    release: index % 33 === 0 ? '2.3.1' : '2.3.0',
    'details.traceId': `id_${index}`,
    ...changed,
  });
}

const errors = (count: number, changed: Readonly<Record<string, string>> = {}, from = 0) =>
  Array.from({ length: count }, (_, index) => usual(from + index, changed));
const quiet = errors(300, {}, 1_000);
/** Ten usual errors and ninety that share something. */
const surge = (changed: Readonly<Record<string, string>>) => ({
  errors: [...errors(10), ...errors(90, changed, 500)],
  usualRatio: 0.1,
  before: [quiet],
});

describe('a surge is explained by', () => {
  test('one bad release, with its share before', () => {
    const found = dominantDetail(surge({ release: '2.3.1' }));
    assert.deepEqual([found?.key, found?.value], ['release', '2.3.1']);
    assert.ok(Math.abs((found?.shareRatio ?? 0) - 0.91) < 1e-9, `${found?.shareRatio}`);
    assert.ok(Math.abs((found?.beforeRatio ?? 0) - 9 / 300) < 1e-9, `${found?.beforeRatio}`);
  });
  test('one client', () => {
    const found = dominantDetail(surge({ client: 'acme-mobile' }));
    assert.deepEqual(found, { key: 'client', value: 'acme-mobile', shareRatio: 0.9, beforeRatio: 0 });
  });
  test('one field with its sub-code, also when each error names other fields too', () => {
    const broken = errors(90).map((values, index) => [
      ...values,
      ['field', 'items[].sku REQUIRED'] as const,
      ['field', `f${index % 5} MIN_LENGTH`] as const,
    ]);
    const before = errors(300).map((values, index) => [...values, ['field', `f${index % 5} MIN_LENGTH`] as const]);
    const found = dominantDetail({ errors: broken, usualRatio: 0.1, before: [before] });
    assert.deepEqual(found, { key: 'field', value: 'items[].sku REQUIRED', shareRatio: 1, beforeRatio: 0 });
  });
  test('what the surplus carries, even when most errors are the usual ones', () => {
    const half = { errors: [...errors(100), ...errors(50, { client: 'acme' }, 500)], usualRatio: 2 / 3, before: [quiet] };
    assert.equal(dominantDetail(half)?.value, 'acme');
  });
  test('the more telling of two that come together', () => {
    const before = [...errors(150, { client: 'web' }), ...errors(150, {}, 500)];
    const together = { ...surge({ client: 'web', release: '3.0' }), before: [before] };
    assert.equal(dominantDetail(together)?.value, '3.0');
    assert.equal(dominantDetail(surge({ 'details.build': '77', release: '3.0' }))?.key, 'release', 'what can be acted on');
  });
});

describe('a surge is not explained by', () => {
  test('what came no more often than it always does', () => {
    assert.equal(dominantDetail({ errors: errors(200), usualRatio: 0.1, before: [quiet] }), null);
  });
  test('what stands in every error, before and since', () => {
    const constant: readonly SampledValues[] = Array.from({ length: 200 }, () => [['service', 'api'] as const]);
    assert.equal(dominantDetail({ errors: constant, usualRatio: 0.1, before: [constant] }), null);
  });
  test('ids that are other in each error', () => {
    const ids = Array.from({ length: 400 }, (_, index): SampledValues => [['details.traceId', `x${index}`]]);
    assert.equal(dominantDetail({ errors: ids, usualRatio: 0.1, before: [ids.slice(0, 100)] }), null);
  });
  test('a value of a minority of the surplus', () => {
    const split = [...errors(40, { client: 'a' }), ...errors(60, {}, 500)];
    assert.equal(dominantDetail({ errors: split, usualRatio: 0.1, before: [quiet] }), null);
  });
  test('a value that was common before and is a little commoner now', () => {
    const before = [...errors(180, { client: 'web' }), ...errors(120, {}, 500)];
    assert.equal(dominantDetail({ ...surge({ client: 'web' }), before: [before] }), null);
  });
  test('what another day had at this time too', () => {
    const nightly = errors(50, { client: 'nightly-import' });
    for (const before of [
      [quiet, nightly],
      [nightly, quiet],
    ]) {
      assert.equal(dominantDetail({ ...surge({ client: 'nightly-import' }), before }), null);
    }
    assert.equal(dominantDetail({ ...surge({ client: 'nightly-import' }), before: [quiet, nightly.slice(0, 3)] })?.key, 'client');
  });
  test('a handful of errors', () => {
    assert.equal(dominantDetail({ errors: errors(4, { release: '9' }), usualRatio: 0, before: [quiet] }), null);
    assert.equal(dominantDetail({ errors: errors(5, { release: '9' }), usualRatio: 0, before: [quiet.slice(0, 3)] }), null);
    assert.equal(dominantDetail({ errors: errors(5, { release: '9' }), usualRatio: 0, before: [quiet] })?.value, '9');
  });
  test('anything, when the code has no past', () => {
    assert.equal(dominantDetail({ errors: errors(200, { release: '9' }), usualRatio: 0, before: [] }), null);
    assert.equal(dominantDetail({ errors: errors(200, { release: '9' }), usualRatio: 0, before: [[], []] }), null);
  });
  test('anything, when there is nothing to look at', () => {
    assert.equal(dominantDetail({ errors: [], usualRatio: 0, before: [quiet] }), null);
  });
});

test('chance explains hardly ever: of 500 surges whose values are drawn as always, at most one is', () => {
  const dice = createDice(11);
  const draw = (count: number): readonly SampledValues[] =>
    Array.from({ length: count }, () => [
      ['client', `acct_${dice.poisson(3)}`],
      ['release', `2.${dice.poisson(0.4)}`],
      ['details.gateway', `g${dice.poisson(0.1)}`],
      ['route', `/${dice.poisson(1)}`],
    ]);
  let explained = 0;
  for (let world = 0; world < 500; world += 1) {
    const count = 5 + (world % 40);
    if (dominantDetail({ errors: draw(count), usualRatio: 0.3, before: [draw(4 + (world % 60))] }) !== null) explained += 1;
  }
  assert.ok(explained <= 1, `${explained} of 500`);
});
