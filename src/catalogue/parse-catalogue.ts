/**
 * YAML to catalogue. Every mistake is found in one reading and told with its line, because the file is written by people
 * who know the API and not this program.
 */
import type { Node, YAMLMap } from 'yaml';
import type { Catalogue, CodeEntry, ExpectedMinimum, FaultSide, Severity, StatusEntry } from './catalogue.ts';
import { CatalogueFault } from './catalogue-fault.ts';
import { nodeOf, quoted, YamlReader } from './yaml-reader.ts';

/** Every catalogued code has its own series for each status; more would eat the cap on label values. */
const MAX_CODE_COUNT = 1000;
const MAX_CODE_LENGTH = 128;
const MAX_TEXT_LENGTH = 2000;
const MAX_NAME_LENGTH = 64;
const MAX_DETAIL_KEY_COUNT = 100;
/** A day: the counts of so long are added up once a minute. */
const MAX_MINIMUM_MINUTES = 1440;
const MAX_MINIMUM_ERRORS = 1_000_000;
/** Label values that surgewatch itself gives. */
const RESERVED_CODES: readonly string[] = ['_other', '_all', '_new'];
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is refused here.
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

const FAULTS: readonly FaultSide[] = ['client', 'server'];
const SEVERITIES: readonly Severity[] = ['critical', 'warning'];
const WORDS = ['meaning', 'callerAdvice', 'supportWords'] as const;
const CODE_KEYS = ['status', 'fault', 'severity', 'team', ...WORDS, 'retryable', 'detailKeys', 'expectedMinimum'];
const STATUS_KEYS = ['name', 'fault', ...WORDS, 'retryable'];

type Fields = ReturnType<YamlReader['fields']>;

/**
 * Parses the text of a catalogue file: a mapping `codes` and a mapping `statuses`. The codes are the catalogue's alone; of
 * `statuses` a file may state only those it wants to word differently, or none: the rest comes from `fallback`, which is
 * the built-in catalogue for a `CATALOGUE_FILE`. Without a fallback `statuses` is required.
 * @throws CatalogueFault with all problems, each with its line.
 */
export function parseCatalogue(text: string, fileName: string, fallback?: Pick<Catalogue, 'statuses'>): Catalogue {
  const reader = new YamlReader();
  const root = reader.open(text);
  const catalogue = root === null ? null : readRoot(reader, root, fallback);
  if (catalogue === null || reader.problems.length > 0) {
    throw new CatalogueFault(
      fileName,
      reader.problems.toSorted((a, b) => a.line - b.line),
    );
  }
  return catalogue;
}

function readRoot(reader: YamlReader, root: YAMLMap, fallback: Pick<Catalogue, 'statuses'> | undefined): Catalogue {
  const fields = reader.fields(root, 'the file', ['codes', 'statuses']);
  const codes = new Map<string, CodeEntry>();
  const statuses = new Map<number, StatusEntry>(fallback?.statuses);
  const codesField = fields.get('codes');
  if (codesField === undefined) reader.report(root, 'the file must have the key codes');
  else {
    const map = reader.mapping(codesField.value, codesField.key, 'codes');
    const members = map === null ? new Map() : reader.members(map, 'codes');
    if (members.size > MAX_CODE_COUNT) reader.report(codesField.key, `codes may list at most ${MAX_CODE_COUNT} codes`);
    for (const [code, { key, value }] of members) {
      const entry = readCode(reader, code, key, value);
      if (entry !== null) codes.set(code, entry);
    }
  }
  const statusesField = fields.get('statuses');
  if (statusesField === undefined && fallback === undefined) reader.report(root, 'the file must have the key statuses');
  if (statusesField !== undefined) {
    const map = reader.mapping(statusesField.value, statusesField.key, 'statuses');
    for (const [word, { key, value }] of map === null ? [] : reader.members(map, 'statuses')) {
      const entry = readStatus(reader, word, key, value);
      if (entry !== null) statuses.set(entry.status, entry);
    }
  }
  return { codes, statuses };
}

function readCode(reader: YamlReader, code: string, key: Node, value: unknown): CodeEntry | null {
  if (code === '' || code.length > MAX_CODE_LENGTH || CONTROL.test(code)) {
    reader.report(key, `a code must have 1 to ${MAX_CODE_LENGTH} characters and no control characters`);
    return null;
  }
  if (RESERVED_CODES.includes(code)) reader.report(key, `${code} is a name of surgewatch's own and cannot be a code`);
  const name = `code ${quoted(code)}`;
  const map = reader.mapping(value, key, name);
  if (map === null) return null;
  const fields = reader.fields(map, name, CODE_KEYS);
  const status = required(reader, fields, key, name, 'status');
  return {
    code,
    status: status === null ? 0 : readStatusNumber(reader, status.value, status.key, `status of ${name}`),
    fault: readChoice(reader, fields, name, 'fault', FAULTS),
    severity: readChoice(reader, fields, name, 'severity', SEVERITIES),
    team: fields.has('team') ? readText(reader, fields, key, name, 'team', MAX_NAME_LENGTH) : null,
    ...readWords(reader, fields, key, name),
    detailKeys: readDetailKeys(reader, fields, name),
    expectedMinimum: readExpectedMinimum(reader, fields, name),
  };
}

