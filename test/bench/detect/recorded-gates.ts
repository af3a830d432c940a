/**
 * Gates that were met once, with what was measured then. A gate kept here must not be lost again: counted figures are the
 * same on every machine, so for them the gate itself is the limit; times may overshoot it by half.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Type from 'typebox';
import Value from 'typebox/value';
import { type Gate, isMet } from './gates.ts';
import type { GateRow } from './report.ts';

const FILE = join(import.meta.dirname, '../../fixtures/detector-gates.json');
const TIMED_TOLERANCE = 1.5;
const SIGNIFICANT_DIGITS = 4;

const RECORD = Type.Record(Type.String(), Type.Record(Type.String(), Type.Number()));
/** By occasion (suite, preset, bucket width), then by gate: the figure with which it was met. */
export type RecordedGates = Readonly<Record<string, Readonly<Record<string, number>>>>;

export interface LostGate {
  readonly what: string;
  readonly recorded: number;
  readonly measured: number;
}

export function readRecordedGates(file = FILE): RecordedGates {
  if (!existsSync(file)) return {};
  const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (!Value.Check(RECORD, parsed)) throw new Error(`${file} holds no record of gates`);
  return parsed;
}

/** Those that were met when recorded and are not now, beyond the tolerance. */
export function findLostGates(rows: readonly GateRow[], recorded: Readonly<Record<string, number>>): readonly LostGate[] {
  return rows.flatMap(({ gate, mean }) => {
    const before = recorded[gate.what];
    return before === undefined || isMet(tolerant(gate), mean) === true
      ? []
      : [{ what: gate.what, recorded: before, measured: mean }];
  });
}

/** Keeps what is met now under this occasion, and what other occasions hold. */
export function recordGates(occasion: string, rows: readonly GateRow[], file = FILE): void {
  const met = rows.filter(({ gate, mean }) => isMet(gate, mean) === true);
  const figures = Object.fromEntries(met.map(({ gate, mean }) => [gate.what, Number(mean.toPrecision(SIGNIFICANT_DIGITS))]));
  const all = { ...readRecordedGates(file), [occasion]: figures };
  const sorted = Object.fromEntries(Object.entries(all).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(file, `${JSON.stringify(sorted, null, 2)}\n`);
}

function tolerant(gate: Gate): Gate {
  return gate.isTimed === true ? { ...gate, reach: gate.reach * TIMED_TOLERANCE } : gate;
}
