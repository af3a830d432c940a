/** A redact with the built-in catalogue, and what it makes of one envelope. */
import { readFileSync } from 'node:fs';
import { BUILT_IN_CATALOGUE } from '../../../src/catalogue/built-in.ts';
import { parseCatalogue } from '../../../src/catalogue/parse-catalogue.ts';
import { createRedact } from '../../../src/envelope/redact.ts';
import type { JsonValue, RedactedEnvelope } from '../../../src/envelope/schema.ts';
import { decodedEnvelope, envelopeText, RECEIVED_AT_MS } from './sample.ts';

export const builtIn = parseCatalogue(readFileSync(BUILT_IN_CATALOGUE, 'utf8'), 'built-in.yaml');
const redact = createRedact({ catalogue: builtIn });

export function redacted(text: string): RedactedEnvelope {
  return redact(decodedEnvelope(text), RECEIVED_AT_MS);
}

/** The details as they would be stored under the code. */
export function redactedDetails(code: string, details: JsonValue): JsonValue {
  return JSON.parse(redacted(envelopeText({ error: { code, details } })).detailsJson);
}
