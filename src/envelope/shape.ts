/** What is left of a value that must not be kept: enough to see what kind of mistake it was, not what it said. */
import type { JsonObject, JsonValue } from './schema.ts';

export type CharacterClass = 'empty' | 'digits' | 'letters' | 'letters_digits' | 'space' | 'mixed';

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

function classOf(text: string): CharacterClass {
  if (text === '') return 'empty';
  if (/^\p{Nd}+$/u.test(text)) return 'digits';
  if (/^\p{L}+$/u.test(text)) return 'letters';
  if (/^[\p{L}\p{Nd}]+$/u.test(text)) return 'letters_digits';
  return /^\s+$/u.test(text) ? 'space' : 'mixed';
}

function numberClassOf(value: number): string {
  return `${value < 0 ? 'negative_' : ''}${Number.isInteger(value) ? 'integer' : 'decimal'}`;
}
