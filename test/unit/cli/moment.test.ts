import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseMoment, parseSpan } from '../../../src/cli/moment.ts';
import { UsageFault } from '../../../src/errors.ts';

const NOW = Date.UTC(2026, 10, 24, 12) / 1000;
const parse = (text: string) => new Date(parseMoment('--from', text, NOW) * 1000).toISOString();

describe('a moment as people type it', () => {
  test('is a date or a time, UTC unless it says its zone', () => {
    assert.equal(parse('2026-11-01'), '2026-11-01T00:00:00.000Z');
    assert.equal(parse('2026-11-01T08:30'), '2026-11-01T08:30:00.000Z');
    assert.equal(parse('2026-11-01 08:30:15'), '2026-11-01T08:30:15.000Z');
    assert.equal(parse('2026-11-01T08:30:00+02:00'), '2026-11-01T06:30:00.000Z');
    assert.equal(parse('2026-11-01t08:30:00z'), '2026-11-01T08:30:00.000Z');
    assert.equal(parse('1793520000'), '2026-11-01T08:00:00.000Z');
  });
  test('is an age, with or without its minus, or now', () => {
    assert.equal(parse('now'), '2026-11-24T12:00:00.000Z');
    for (const age of ['7d', '-7d', '1w', '168h', '10080m', '604800s']) assert.equal(parse(age), '2026-11-17T12:00:00.000Z');
  });
  test('is no day that its month does not have', () => {
    assert.equal(parse('2028-02-29'), '2028-02-29T00:00:00.000Z');
    for (const text of ['2026-02-30', '2026-02-29', '2026-04-31T08:30', '2026-02-30T00:00:00+14:00', '2026-01-00']) {
      assert.throws(
        () => parseMoment('--from', text, NOW),
        (fault) => fault instanceof UsageFault && /^--from must be a time such as/.test(fault.message),
        text,
      );
    }
  });
  test('is nothing else, and the fault says what is allowed and not what was given', () => {
    for (const text of ['', 'yesterday', '7', '7y', '+7d', '2026-13-01', '20261101', '1e9', '2026-11-01T25:00', '12:00']) {
      assert.throws(
        () => parseMoment('--from', text, NOW),
        (fault) => fault instanceof UsageFault && /^--from must be a time such as/.test(fault.message),
        text,
      );
    }
    assert.throws(
      () => parseMoment('--to', 's3cret', NOW),
      (fault) => fault instanceof UsageFault && !fault.message.includes('s3cret'),
    );
  });
});

describe('a span as people type it', () => {
  test('is open where an end is left out, and reaches back from the same now', () => {
    const nowMs = NOW * 1000;
    assert.deepEqual(parseSpan({}, nowMs), { fromMs: null, toMs: null });
    assert.deepEqual(parseSpan({ from: '1h', to: 'now' }, nowMs), { fromMs: nowMs - 3_600_000, toMs: nowMs });
    assert.deepEqual(parseSpan({ to: '2026-11-01' }, nowMs), { fromMs: null, toMs: Date.UTC(2026, 10, 1) });
  });
  test('begins before it ends', () => {
    for (const span of [
      { from: '1h', to: '2h' },
      { from: '1h', to: '1h' },
    ])
      assert.throws(() => parseSpan(span, NOW * 1000), new UsageFault('--from must be before --to'));
  });
});
