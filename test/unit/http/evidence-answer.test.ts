/** Who sees what of a spike's evidence: names are for support, numbers for all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_EVIDENCE } from '../../../src/alert/spike.ts';
import { answerEvidence } from '../../../src/http/evidence-answer.ts';

const evidence = {
  ...NO_EVIDENCE,
  requestIds: ['req_secret'],
  dominantDetail: { key: 'details.account', value: 'secret_account', shareRatio: 0.9, beforeRatio: 0 },
  clients: { count: 1, isLeast: false, only: 'secret_client', hourBeforeCount: 2 },
  otherCodes: { observed: 3, expected: 0 },
  falseAlarmsPerYear: 0.2,
};

test('role read sees no requestId, no client and no value of details, in no field and in no sentence', () => {
  const answer = answerEvidence(evidence, 60, 'read');
  assert.doesNotMatch(JSON.stringify(answer), /secret/);
  assert.equal(answer.clients?.count, 1);
  assert.deepEqual(answer.words, [
    'From 1 client; 2 in the hour before.',
    'Other codes are as usual (3 errors, 0 expected): this code alone.',
    'By chance a surprise of this size comes about once in 5 years in this installation.',
  ]);
});

test('support sees them, and a factor only where something was expected', () => {
  const answer = answerEvidence(evidence, 60, 'support');
  assert.deepEqual(answer.requestIds, ['req_secret']);
  assert.equal(answer.dominantDetail?.value, 'secret_account');
  assert.equal(answer.clients?.only, 'secret_client');
  assert.equal(answer.otherCodes?.factor, null);
});
