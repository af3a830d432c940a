/**
 * Details as they may be stored, by allow-list: what the catalogue lists for the code is kept, of everything else the shape.
 * Written straight to JSON text with sorted keys, so that the same details are the same bytes.
 *
 * A value that an end user typed (`value`) may be repeated in any text of the envelope; it is taken out there too.
 */
import { memoized } from './memo.ts';
import type { JsonObject, JsonValue } from './schema.ts';
import { isCardNumber } from './secrets/card.ts';
import { createWithoutEchoes, MAX_TYPED_COUNT, type WithoutEchoes } from './secrets/echo.ts';
import { redactText } from './secrets/redact-text.ts';
import { isSecretName } from './secrets/secret-name.ts';
import { classifiedShapeOf, isShape, shapeOf } from './shape.ts';
import { distinctFields, type ValidationField, validationFieldOf } from './validation-fields.ts';

export interface RedactedDetails {
  readonly json: string;
  readonly isChanged: boolean;
  /** For the other texts of the envelope, which must not repeat what end users typed either. */
  readonly withoutEchoes: WithoutEchoes;
  /** Which fields the kept items of `errors` are about, each pair once. */
  readonly fields: readonly ValidationField[];
}

/** What end users typed; never kept, whoever lists it. */
const TYPED_KEY = 'value';
const ERRORS_KEY = 'errors';
const ERROR_ITEM_KEYS: ReadonlySet<string> = new Set(['field', 'message', 'code']);
const NO_KEYS: ReadonlySet<string> = new Set();

/** @param listed keys of `details` that the catalogue lists for the envelope's code, none of them a secret's name. */
export function redactDetails(details: JsonObject, listed: ReadonlySet<string>): RedactedDetails {
  const typed: string[] = [];
  collectTyped(details, typed);
  const withoutEchoes = createWithoutEchoes(typed);
  const writer = new DetailsWriter(withoutEchoes);
  const json = writer.object(details, listed);
  return { json, isChanged: writer.isChanged, withoutEchoes, fields: distinctFields(writer.fields) };
}

class DetailsWriter {
  isChanged = false;
  readonly fields: ValidationField[] = [];
  readonly #withoutEchoes: WithoutEchoes;

  constructor(withoutEchoes: WithoutEchoes) {
    this.#withoutEchoes = withoutEchoes;
  }

  object(object: JsonObject, listed: ReadonlySet<string>): string {
    let json = '';
    for (const key of sortedKeysOf(object)) {
      const value = object[key] ?? null;
      const isListed = listed.has(key);
      const name = isListed || key === TYPED_KEY ? key : this.#keptText(key);
      // The mark that stands for a secret key may be a secret's name itself: what is under it goes the first time.
      const member =
        name !== key && value !== null && isSecretName(name) ? this.#secret(value) : this.#member(key, value, isListed);
      json += (json === '' ? firstMember(name) : furtherMember(name)) + member;
    }
    return json === '' ? '{}' : `${json}}`;
  }

  #member(key: string, value: JsonValue, isListed: boolean): string {
    if (isShape(value)) return this.#shape(value);
    if (key === TYPED_KEY) return this.#shape(classifiedShapeOf(value));
    if (!isListed) return value !== null && isSecretName(key) ? this.#secret(value) : this.#unlisted(value);
    if (key === ERRORS_KEY) return isArray(value) ? this.#array(value, (item) => this.#errorItem(item)) : this.#unlisted(value);
    return isArray(value) ? this.#array(value, (item) => this.#kept(item)) : this.#kept(value);
  }

  #secret(value: JsonValue): string {
    return this.#shape(isShape(value) ? value : shapeOf(value));
  }

  #errorItem(item: JsonValue): string {
    if (!isObject(item) || isShape(item)) return this.#unlisted(item);
    const { field, code } = item;
    if (typeof field === 'string' && typeof code === 'string')
      this.fields.push(validationFieldOf(this.#keptText(field), this.#keptText(code)));
    return this.object(item, ERROR_ITEM_KEYS);
  }

  #kept(value: JsonValue): string {
    return typeof value === 'string' ? JSON.stringify(this.#keptText(value)) : this.#unlisted(value);
  }

  #keptText(text: string): string {
    const kept = redactText(this.#withoutEchoes(text));
    if (kept !== text) this.isChanged = true;
    return kept;
  }

  #unlisted(value: JsonValue): string {
    if (typeof value === 'string') return this.#shape(shapeOf(value));
    if (typeof value === 'number') return isCardNumber(value) ? this.#shape(shapeOf(value)) : JSON.stringify(value);
    if (isArray(value)) return this.#array(value, (item) => this.#unlisted(item));
    if (!isObject(value)) return String(value);
    return isShape(value) ? this.#shape(value) : this.object(value, NO_KEYS);
  }

  #array(items: readonly JsonValue[], write: (item: JsonValue) => string): string {
    let json = '';
    for (const item of items) json += `${json === '' ? '[' : ','}${write(item)}`;
    return json === '' ? '[]' : `${json}]`;
  }

  #shape(shape: JsonObject): string {
    this.isChanged = true;
    return JSON.stringify(shape);
  }
}

/** What stands before a member's value, in one piece: keys are the same few in most envelopes, and each join costs memory. */
const NAMES = { mostTexts: 1_000, longestText: 64 };
const firstMember = memoized((name) => `{${JSON.stringify(name)}:`, NAMES);
const furtherMember = memoized((name) => `,${JSON.stringify(name)}:`, NAMES);

/** Up to here sorting by insertion is faster than a call of `sort`. */
const FEW_KEYS = 8;

function sortedKeysOf(object: JsonObject): readonly string[] {
  const keys = Object.keys(object);
  if (keys.length > FEW_KEYS) return keys.sort();
  for (let end = 1; end < keys.length; end += 1) {
    const key = keys[end] ?? '';
    let at = end;
    for (; at > 0 && (keys[at - 1] ?? '') > key; at -= 1) keys[at] = keys[at - 1] ?? '';
    keys[at] = key;
  }
  return keys;
}

/** All that stands under a `value`, wherever one stands. */
function collectTyped(value: JsonValue, typed: string[]): void {
  if (typeof value !== 'object' || value === null) return;
  if (isArray(value)) {
    for (const item of value) collectTyped(item, typed);
    return;
  }
  for (const key of Object.keys(value)) {
    const member = value[key] ?? null;
    if (key !== TYPED_KEY) collectTyped(member, typed);
    else if (!isShape(member)) collectTexts(member, typed);
  }
}

function collectTexts(value: JsonValue, texts: string[]): void {
  if (texts.length > MAX_TYPED_COUNT) return;
  if (typeof value === 'string') texts.push(value);
  else if (typeof value === 'number') texts.push(String(value));
  else if (typeof value === 'object' && value !== null) for (const member of Object.values(value)) collectTexts(member, texts);
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
