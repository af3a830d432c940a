import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { BUILT_IN_CATALOGUE } from '../../../src/catalogue/built-in.ts';
import { CatalogueFault } from '../../../src/catalogue/catalogue-fault.ts';
import { parseCatalogue } from '../../../src/catalogue/parse-catalogue.ts';

const NO_STATUSES = { statuses: new Map() };
const WORDS = ['meaning: m', 'callerAdvice: c', 'supportWords: s', 'retryable: false'];

/** A file with one code A and these lines in its entry, four valid ones first. */
function fileWith(lines: readonly string[], code = 'A'): string {
  return ['codes:', `  ${code}:`, ...[...WORDS, ...lines].map((line) => `    ${line}`)].join('\n');
}

/** `LINE: message` of every problem. */
function problemsOf(text: string, fallback: typeof NO_STATUSES | undefined = NO_STATUSES): readonly string[] {
  try {
    parseCatalogue(text, 'file.yaml', fallback);
  } catch (fault) {
    if (fault instanceof CatalogueFault) return fault.problems.map(({ line, message }) => `${line}: ${message}`);
    throw fault;
  }
  return [];
}

test('an entry is read with all it may state', () => {
  const text = fileWith([
    'status: 418',
    'fault: server',
    'severity: critical',
    'team: tea',
    'detailKeys: [a, "b c"]',
    'expectedMinimum: {errors: 5, withinMinutes: 60}',
  ]);
  deepEqual(parseCatalogue(text, 'file.yaml', NO_STATUSES).codes.get('A'), {
    code: 'A',
    status: 418,
    fault: 'server',
    severity: 'critical',
    team: 'tea',
    detailKeys: ['a', 'b c'],
    expectedMinimum: { errors: 5, withinMinutes: 60 },
    meaning: 'm',
    callerAdvice: 'c',
    supportWords: 's',
    isRetryable: false,
  });
});

test('what an entry leaves out is null or empty', () => {
  const entry = parseCatalogue(fileWith(['status: 400']), 'file.yaml', NO_STATUSES).codes.get('A');
  deepEqual(
    [entry?.fault, entry?.severity, entry?.team, entry?.detailKeys, entry?.expectedMinimum],
    [null, null, null, [], null],
  );
});

test('an expected minimum that cannot be meant is told with what may be', () => {
  const problems = (minimum: string) => problemsOf(fileWith(['status: 400', `expectedMinimum: ${minimum}`]));
  const of = 'of expectedMinimum of code "A"';
  deepEqual(problems('{errors: 0, withinMinutes: 1441}'), [
    `8: errors ${of} must be a whole number from 1 to 1000000`,
    `8: withinMinutes ${of} must be a whole number from 1 to 1440`,
  ]);
  deepEqual(problems('{errors: 5}'), ['8: expectedMinimum of code "A" lacks withinMinutes']);
  deepEqual(problems('5'), ['8: expectedMinimum of code "A" must be a mapping of keys to values']);
  deepEqual(problems('{errors: 5, within: 60, withinMinutes: 60}'), [
    '8: expectedMinimum of code "A" has the unknown key "within"; allowed are errors, withinMinutes',
  ]);
});

test('a code that YAML would read as null, a number or a flag stays the word it is', () => {
  for (const code of ['NULL', 'TRUE', '404', '0x10', '~']) {
    deepEqual([...parseCatalogue(fileWith(['status: 400'], code), 'file.yaml', NO_STATUSES).codes.keys()], [code]);
  }
});

test('a file states only the statuses that it words differently, the rest comes from the fallback', () => {
  const builtIn = parseCatalogue(readFileSync(BUILT_IN_CATALOGUE, 'utf8'), 'built-in.yaml');
  const statuses = ['statuses:', '  404:', '    name: Gone fishing', ...WORDS.map((line) => `    ${line}`)];
  const catalogue = parseCatalogue([fileWith(['status: 400']), ...statuses].join('\n'), 'file.yaml', builtIn);
  deepEqual([...catalogue.codes.keys()], ['A']);
  equal(catalogue.statuses.get(404)?.name, 'Gone fishing');
  equal(catalogue.statuses.get(503)?.name, 'Service Unavailable');
  equal(builtIn.statuses.get(404)?.name, 'Not Found');
});

