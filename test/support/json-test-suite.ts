/** The files of nst/JSONTestSuite by name: the corner cases of JSON itself. Two of them are too large to be kept and are made here. */
import { readFileSync } from 'node:fs';
import { Type } from 'typebox';
import { Value } from 'typebox/value';

const Suite = Type.Object({ files: Type.Record(Type.String(), Type.String()) });
const suite = Value.Parse(Suite, JSON.parse(readFileSync(new URL('../fixtures/json-test-suite.json', import.meta.url), 'utf8')));

export const jsonTestSuite: readonly (readonly [name: string, bytes: Uint8Array])[] = [
  ...Object.entries(suite.files).map(([name, base64]) => [name, Buffer.from(base64, 'base64')] as const),
  ['n_structure_100000_opening_arrays', Buffer.from('['.repeat(100_000))],
  ['n_structure_open_array_object', Buffer.from(`${'[{"":'.repeat(50_000)}\n`)],
];
