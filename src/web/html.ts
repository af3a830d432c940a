/**
 * Markup that escapes by default. Whatever is put into a template is text unless it was made by `html` itself; where it
 * stands (text, a quoted attribute, a URL) is found once a template, and places that no escaping makes safe throw.
 */
const brand: unique symbol = Symbol('html');

export interface Html {
  readonly [brand]: string;
}

/** `null`, `undefined` and `false` show nothing, so that `condition && html…` reads as it should. */
export type Value = Html | string | number | null | undefined | false | readonly Value[];

type Place = 'text' | 'attribute' | 'url';

const URL_ATTRIBUTES = new Set(['href', 'src', 'action', 'formaction', 'poster']);
const FORBIDDEN_ATTRIBUTE = /^(on.*|style|srcdoc)$/;
const RAW_TEXT_ELEMENTS = new Set(['script', 'style']);
const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
/** Browsers drop tabs and line ends from URLs and take a backslash for a slash: `/\evil.example` is another host. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is refused here.
const UNSAFE_IN_URL = /[\u0000-\u0020\u007f\\]/;

const placesByTemplate = new WeakMap<TemplateStringsArray, readonly Place[]>();

/** @throws TypeError for a value where no escaping helps: unquoted, a name, a script, a handler, markup in an attribute. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  let places = placesByTemplate.get(strings);
  if (places === undefined) {
    places = findPlaces(strings);
    placesByTemplate.set(strings, places);
  }
  let text = strings[0] ?? '';
  for (const [index, value] of values.entries()) text += put(value, places[index] ?? 'text') + (strings[index + 1] ?? '');
  return { [brand]: text };
}

export function render(page: Html): string {
  return page[brand];
}

export function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}

/** The URL when it leads to http, https or a place of this site; else `#`. */
export function safeUrl(url: string): string {
  if (UNSAFE_IN_URL.test(url)) return '#';
  if (/^(\/(?!\/)|[?#])/.test(url) || url === '') return url;
  return /^https?:\/\//i.test(url) && URL.canParse(url) ? url : '#';
}

function put(value: Value, place: Place): string {
  if (value === null || value === undefined || value === false) return '';
  if (isList(value)) return value.map((each) => put(each, place)).join('');
  if (typeof value === 'object') {
    if (place !== 'text') throw new TypeError('markup may not stand in an attribute');
    return value[brand];
  }
  return escapeText(place === 'url' ? safeUrl(String(value)) : String(value));
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

const TAG_PART =
  /(?<comment><!--[\s\S]*?-->)|<(?<close>\/?)(?<name>[a-zA-Z][a-zA-Z0-9-]*)|(?<attribute>[^\s"'<>/=]+)="(?<value>[^"]*)"|(?<bare>[^\s"'<>/=]+)(?<sign>=?)|(?<end>>)|[\s\S]/gy;
/** Stands for a value while a template is looked at; templates are ours, and none holds it. */
const HOLE = '\u0001';

/** Walks the template as a browser would and notes for each value where it stands. */
function findPlaces(strings: TemplateStringsArray): readonly Place[] {
  const template = strings.join(HOLE);
  const places: Place[] = [];
  let at = 0;
  while (at < template.length) {
    const next = template.indexOf('<', at);
    const text = template.slice(at, next === -1 ? template.length : next);
    places.push(...holesOf(text).map(() => 'text' as const));
    if (next === -1) break;
    at = readTag(template, next, places);
  }
  return places;
}

/** Reads one tag, or a whole element whose content is no markup; answers where it ends. */
function readTag(template: string, start: number, places: Place[]): number {
  TAG_PART.lastIndex = start;
  let element = '';
  for (let match = TAG_PART.exec(template); match !== null; match = TAG_PART.exec(template)) {
    const { comment, name, close, attribute, value = '', bare, sign, end } = match.groups ?? {};
    if (comment !== undefined) {
      refuseHoles(comment, 'a comment');
      return TAG_PART.lastIndex;
    }
    if (name !== undefined && match.index === start) element = close === '' ? name.toLowerCase() : '';
    else if (attribute !== undefined) readAttribute(attribute, value, places);
    else if (bare !== undefined) {
      refuseHoles(bare, 'a name or an unquoted attribute');
      if (sign === '=') throw new TypeError(`the value of ${bare} must stand in double quotes`);
    } else if (end !== undefined) {
      if (!RAW_TEXT_ELEMENTS.has(element)) return TAG_PART.lastIndex;
      const closing = template.indexOf(`</${element}`, TAG_PART.lastIndex);
      refuseHoles(template.slice(TAG_PART.lastIndex, closing === -1 ? undefined : closing), `<${element}>`);
      return closing === -1 ? template.length : closing;
    } else refuseHoles(match[0], 'a tag');
  }
  throw new TypeError('a tag is not closed');
}

function readAttribute(attribute: string, value: string, places: Place[]): void {
  refuseHoles(attribute, 'the name of an attribute');
  const name = attribute.toLowerCase();
  const holes = holesOf(value);
  if (holes.length === 0) return;
  if (FORBIDDEN_ATTRIBUTE.test(name)) throw new TypeError(`a value may not stand in ${name}`);
  if (!URL_ATTRIBUTES.has(name)) return void places.push(...holes.map(() => 'attribute' as const));
  // Only the whole URL can be judged: behind a prefix a value could still change where it leads.
  if (value !== HOLE) throw new TypeError(`${name} must be one value as a whole`);
  places.push('url');
}

function holesOf(text: string): readonly string[] {
  return text.split(HOLE).slice(1);
}

function refuseHoles(text: string, where: string): void {
  if (text.includes(HOLE)) throw new TypeError(`a value may not stand in ${where}`);
}