function readStatus(reader: YamlReader, word: string, key: Node, value: unknown): StatusEntry | null {
  const status = readStatusNumber(reader, key, key, 'a key of statuses');
  const name = `status ${quoted(word)}`;
  const map = reader.mapping(value, key, name);
  if (map === null) return null;
  const fields = reader.fields(map, name, STATUS_KEYS);
  return {
    status,
    name: readText(reader, fields, key, name, 'name', MAX_NAME_LENGTH),
    fault: readChoice(reader, fields, name, 'fault', FAULTS),
    ...readWords(reader, fields, key, name),
  };
}

function readWords(reader: YamlReader, fields: Fields, key: Node, name: string) {
  const [meaning = '', callerAdvice = '', supportWords = ''] = WORDS.map((field) =>
    readText(reader, fields, key, name, field, MAX_TEXT_LENGTH),
  );
  return { meaning, callerAdvice, supportWords, isRetryable: readFlag(reader, fields, key, name, 'retryable') };
}

function readStatusNumber(reader: YamlReader, node: unknown, at: Node, name: string): number {
  const wanted = 'a whole number from 100 to 599';
  const value = reader.scalar(node, at, name, wanted);
  if (typeof value === 'number' && Number.isInteger(value) && value >= 100 && value <= 599) return value;
  if (value !== undefined) reader.report(nodeOf(node) ?? at, `${name} must be ${wanted}`);
  return 0;
}

function readText(reader: YamlReader, fields: Fields, at: Node, name: string, field: string, maxLength: number): string {
  const found = required(reader, fields, at, name, field);
  if (found === null) return '';
  const wanted = `a text of 1 to ${maxLength} characters`;
  const value = reader.scalar(found.value, found.key, `${field} of ${name}`, wanted);
  if (typeof value === 'string' && value.trim() !== '' && value.length <= maxLength) return value.trim();
  if (value !== undefined) reader.report(nodeOf(found.value) ?? found.key, `${field} of ${name} must be ${wanted}`);
  return '';
}

function readFlag(reader: YamlReader, fields: Fields, at: Node, name: string, field: string): boolean {
  const found = required(reader, fields, at, name, field);
  if (found === null) return false;
  const value = reader.scalar(found.value, found.key, `${field} of ${name}`, 'true or false');
  if (typeof value === 'boolean') return value;
  if (value !== undefined) reader.report(nodeOf(found.value) ?? found.key, `${field} of ${name} must be true or false`);
  return false;
}

/** One of a few words; null when the field is left out. */
function readChoice<T extends string>(
  reader: YamlReader,
  fields: Fields,
  name: string,
  field: string,
  choices: readonly T[],
): T | null {
  const found = fields.get(field);
  if (found === undefined) return null;
  const wanted = choices.join(' or ');
  const value = reader.scalar(found.value, found.key, `${field} of ${name}`, wanted);
  const choice = choices.find((candidate) => candidate === value) ?? null;
  if (choice === null && value !== undefined) {
    reader.report(nodeOf(found.value) ?? found.key, `${field} of ${name} must be ${wanted}`);
  }
  return choice;
}

function readDetailKeys(reader: YamlReader, fields: Fields, name: string): readonly string[] {
  const found = fields.get('detailKeys');
  if (found === undefined) return [];
  const wanted = `a list of at most ${MAX_DETAIL_KEY_COUNT} keys`;
  const items = reader.items(found.value, found.key, `detailKeys of ${name}`, wanted);
  if (items.length > MAX_DETAIL_KEY_COUNT) reader.report(found.key, `detailKeys of ${name} must be ${wanted}`);
  return items.map((item) => {
    const value = reader.scalar(item, found.key, `an item of detailKeys of ${name}`, 'a text');
    if (typeof value === 'string' && value !== '') return value;
    if (value !== undefined) reader.report(nodeOf(item) ?? found.key, `an item of detailKeys of ${name} must be a text`);
    return '';
  });
}

function readExpectedMinimum(reader: YamlReader, fields: Fields, name: string): ExpectedMinimum | null {
  const found = fields.get('expectedMinimum');
  if (found === undefined) return null;
  const ownName = `expectedMinimum of ${name}`;
  const map = reader.mapping(found.value, found.key, ownName);
  if (map === null) return null;
  const own = reader.fields(map, ownName, ['errors', 'withinMinutes']);
  const errors = readCount(reader, own, { at: found.key, name: ownName, field: 'errors', most: MAX_MINIMUM_ERRORS });
  const minutes = { at: found.key, name: ownName, field: 'withinMinutes', most: MAX_MINIMUM_MINUTES };
  return { errors, withinMinutes: readCount(reader, own, minutes) };
}

interface CountField {
  readonly at: Node;
  readonly name: string;
  readonly field: string;
  readonly most: number;
}

function readCount(reader: YamlReader, fields: Fields, { at, name, field, most }: CountField): number {
  const found = required(reader, fields, at, name, field);
  if (found === null) return 0;
  const wanted = `a whole number from 1 to ${most}`;
  const value = reader.scalar(found.value, found.key, `${field} of ${name}`, wanted);
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most) return value;
  if (value !== undefined) reader.report(nodeOf(found.value) ?? found.key, `${field} of ${name} must be ${wanted}`);
  return 0;
}

function required(reader: YamlReader, fields: Fields, at: Node, name: string, field: string) {
  const found = fields.get(field);
  if (found !== undefined) return found;
  reader.report(at, `${name} lacks ${field}`);
  return null;
}
