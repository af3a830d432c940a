import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import { parseTimestamp } from '../../../src/envelope/timestamp.ts';

test('a canonical timestamp stays as it is', () => {
  const text = '2025-10-12T10:30:00.123456Z';
  deepEqual(parseTimestamp(text), { text, epochMs: 1_760_265_000_123, day: '2025-10-12', fix: null });
});

test('an offset is converted to UTC, the fraction as written', () => {
  deepEqual(parseTimestamp('2025-03-01T00:10:00.5+05:30'), {
    text: '2025-02-28T18:40:00.5Z',
    epochMs: Date.parse('2025-02-28T18:40:00.500Z'),
    day: '2025-02-28',
    fix: null,
  });
  equal(parseTimestamp('2025-12-31T23:30:00-01:00')?.text, '2026-01-01T00:30:00Z');
  equal(parseTimestamp('2025-10-12T10:30:00-00:00')?.text, '2025-10-12T10:30:00Z');
});

test('the day number agrees with the platform over four centuries of days', () => {
  for (let day = Date.UTC(1899, 0, 1); day < Date.UTC(2301, 0, 1); day += 86_400_000) {
    const text = new Date(day).toISOString();
    if (parseTimestamp(text)?.epochMs !== day) equal(parseTimestamp(text)?.epochMs, day, text);
  }
});

test('29 February exists in leap years only', () => {
  equal(parseTimestamp('2024-02-29T00:00:00Z')?.day, '2024-02-29');
  equal(parseTimestamp('2000-02-29T00:00:00Z')?.day, '2000-02-29');
  equal(parseTimestamp('2025-02-29T00:00:00Z'), null);
  equal(parseTimestamp('2100-02-29T00:00:00Z'), null);
});

test('a 60th second is taken only where UTC can have a leap second', () => {
  equal(parseTimestamp('2016-12-31T23:59:60Z')?.text, '2016-12-31T23:59:59.999999Z');
  equal(parseTimestamp('2016-12-31T18:59:60-05:00')?.fix, 'leap_second');
  equal(parseTimestamp('2016-12-31T12:00:60Z'), null);
  equal(parseTimestamp('2016-12-31T23:59:61Z'), null);
});

test('a year past 9999 is taken in both spellings and written as PostgreSQL reads it', () => {
  equal(parseTimestamp('+010000-01-01T00:00:00Z')?.text, '10000-01-01T00:00:00Z');
  equal(parseTimestamp('10000-01-01T00:00:00Z')?.day, '10000-01-01');
  equal(parseTimestamp('9999-12-31T23:59:00-00:01')?.text, '10000-01-01T00:00:00Z');
});

test('what JavaScript cannot hold as a moment does not exist', () => {
  equal(parseTimestamp('+275760-09-13T00:00:00.001Z'), null);
  equal(parseTimestamp('275760-09-12T23:59:60-00:00')?.fix, 'leap_second');
  equal(parseTimestamp('275760-09-13T23:59:60Z'), null);
  equal(parseTimestamp('999999-01-01T00:00:00Z'), null);
});

for (const text of [
  '',
  '2025',
  '2025-10-12',
  '2025-10-12 10:30:00Z',
  '2025-10-12T10:30Z',
  '2025-10-12T10:30:00.Z',
  '2025-10-12T10:30:00,5Z',
  '2025-10-12T10:30:00+0530',
  '2025-10-12T10:30:00+24:00',
  '2025-10-12T10:30:00+05x30',
  '2025-10-12T10:30:00+05:60',
  '2025-10-12T10:30:00Zx',
  '2025-10-12X10:30:00Z',
  '2025/10-12T10:30:00Z',
  '20251012T103000Z',
  '025-10-12T10:30:00Z',
  '+2025-10-12T10:30:00Z',
  '2025-1a-12T10:30:00Z',
  '２０２５-10-12T10:30:00Z',
  `2025-10-12T10:30:00.${'1'.repeat(100)}Z`,
]) {
  test(`${JSON.stringify(text.slice(0, 40))} is no timestamp`, () => equal(parseTimestamp(text), null));
}
