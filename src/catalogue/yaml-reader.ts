/**
 * Reads YAML nodes with their lines, so that each mistake can be told where it stands. Built on the document rather than on
 * plain values because those have forgotten it, and because YAML would turn codes such as `NULL` or `TRUE` into no text.
 */
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from 'yaml';
import type { CatalogueProblem } from './catalogue-fault.ts';
import { nearest } from './nearest.ts';

type Position = Node | null;

/** What the YAML library reports, in our words: its own may quote the file. */
const SYNTAX: Readonly<Record<string, string>> = {
  BAD_INDENT: 'the indentation does not match the lines around it',
  TAB_AS_INDENT: 'tabs cannot indent YAML; use spaces',
  MISSING_CHAR: 'a bracket, quote, colon or space is missing',
  MULTIPLE_DOCS: 'the file must hold one YAML document',
  BAD_ALIAS: 'an alias names no anchor; write the value out',
  UNEXPECTED_TOKEN: 'something stands here that does not belong; is a value with ": " or "#" in it not quoted?',
  MULTILINE_IMPLICIT_KEY: 'a key must stand on one line; is the colon behind it missing?',
  BLOCK_AS_IMPLICIT_KEY: 'a second colon stands in this line; put the value in quotes',
};

export class YamlReader {
  readonly problems: CatalogueProblem[] = [];
  readonly #lines = new LineCounter();

  /** The top-level mapping, or null with the reasons in `problems`. */
  open(text: string): YAMLMap | null {
    const document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, uniqueKeys: false, stringKeys: false });
    for (const { code, pos } of [...document.errors, ...document.warnings]) {
      this.#reportAt(pos[0], SYNTAX[code] ?? 'this is not well-formed YAML');
    }
    if (this.problems.length > 0) return null;
    return this.mapping(document.contents, null, 'the file');
  }

  report(at: Position, message: string): void {
    this.#reportAt(at?.range?.[0] ?? 0, message);
  }

  mapping(node: unknown, at: Position, name: string): YAMLMap | null {
    if (isMap(node)) return node;
    this.report(nodeOf(node) ?? at, `${name} must be a mapping of keys to values`);
    return null;
  }

  /** The pairs by key as written; a repeated key is reported and its first pair kept. */
  members(map: YAMLMap, name: string): ReadonlyMap<string, { readonly key: Node; readonly value: unknown }> {
    const members = new Map<string, { readonly key: Node; readonly value: unknown }>();
    for (const { key, value } of map.items) {
      if (!isScalar(key)) {
        this.report(nodeOf(key) ?? map, `the keys of ${name} must be plain words`);
        continue;
      }
      const word = key.source ?? String(key.value);
      if (members.has(word)) this.report(key, `${quoted(word)} is in ${name} twice`);
      else members.set(word, { key, value });
    }
    return members;
  }

  /** The pairs of a mapping that may hold only `allowed` keys. */
  fields(map: YAMLMap, name: string, allowed: readonly string[]) {
    const members = this.members(map, name);
    for (const [word, { key }] of members) {
      if (allowed.includes(word)) continue;
      const near = nearest(word, allowed);
      const advice = near === null ? `allowed are ${allowed.join(', ')}` : `did you mean ${near}?`;
      this.report(key, `${name} has the unknown key ${quoted(word)}; ${advice}`);
    }
    return members;
  }

  /** A scalar's value, or undefined with the reason in `problems`. */
  scalar(node: unknown, at: Position, name: string, wanted: string): unknown {
    if (isScalar(node)) return node.value;
    this.report(nodeOf(node) ?? at, `${name} must be ${wanted}`);
    return undefined;
  }

  items(node: unknown, at: Position, name: string, wanted: string): readonly unknown[] {
    if (isSeq(node)) return node.items;
    this.report(nodeOf(node) ?? at, `${name} must be ${wanted}`);
    return [];
  }

  #reportAt(offset: number, message: string): void {
    const { line, col } = this.#lines.linePos(offset);
    this.problems.push({ line: Math.max(line, 1), column: Math.max(col, 1), message });
  }
}

export function nodeOf(node: unknown): Node | null {
  return isMap(node) || isSeq(node) || isScalar(node) ? node : null;
}

/** A key as it may stand in a message: short and without control characters. */
export function quoted(word: string): string {
  return JSON.stringify(word.length > 40 ? `${word.slice(0, 40)}…` : word);
}
