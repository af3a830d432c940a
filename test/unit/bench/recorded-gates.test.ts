import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Gate } from '../../bench/detect/gates.ts';
import { findLostGates, readRecordedGates, recordGates } from '../../bench/detect/recorded-gates.ts';
import type { GateRow } from '../../bench/detect/report.ts';
import { makeTempDir } from '../../support/temp-dir.ts';

const FALSE_ALARMS: Gate = { what: 'false alarms', is: 'at_most', reach: 0.02, unit: 'per code-day', of: () => 0 };
const POD: Gate = { what: 'POD', is: 'at_least', reach: 77, unit: '%', of: () => 0 };
const TIME: Gate = { what: 'time', is: 'at_most', reach: 5, unit: 'µs', isTimed: true, of: () => 0 };

function row(gate: Gate, mean: number): GateRow {
  return { gate, each: [mean], mean };
}

describe('a gate that was met', () => {
  it('is lost when the figure passes the gate, not when it only moves towards it', () => {
    const recorded = { 'false alarms': 0.012, POD: 79 };
    assert.deepEqual(findLostGates([row(FALSE_ALARMS, 0.0199), row(POD, 77)], recorded), []);
    assert.deepEqual(findLostGates([row(FALSE_ALARMS, 0.021), row(POD, 76.9)], recorded), [
      { what: 'false alarms', recorded: 0.012, measured: 0.021 },
      { what: 'POD', recorded: 79, measured: 76.9 },
    ]);
  });

  it('of time may be overshot by half', () => {
    assert.deepEqual(findLostGates([row(TIME, 7.4)], { time: 2 }), []);
    assert.equal(findLostGates([row(TIME, 7.6)], { time: 2 }).length, 1);
  });

  it('is lost when it can no longer be measured', () => {
    assert.equal(findLostGates([row(POD, Number.NaN)], { POD: 79 }).length, 1);
  });

  it('and only such a gate is kept, beside what is kept of other occasions', () => {
    const file = join(makeTempDir('gates').path, 'gates.json');
    recordGates('worlds1', [row(FALSE_ALARMS, 0.0123456), row(POD, 60)], file);
    recordGates('main4', [row(POD, 80)], file);
    assert.deepEqual(readRecordedGates(file), { main4: { POD: 80 }, worlds1: { 'false alarms': 0.01235 } });
  });
});
