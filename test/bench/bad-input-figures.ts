/**
 * What bad input costs us from its bytes to its outcome, decode and, where it is accepted, redact, in CPU time and without
 * any IO, beside a clean envelope: rows of the table of bad inputs that stand for what senders get wrong, the dearest row of
 * all, and 1 MiB of what secrets look like, redacted by itself and as the delivery that would bring it. Each input is the
 * same bytes over and over, so that of its harmless texts is known already what is kept, as of those of most traffic.
 */
import { redactText } from '../../src/envelope/secrets/redact-text.ts';
import { createSample } from '../fixtures/bad-inputs/sample.ts';
import { inputCases } from '../fixtures/bad-inputs/table.ts';
import { REPEATED_UNITS } from '../fixtures/redaction/repeated-units.ts';
import { judge } from '../support/judge.ts';
import type { Figure } from './figures.ts';

const MIB = 1_048_576;
/** For what stands around the text in its envelope. */
const ENVELOPE_BYTES = 1_024;
/** To be measured, and only to find out which of many is the dearest. */
const THOROUGH: Pace = { warmUpRounds: 5, rounds: 15 };
const BRISK: Pace = { warmUpRounds: 1, rounds: 1 };
/** In a round: as often as it takes to have read so much, and within bounds. */
const BYTES_A_ROUND = 512 * 1_024;
const MOST_REPEATS = 2_000;
const MICROSECONDS_A_MILLISECOND = 1_000;

interface Pace {
  readonly warmUpRounds: number;
  readonly rounds: number;
}

interface Shown {
  readonly what: string;
  readonly number: number;
  /** Of the row, as the table prints it. */
  readonly name: string;
}

const CLEAN: Shown = { what: 'clean', number: 61, name: 'no details' };
const SMALL: readonly Shown[] = [
  { what: 'malformed at its end', number: 17, name: 'trailing garbage' },
  { what: 'no UTF-8', number: 6, name: 'byte FF in a string' },
  { what: 'no error in it', number: 56, name: 'error null' },
  { what: 'no code in it', number: 57, name: 'code null' },
  { what: 'a code that is no label', number: 58, name: 'a' },
  { what: '65 levels deep', number: 23, name: 'depth 65' },
  { what: 'a NUL', number: 33, name: '\\\\u0000 in the message' },
  { what: 'a lone surrogate', number: 36, name: 'a lone high surrogate in details' },
  { what: 'a key twice in details', number: 28, name: 'a repeated key in details' },
  { what: 'two requestIds', number: 29, name: 'two requestIds' },
  { what: 'a number that no double holds', number: 47, name: '9007199254740993' },
  { what: 'a card number in the message', number: 44, name: 'PAN 4111111111111111' },
  { what: 'a card number in details', number: 63, name: '4111111111111111' },
];
const LARGE: readonly Shown[] = [
  { what: '1 MiB and a byte', number: 16, name: '1 MiB and a byte' },
  { what: '500 000 levels deep', number: 24, name: 'depth 500 000' },
  { what: '60 000 keys', number: 25, name: '60 000 keys in one object' },
  { what: '100 000 items', number: 26, name: '100 000 items of details.errors' },
];

export function measureBadInputs(): readonly Figure[] {
  const nowMs = Date.now();
  const table = inputCases('bench', nowMs);
  const bytesOf = ({ number, name }: Shown) => {
    const found = table.find((each) => each.number === number && each.name === name);
    if (found === undefined) throw new Error(`the table of bad inputs has no row ${number} of this name: ${name}`);
    return found.bytes;
  };
  const judged = (bytes: Uint8Array | null): Measured => ({
    lengthBytes: bytes?.length ?? 0,
    work: () => void judge(bytes, nowMs),
  });
  const micros = microsOfEach([CLEAN, ...SMALL, ...LARGE].map((shown) => judged(bytesOf(shown))));
  const clean = { what: 'clean, as long as most', values: micros[0] ?? [] };
  const small = SMALL.map(({ what }, at): Figure => {
    return { what: `  ${what}`, unit: 'us/input', values: micros[1 + at] ?? [], reference: clean };
  });
  const large = LARGE.map(({ what }, at): Figure => {
    return { what: `  ${what}`, unit: 'ms/input', values: inMilliseconds(micros[1 + SMALL.length + at] ?? []) };
  });
  const dearest = table[dearestOf(table.map(({ bytes }) => judged(bytes)))] ?? { number: 0, name: '', bytes: null };
  const unit = REPEATED_UNITS[dearestOf(REPEATED_UNITS.map(redacted))] ?? '';
  const [ofTable = [], ofText = [], ofDelivery = []] = [
    judged(dearest.bytes),
    redacted(unit),
    judged(hostileBytes(unit, nowMs)),
  ].map((each) => inMilliseconds(microsOfEach([each])[0] ?? []));
  return [
    { what: 'bad input to outcome, without IO: CPU, clean', unit: 'us/input', values: clean.values },
    ...small,
    ...large,
    { what: `  dearest of the table: ${dearest.number}, ${dearest.name}`, unit: 'ms/input', values: ofTable },
    {
      what: `  1 MiB of ${JSON.stringify(unit)}, the dearest text, redacted`,
      unit: 'ms',
      values: ofText,
      aim: { of: 'figure', is: 'at_most', bound: 50 },
    },
    { what: '  as a delivery, decoded and redacted', unit: 'ms/input', values: ofDelivery },
  ];
}

interface Measured {
  readonly lengthBytes: number;
  readonly work: () => void;
}

/** CPU microseconds, one a round, of each piece of work. */
function microsOfEach(all: readonly Measured[], { warmUpRounds, rounds }: Pace = THOROUGH): readonly (readonly number[])[] {
  const spent: number[][] = all.map(() => []);
  for (let round = 0; round < warmUpRounds + rounds; round += 1) {
    for (const [at, { lengthBytes, work }] of all.entries()) {
      const repeats = Math.min(MOST_REPEATS, Math.ceil(BYTES_A_ROUND / Math.max(1, lengthBytes)));
      const before = process.cpuUsage();
      for (let n = 0; n < repeats; n += 1) work();
      const { user, system } = process.cpuUsage(before);
      if (round >= warmUpRounds) spent[at]?.push((user + system) / repeats);
    }
  }
  return spent;
}

function dearestOf(all: readonly Measured[]): number {
  const micros = microsOfEach(all, BRISK).map(([value = 0]) => value);
  return micros.indexOf(Math.max(...micros));
}

function redacted(unit: string): Measured {
  const text = unit.repeat(Math.ceil(MIB / unit.length)).slice(0, MIB);
  return { lengthBytes: MIB, work: () => void redactText(text) };
}

/** An envelope of at most 1 MiB whose details hold the unit over and over, under a key whose texts are kept. */
function hostileBytes(unit: string, nowMs: number): Buffer {
  const unitBytes = Buffer.byteLength(JSON.stringify(unit)) - 2;
  const text = unit.repeat(Math.floor((MIB - ENVELOPE_BYTES) / unitBytes));
  return Buffer.from(createSample('bench-hostile', nowMs).withKept(JSON.stringify(text)));
}

function inMilliseconds(micros: readonly number[]): readonly number[] {
  return micros.map((value) => value / MICROSECONDS_A_MILLISECOND);
}
