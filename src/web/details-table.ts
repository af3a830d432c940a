/** `error.details` as a table that can be read out: nested keys joined, field errors one a row. */
import { type Html, html, type Value } from './html.ts';
import { sayCount } from './say.ts';
import { showText } from './visible-text.ts';

const MOST_ROWS = 100;
const LONGEST_VALUE = 400;
type Fields = Readonly<Record<string, unknown>>;

export function detailsTable(details: Fields): Html | null {
  const { errors, ...others } = details;
  const fieldErrors = Array.isArray(errors) ? errors.filter(isFields) : [];
  const rows = flatten(fieldErrors.length > 0 ? others : details);
  if (rows.length === 0 && fieldErrors.length === 0) return null;
  return html`${fieldErrors.length > 0 && fieldTable(fieldErrors)}${rows.length > 0 && valueTable(rows)}`;
}

function fieldTable(errors: readonly Fields[]): Html {
  const cell = (value: unknown): Value => (value === undefined || value === null ? '–' : showText(textOf(value), LONGEST_VALUE));
  return html`<table class="rows"><caption>What was wrong with the request, field by field</caption>
<thead><tr><th scope="col">Field</th><th scope="col">What is wrong</th><th scope="col">Rule</th><th scope="col">What was sent</th></tr></thead>
<tbody>${errors
    .slice(0, MOST_ROWS)
    .map(
      (error) =>
        html`<tr><th scope="row" data-label="Field"><span class="code">${cell(error['field'])}</span></th><td data-label="What is wrong">${cell(error['message'])}</td><td data-label="Rule"><span class="code">${cell(error['code'])}</span></td><td data-label="What was sent">${sent(error['value'])}</td></tr>`,
    )}</tbody></table>`;
}

/** Never the value itself: what is stored says only of what kind and how long it was. */
function sent(value: unknown): Value {
  if (value === undefined) return 'not kept';
  return isShape(value) ? sayShape(value) : showText(textOf(value), LONGEST_VALUE);
}

interface Shape {
  readonly type: string;
  readonly length?: unknown;
  readonly class?: unknown;
}

/** What redaction leaves of a value: its type, its length, the class of its characters. */
function isShape(value: unknown): value is Shape {
  const names = ['type', 'length', 'class'];
  return isFields(value) && typeof value['type'] === 'string' && Object.keys(value).every((key) => names.includes(key));
}

/** 'not kept: text of 3 characters, letters'. */
function sayShape({ type, length, class: kind }: Shape): Html {
  const unit = type === 'array' ? 'item' : type === 'object' ? 'key' : 'character';
  const size = typeof length === 'number' ? ` of ${sayCount(length, unit)}` : '';
  const characters = typeof kind === 'string' ? `, ${kind.replaceAll('_', ' ')}` : '';
  return html`<span class="quiet">not kept: ${showText(`${type === 'string' ? 'text' : type}${size}${characters}`, LONGEST_VALUE)}</span>`;
}

function valueTable(rows: readonly (readonly [string, unknown])[]): Html {
  return html`<table class="facts"><caption>Details the API gave</caption><tbody>${rows
    .slice(0, MOST_ROWS)
    .map(
      ([key, value]) => html`<tr><th scope="row">${showText(key, LONGEST_VALUE)}</th><td>${sent(value)}</td></tr>`,
    )}</tbody></table>${rows.length > MOST_ROWS && html`<p class="quiet">${rows.length - MOST_ROWS} more are in the API’s answer.</p>`}`;
}

function flatten(fields: Fields, prefix = ''): readonly (readonly [string, unknown])[] {
  return Object.entries(fields).flatMap(([key, value]) => {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    if (isFields(value) && !isShape(value)) return flatten(value, path);
    return [[path, value] as const];
  });
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
