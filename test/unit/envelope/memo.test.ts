import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoized } from '../../../src/envelope/memo.ts';

/** Answers in upper case and notes what it was asked. */
function createAsked(options: { readonly mostTexts: number; readonly longestText: number }, isSecret = (_text: string) => false) {
  const asked: string[] = [];
  const answer = (text: string) => {
    asked.push(text);
    return text.toUpperCase();
  };
  return { asked, answerOf: memoized(answer, { ...options, mayKeep: (text) => !isSecret(text) }) };
}

test('a text is looked through once, and what is asked for often outlives a flood of others', () => {
  const { asked, answerOf } = createAsked({ mostTexts: 10, longestText: 64 });
  for (let n = 0; n < 1_000; n += 1) {
    assert.equal(answerOf('often'), 'OFTEN');
    assert.equal(answerOf(`t${n}`), `T${n}`);
  }
  assert.equal(asked.filter((text) => text === 'often').length, 1);
});

test('what was not asked for again is forgotten', () => {
  const { asked, answerOf } = createAsked({ mostTexts: 10, longestText: 64 });
  for (let n = 0; n < 30; n += 1) answerOf(`t${n}`);
  answerOf('t0');
  assert.equal(asked.filter((text) => text === 't0').length, 2);
});

test('neither a long text nor one that must not be kept is remembered', () => {
  const { asked, answerOf } = createAsked({ mostTexts: 10, longestText: 8 }, (text) => text === 'secret');
  for (const text of ['secret', 'secret', 'nine char', 'nine char', 'short', 'short']) answerOf(text);
  assert.deepEqual(asked, ['secret', 'secret', 'nine char', 'nine char', 'short']);
});
