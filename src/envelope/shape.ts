/** What is left of a value that must not be kept: enough to see what kind of mistake it was, not what it said. */
import { MAX_ENVELOPE_BYTES } from './limits.ts';
import type { JsonObject, JsonValue } from './schema.ts';

const CHARACTER_CLASSES = ['empty', 'digits', 'letters', 'letters_digits', 'space', 'mixed'] as const;
export type CharacterClass = (typeof CHARACTER_CLASSES)[number];
const NUMBER_CLASSES = ['integer', 'decimal', 'negative_integer', 'negative_decimal'] as const;

/** Type and length only. Length is in UTF-16 units, items or keys. */
export function shapeOf(value: JsonValue): JsonObject {
  if (value === null) return { type: 'null' };
  if (typeof value === 'string') return { type: 'string', length: value.length };
  if (typeof value === 'number') return { type: 'number', length: String(value).length };
  if (typeof value === 'boolean') return { type: 'boolean' };
  return Array.isArray(value) ? { type: 'array', length: value.length } : { type: 'object', length: Object.keys(value).length };
}

/** Type, length and of what kind of characters it is made. */
export function classifiedShapeOf(value: JsonValue): JsonObject {
  if (typeof value === 'string') return { ...shapeOf(value), class: classOf(value) };
  if (typeof value === 'number') return { ...shapeOf(value), class: numberClassOf(value) };
  return shapeOf(value);
}

/**
 * Whether the value says no more than the two functions above would. Such a value is kept as it is, whoever sent it: what
 * it can say is a closed set and a length, and a row that was redacted once is the same after the second time.
 */
export function isShape(value: JsonValue): value is JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const object = value as JsonObject;
  if (typeof object['type'] !== 'string') return false; // Nearly every object ends here, before it costs another one.
  const { type, length, class: kind, ...rest } = object;
  if (Object.keys(rest).length > 0) return false;
  if (type === 'null' || type === 'boolean') return length === undefined && kind === undefined;
  if (typeof length !== 'number' || !Number.isInteger(length) || length < 0 || length > MAX_ENVELOPE_BYTES) return false;
  if (type === 'string') return kind === undefined || CHARACTER_CLASSES.some((each) => each === kind);
  if (type === 'number') return kind === undefined || NUMBER_CLASSES.some((each) => each === kind);
  return (type === 'array' || type === 'object') && kind === undefined;
}

function classOf(text: string): CharacterClass {
  if (text === '') return 'empty';
  if (/^\p{Nd}+$/u.test(text)) return 'digits';
  if (/^\p{L}+$/u.test(text)) return 'letters';
  if (/^[\p{L}\p{Nd}]+$/u.test(text)) return 'letters_digits';
  return /^\s+$/u.test(text) ? 'space' : 'mixed';
}

function numberClassOf(value: number): (typeof NUMBER_CLASSES)[number] {
  return `${value < 0 ? 'negative_' : ''}${Number.isInteger(value) ? 'integer' : 'decimal'}`;
}
