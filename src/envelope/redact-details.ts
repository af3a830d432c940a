/**
 * Details as they may be stored, by allow-list: what the catalogue lists for the code is kept, of everything else the shape.
 * Written straight to JSON text with sorted keys, so that the same details are the same bytes.
 *
 * A value that an end user typed (`value`) may be repeated in a text beside it; it is taken out there too.
 */
import { memoized } from './memo.ts';
import type { JsonObject, JsonValue } from './schema.ts';
import { isCardNumber } from './secrets/card.ts';
import { withoutEchoes } from './secrets/echo.ts';
import { redactText } from './secrets/redact-text.ts';
import { isSecretName } from './secrets/secret-name.ts';
import { classifiedShapeOf, isShape, shapeOf } from './shape.ts';
import { distinctFields, type ValidationField, validationFieldOf } from './validation-fields.ts';

export interface RedactedDetails {
  readonly json: string;
  readonly isChanged: boolean;
  /** What end users typed: not to be kept in any other text of the envelope either. */
  readonly typed: readonly string[];
  /** Which fields the kept items of `errors` are about, each pair once. */
  readonly fields: readonly ValidationField[];
}

/** What end users typed; never kept, whoever lists it. */
const TYPED_KEY = 'value';
const ERRORS_KEY = 'errors';
const ERROR_ITEM_KEYS: ReadonlySet<string> = new Set(['field', 'message', 'code']);
const NO_KEYS: ReadonlySet<string> = new Set();
const NOTHING_TYPED: readonly string[] = [];

/** @param listed keys of `details` that the catalogue lists for the envelope's code. */
export function redactDetails(details: JsonObject, listed: ReadonlySet<string>): RedactedDetails {
  const writer = new DetailsWriter();
  const json = writer.object(details, listed, NOTHING_TYPED);
  return { json, isChanged: writer.isChanged, typed: writer.typed, fields: distinctFields(writer.fields) };
}

class DetailsWriter {
  isChanged = false;
  readonly typed: string[] = [];
  readonly fields: ValidationField[] = [];

  object(object: JsonObject, listed: ReadonlySet<string>, echoes: readonly string[]): string {
    let json = '';
    for (const key of sortedKeysOf(object)) {
      const value = object[key] ?? null;
      const isListed = listed.has(key);
      const name = isListed ? key : this.#noted(key, redactText(key));
      // The mark that stands for a secret key may be a secret's name itself: what is under it goes the first time.
      const member =
        name !== key && value !== null && isSecretName(name) ? this.#secret(value) : this.#member(key, value, isListed, echoes);
      json += `${json === '' ? '{' : ','}${keyJson(name)}:${member}`;
    }
    return json === '' ? '{}' : `${json}}`;
  }

  #member(key: string, value: JsonValue, isListed: boolean, echoes: readonly string[]): string {
    if (isShape(value)) return this.#shape(value);
    if (key === TYPED_KEY) {
      // One by one: as arguments of one call, hundreds of thousands would overflow the stack.
      for (const text of textsIn(value)) this.typed.push(text);
      return this.#shape(classifiedShapeOf(value));
    }
    if (value !== null && isSecretName(key)) return this.#secret(value);
    if (!isListed) return this.#unlisted(value);
    if (key === ERRORS_KEY) return isArray(value) ? this.#array(value, (item) => this.#errorItem(item)) : this.#unlisted(value);
    return isArray(value) ? this.#array(value, (item) => this.#kept(item, echoes)) : this.#kept(value, echoes);
  }

  #secret(value: JsonValue): string {
    return this.#shape(isShape(value) ? value : shapeOf(value));
  }

  #errorItem(item: JsonValue): string {
    if (!isObject(item) || isShape(item)) return this.#unlisted(item);
    const typed = item[TYPED_KEY] ?? null;
    const echoes = isShape(typed) ? NOTHING_TYPED : textsIn(typed);
    const { field, code } = item;
    if (typeof field === 'string' && typeof code === 'string')
      this.fields.push(validationFieldOf(keptText(field, echoes), keptText(code, echoes)));
    return this.object(item, ERROR_ITEM_KEYS, echoes);
  }

  #kept(value: JsonValue, echoes: readonly string[]): string {
    if (typeof value !== 'string') return this.#unlisted(value);
    return JSON.stringify(this.#noted(value, keptText(value, echoes)));
  }

  #unlisted(value: JsonValue): string {
    if (typeof value === 'string') return this.#shape(shapeOf(value));
    if (typeof value === 'number') return isCardNumber(value) ? this.#shape(shapeOf(value)) : JSON.stringify(value);
    if (isArray(value)) return this.#array(value, (item) => this.#unlisted(item));
    if (!isObject(value)) return String(value);
    return isShape(value) ? this.#shape(value) : this.object(value, NO_KEYS, NOTHING_TYPED);
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

  #noted(before: string, after: string): string {
    if (before !== after) this.isChanged = true;
    return after;
  }
}

/** Keys are the same few in most envelopes. */
const keyJson = memoized((name) => JSON.stringify(name), { mostTexts: 1_000, longestText: 64 });

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

function keptText(text: string, echoes: readonly string[]): string {
  return withoutEchoes(redactText(text), echoes);
}

/** All texts and numbers in what an end user typed. */
function textsIn(value: JsonValue): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'number') return [String(value)];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
