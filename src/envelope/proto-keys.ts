/**
 * Keys that turn into the prototype of an object when somebody downstream copies them carelessly. `JSON.parse` itself
 * keeps them as plain members, so a parsed tree shows them however they were spelled.
 */
import type { JsonValue } from './schema.ts';

/** Whether some object has a member `__proto__`, or a `constructor` that is an object with a `prototype`. */
export function hasProtoKey(value: JsonValue | undefined): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Object.hasOwn(value, '__proto__')) return true;
  return Object.entries(value).some(([key, member]) => (key === 'constructor' && hasPrototype(member)) || hasProtoKey(member));
}

function hasPrototype(value: JsonValue): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'prototype');
}
