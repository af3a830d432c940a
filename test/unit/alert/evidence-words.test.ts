/** Evidence in sentences, word for word. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  clientsSentence,
  detailText,
  evidenceSentences,
  oddsText,
  othersSentence,
  rateSentence,
} from '../../../src/alert/evidence-words.ts';
import { NO_EVIDENCE } from '../../../src/alert/spike.ts';

test('odds are told in the largest unit that fits, down to once in ten years', () => {
  for (const [perYear, text] of [
    [3_650, 'about 10 times a day'],
    [365, 'about once a day'],
    [110, 'about twice a week'],
    [52, 'about once a week'],
    [40, 'about once a week'],
    [24, 'about twice a month'],
    [9, 'about once a month'],
    [4, 'about 4 times a year'],
    [1, 'about once a year'],
    [0.5, 'about once in 2 years'],
    [0.1, 'about once in 10 years'],
    [0.09, 'less than once in 10 years'],
    [0, 'less than once in 10 years'],
    [Number.NaN, 'less than once in 10 years'],
  ] as const) {
    assert.equal(oddsText(perYear), text, `${perYear} a year`);
  }
});

test('other codes are up, down, or as usual, and a few errors are no news', () => {
  for (const [observed, expected, text] of [
    [100, 100, 'Other codes are as usual (1.0 times expected): this code alone.'],
    [310, 100, 'Other codes are up too (3.1 times expected): more traffic, or a cause that they share.'],
    [20, 100, 'Other codes are down (0.2 times expected).'],
    [120, 100, 'Other codes are as usual (1.2 times expected): this code alone.'],
    [3, 1, 'Other codes are as usual (3 errors, 1 expected): this code alone.'],
    [3, 0.4, 'Other codes are as usual (3 errors, 0.4 expected): this code alone.'],
    [0, 0.4, 'Other codes are as usual (0 errors, 0.4 expected): this code alone.'],
    [18, 2, 'Other codes are up too (18 errors, 2 expected): more traffic, or a cause that they share.'],
  ] as const) {
    assert.equal(othersSentence({ observed, expected }), text);
  }
});

test('clients are counted, and named when it is one', () => {
  const none = { isLeast: false, only: null, hourBeforeCount: 0 };
  assert.equal(
    clientsSentence({ ...none, count: 1, only: 'acme-mobile' }),
    'From 1 client (acme-mobile); none in the hour before.',
  );
  assert.equal(clientsSentence({ ...none, count: 212, hourBeforeCount: 9 }), 'From 212 clients; 9 in the hour before.');
  assert.equal(
    clientsSentence({ ...none, count: 4_312, isLeast: true, hourBeforeCount: 1_200 }),
    'From at least 4,312 clients; 1,200 in the hour before.',
  );
});

test('what changed is told with its share before, and stays one plain line', () => {
  const release = { key: 'release', value: '2.3.1', shareRatio: 0.94, beforeRatio: 0.031 };
  assert.equal(detailText(release), 'release=2.3.1: 94 % of the errors since the onset, 3 % before');
  assert.equal(detailText({ ...release, beforeRatio: 0.004 }), 'release=2.3.1: 94 % of the errors since the onset, 0.4 % before');
  const hostile = detailText({ ...release, value: `\u001b[31m<b>\r\n{{.}}\u202e${'x'.repeat(300)}`, beforeRatio: 0 });
  assert.match(hostile, /^release=\[31m<b> \{\{\.\}\} x+…: 94 % of the errors since the onset, none before$/);
  assert.ok(hostile.length < 170);
});

test('the share of requests is told beside the usual one, first of all', () => {
  const traffic = { requestsPerSecond: 343, usualPerSecond: 300, errorRatio: 0.004, usualErrorRatio: 0.0004 };
  assert.equal(rateSentence(traffic), '0.4 % of requests failed with it, usually 0.04 %.');
  assert.deepEqual(evidenceSentences({ ...NO_EVIDENCE, traffic, missing: ['detail'] }, 60), [
    '0.4 % of requests failed with it, usually 0.04 %.',
    'Could not be read in time: what changed.',
  ]);
});

test('only what is known is said, and what could not be read is named', () => {
  assert.deepEqual(evidenceSentences(NO_EVIDENCE, 60), []);
  assert.deepEqual(evidenceSentences({ ...NO_EVIDENCE, missing: ['detail', 'clients'] }, 60), [
    'Could not be read in time: what changed, who met it.',
  ]);
  const winner = { windowSeconds: 480, observed: 60, expected: 21.2 };
  assert.deepEqual(evidenceSentences({ ...NO_EVIDENCE, winner, falseAlarmsPerYear: 1.1 }, 480), [
    'By chance a surprise of this size comes about once a year in this installation.',
  ]);
  assert.deepEqual(evidenceSentences({ ...NO_EVIDENCE, winner }, 120), [
    'It stood out most over 8 minutes: 60 errors, 21 expected.',
  ]);
});
