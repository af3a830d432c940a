/**
 * Which fields a validation error is about: pairs of field and sub-code, as labels may hold them. Made from what redaction
 * keeps of an envelope and never from a value, so that a label says nothing that its row does not say.
 */
import { memoized } from './memo.ts';

export interface ValidationField {
  /** Places in a list are left out: `items[3].sku` and `items.3.sku` are `items[].sku`. */
  readonly field: string;
  readonly code: string;
}

/** The code whose pairs are counted and watched. */
export const VALIDATION_CODE = 'VALIDATION_ERROR';
/** Stands for every pair that is no label, or that came when all places for pairs were taken. Its sub-code is nobody else's. */
export const OTHER_FIELD: ValidationField = { field: '_other', code: '_other' };

const FIELD = /^[A-Za-z_][A-Za-z0-9_.[\]-]{0,63}$/;
const CODE = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;
/** Where a list is named by place; means the same to PostgreSQL. */
export const PLACE_PATTERN = String.raw`\[\d+\]|\.\d+(?=[.[]|$)`;
export const PLACE_MARK = '[]';
const PLACE = new RegExp(PLACE_PATTERN, 'g');
/** Longer texts are no labels, however many places they name. */
const MOST_CHARACTERS = 256;

const MEMO = { mostTexts: 1_000, longestText: 64 };
const isCode = memoized((code) => CODE.test(code), MEMO);
/** The field without places; null when that is no label. */
const labelOf = memoized((field) => {
  const withoutPlaces = field.replaceAll(PLACE, PLACE_MARK);
  return FIELD.test(withoutPlaces) ? withoutPlaces : null;
}, MEMO);

/** The pair of two redacted texts. Neither part of one holds a space. */
export function validationFieldOf(field: string, code: string): ValidationField {
  if (field.length > MOST_CHARACTERS || !isCode(code)) return OTHER_FIELD;
  const label = labelOf(field);
  return label === null ? OTHER_FIELD : { field: label, code };
}

/** One text for one pair. */
export function fieldKey({ field, code }: ValidationField): string {
  return `${field} ${code}`;
}

function isSameField(a: ValidationField, b: ValidationField): boolean {
  return a.field === b.field && a.code === b.code;
}

/** Each pair once, in the order in which they came. */
export function distinctFields(fields: readonly ValidationField[]): readonly ValidationField[] {
  const [first, second, third] = fields;
  // Nearly all have one to three: no need to write a text for each.
  if (first === undefined || second === undefined) return fields;
  const isFew = fields.length === 2 || (third !== undefined && fields.length === 3);
  if (isFew && !isSameField(first, second) && (third === undefined || !(isSameField(first, third) || isSameField(second, third))))
    return fields;
  return [...new Map(fields.map((each) => [fieldKey(each), each])).values()];
}

/** The pairs that stored details name, each once; what is no label is left out. */
export function validationFieldsOf(details: unknown): readonly ValidationField[] {
  const errors = isObject(details) ? details['errors'] : null;
  if (!Array.isArray(errors)) return [];
  const fields = errors.map((error: unknown) => {
    const { field, code } = isObject(error) ? error : {};
    return typeof field === 'string' && typeof code === 'string' ? validationFieldOf(field, code) : OTHER_FIELD;
  });
  return distinctFields(fields.filter((each) => each !== OTHER_FIELD));
}

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