const mistakes: readonly (readonly [name: string, text: string, problems: readonly string[]])[] = [
  ['an empty file', '', ['1: the file must be a mapping of keys to values']],
  ['a list', '- a', ['1: the file must be a mapping of keys to values']],
  ['no codes', 'statuses: {}', ['1: the file must have the key codes']],
  ['codes that are a list', 'codes: [A]', ['1: codes must be a mapping of keys to values']],
  ['an entry that is a text', 'codes:\n  A: secret', ['2: code "A" must be a mapping of keys to values']],
  ['an entry that is empty', 'codes:\n  A:', ['2: code "A" must be a mapping of keys to values']],
  ['a tab', 'codes:\n\tA: 1', ['2: tabs cannot indent YAML; use spaces']],
  ['two documents', 'codes: {}\n---\ncodes: {}', ['2: the file must hold one YAML document']],
  [
    'a text with a colon',
    fileWith(['status: 400', 'team: a: secret']),
    ['8: a second colon stands in this line; put the value in quotes'],
  ],
  [
    'a missing field',
    'codes:\n  A:\n    status: 400\n    meaning: m\n    supportWords: s\n    retryable: true',
    ['2: code "A" lacks callerAdvice'],
  ],
  [
    'a mistyped key',
    fileWith(['status: 400', 'severitty: critical']),
    ['8: code "A" has the unknown key "severitty"; did you mean severity?'],
  ],
  [
    'a key in another spelling',
    fileWith(['status: 400', 'detail_keys: []']),
    ['8: code "A" has the unknown key "detail_keys"; did you mean detailKeys?'],
  ],
  [
    'a key that is like no other',
    fileWith(['status: 400', 'x: 1']),
    [
      '8: code "A" has the unknown key "x"; allowed are status, fault, severity, team, meaning, callerAdvice, supportWords, retryable, detailKeys, expectedMinimum',
    ],
  ],
  ['a status that is a text', fileWith(['status: secret']), ['7: status of code "A" must be a whole number from 100 to 599']],
  ['a status below 100', fileWith(['status: 99']), ['7: status of code "A" must be a whole number from 100 to 599']],
  ['a status above 599', fileWith(['status: 600']), ['7: status of code "A" must be a whole number from 100 to 599']],
  ['a status with a fraction', fileWith(['status: 400.5']), ['7: status of code "A" must be a whole number from 100 to 599']],
  ['a status that is a list', fileWith(['status: [400]']), ['7: status of code "A" must be a whole number from 100 to 599']],
  ['a fault of nobody', fileWith(['status: 400', 'fault: secret']), ['8: fault of code "A" must be client or server']],
  ['a severity of its own', fileWith(['status: 400', 'severity: page']), ['8: severity of code "A" must be critical or warning']],
  ['a team that is empty', fileWith(['status: 400', 'team: ""']), ['8: team of code "A" must be a text of 1 to 64 characters']],
  [
    'a flag in words',
    fileWith(['status: 400']).replace('retryable: false', 'retryable: no'),
    ['6: retryable of code "A" must be true or false'],
  ],
  [
    'a meaning that is a number',
    fileWith(['status: 400']).replace('meaning: m', 'meaning: 7'),
    ['3: meaning of code "A" must be a text of 1 to 2000 characters'],
  ],
  [
    'detail keys that are a text',
    fileWith(['status: 400', 'detailKeys: a']),
    ['8: detailKeys of code "A" must be a list of at most 100 keys'],
  ],
  [
    'a detail key that is a number',
    fileWith(['status: 400', 'detailKeys:', '  - a', '  - 7']),
    ['10: an item of detailKeys of code "A" must be a text'],
  ],
  ['a repeated code', `${fileWith(['status: 400'])}\n  A: {}`, ['8: "A" is in codes twice']],
  ['a repeated key', fileWith(['status: 400', 'status: 401']), ['8: "status" is in code "A" twice']],
  ['an empty code', fileWith(['status: 400'], '""'), ['2: a code must have 1 to 128 characters and no control characters']],
  [
    'a code of 129 characters',
    fileWith(['status: 400'], 'A'.repeat(129)),
    ['2: a code must have 1 to 128 characters and no control characters'],
  ],
  [
    'a code with a line break',
    fileWith(['status: 400'], '"A\\nB"'),
    ['2: a code must have 1 to 128 characters and no control characters'],
  ],
  ['a reserved code', fileWith(['status: 400'], '_other'), ["2: _other is a name of surgewatch's own and cannot be a code"]],
  [
    'a status of no number',
    `${fileWith(['status: 400'])}\nstatuses:\n  teapot: {}`.replace('{}', `{name: n, ${WORDS.join(', ')}}`),
    ['9: a key of statuses must be a whole number from 100 to 599'],
  ],
  [
    'a top-level key of another name',
    `${fileWith(['status: 400'])}\nstatusses: {}`,
    ['8: the file has the unknown key "statusses"; did you mean statuses?'],
  ],
];
for (const [name, text, problems] of mistakes) {
  test(`${name} is told with its line`, () => deepEqual(problemsOf(text), problems));
}

test('all problems are told at once, in the order of their lines', () => {
  deepEqual(
    problemsOf('codes:\n  A: 1\nx: 1\nstatuses: 1').map((problem) => problem.slice(0, 1)),
    ['2', '3', '4'],
  );
});

test('statuses are required where there is nothing to fall back on', () => {
  throws(() => parseCatalogue(fileWith(['status: 400']), 'file.yaml'), {
    message: 'file.yaml:1: the file must have the key statuses',
  });
});

test('a thousand codes are a catalogue, one more is too many', () => {
  const codes = (count: number) =>
    ['codes:', ...Array.from({ length: count }, (_, index) => `  C${index}: {status: 400, ${WORDS.join(', ')}}`)].join('\n');
  equal(parseCatalogue(codes(1000), 'file.yaml', NO_STATUSES).codes.size, 1000);
  deepEqual(problemsOf(codes(1001)), ['1: codes may list at most 1000 codes']);
});

test('no message repeats a value of the file', () => {
  for (const [, text] of mistakes) ok(!problemsOf(text).join().includes('secret'), text);
});

test('a file full of aliases is refused, not unfolded', () => {
  const bomb = `codes:\n  A: &a {status: 400, ${WORDS.join(', ')}}\n  B: *a`;
  deepEqual(problemsOf(bomb), ['3: code "B" must be a mapping of keys to values']);
});
