/** Our own corpus of secrets, each in every place where a text of a producer may stand; and what is no secret, kept. */
import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import type { RedactedEnvelope } from '../../../src/envelope/schema.ts';
import { redactText } from '../../../src/envelope/secrets/redact-text.ts';
import { harmlessTexts } from '../../fixtures/redaction/harmless-texts.ts';
import { HOSTILE_DETAILS } from '../../fixtures/redaction/hostile-details.ts';
import { HOSTILE_TEXTS, unmark } from '../../fixtures/redaction/hostile-texts.ts';
import { PLACES } from '../../fixtures/redaction/places.ts';
import { builtIn, redacted } from './redact-sample.ts';
import { envelopeText, withDetails } from './sample.ts';

const CODES = [...builtIn.codes.keys(), 'SOMETHING_ELSE'];
const HARMLESS_COUNT = 10_000;
const HARMLESS_SEED = 20_251_012;

/** Every text that the row holds, as it was before it became JSON. */
function textsOf(row: RedactedEnvelope): string {
  const { detailsJson, ...others } = row;
  const texts: string[] = Object.values(others).filter((value) => typeof value === 'string');
  JSON.parse(detailsJson, (key, value) => {
    texts.push(key, typeof value === 'object' ? '' : String(value));
    return value;
  });
  return texts.join('\n');
}

function survivors(row: RedactedEnvelope, secrets: readonly string[]): readonly string[] {
  const kept = textsOf(row);
  return secrets.filter((secret) => kept.toLowerCase().includes(secret.toLowerCase()));
}

test('the corpus holds at least 200 secrets in texts and 60 in details', () => {
  ok(HOSTILE_TEXTS.length >= 200, String(HOSTILE_TEXTS.length));
  ok(HOSTILE_DETAILS.length >= 60, String(HOSTILE_DETAILS.length));
  for (const marked of [...HOSTILE_TEXTS, ...HOSTILE_DETAILS]) ok(unmark(marked).secrets.length > 0, marked);
});

for (const place of PLACES) {
  test(`no secret of the corpus survives ${place.name}`, () => {
    const leaks = HOSTILE_TEXTS.filter((marked) => {
      const { text, secrets } = unmark(marked);
      return survivors(redacted(envelopeText(place.put(text))), secrets).length > 0;
    });
    deepEqual(leaks, []);
  });
}

for (const marked of HOSTILE_DETAILS) {
  test(`of the details ${marked.slice(0, 90)} no secret survives under any code`, () => {
    const { text, secrets } = unmark(marked);
    for (const code of CODES) {
      const sent = withDetails(text).replace('"TRUNK_NOT_FOUND"', () => `"${code}"`);
      deepEqual(survivors(redacted(sent), secrets), [], code);
    }
  });
}

test('a redacted text is redacted to itself', () => {
  for (const marked of HOSTILE_TEXTS) {
    const once = redactText(unmark(marked).text);
    equal(redactText(once), once);
  }
});

test('of 10 000 harmless texts fewer than 2 % are altered', (context) => {
  const texts = harmlessTexts(builtIn, HARMLESS_SEED, HARMLESS_COUNT);
  const altered = texts.filter((text) => redactText(text) !== text);
  context.diagnostic(`${altered.length} of ${HARMLESS_COUNT} altered (${(altered.length / HARMLESS_COUNT) * 100} %)`);
  ok(altered.length < HARMLESS_COUNT * 0.02, altered.slice(0, 20).join('\n'));
});
