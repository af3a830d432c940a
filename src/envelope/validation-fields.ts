/** Which fields a validation error is about: pairs of field and sub-code, as labels may hold them. Values are never read. */
import type { JsonValue, RedactedEnvelope } from './schema.ts';

export interface ValidationField {
  /** Indices are left out: `items[3].sku` is `items[].sku`. */
  readonly field: string;
  readonly code: string;
}

const FIELD = /^[A-Za-z_][A-Za-z0-9_.[\]-]{0,63}$/;
const CODE = /^[A-Z][A-Z0-9_]{0,63}$/;
const INDEX = /\[\d+\]/g;
/** What a list of field errors begins with in canonical JSON; spares the parse for all other envelopes. */
const ERRORS_KEY = '"errors":[';

/** Distinct pairs, in the order of the envelope; what does not look like a field and a code is left out. */
export function validationFieldsOf({ detailsJson }: Pick<RedactedEnvelope, 'detailsJson'>): readonly ValidationField[] {
  if (!detailsJson.includes(ERRORS_KEY)) return [];
  const details: JsonValue = JSON.parse(detailsJson);
  const errors = isObject(details) ? details['errors'] : null;
  if (!Array.isArray(errors)) return [];
  const found = new Map<string, ValidationField>();
  for (const error of errors) {
    if (!isObject(error)) continue;
    const { field, code } = error;
    if (typeof field !== 'string' || typeof code !== 'string' || !FIELD.test(field) || !CODE.test(code)) continue;
    const pair = { field: field.replaceAll(INDEX, '[]'), code };
    found.set(`${pair.field} ${code}`, pair);
  }
  return [...found.values()];
}

function isObject(value: JsonValue | undefined): value is { readonly [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
