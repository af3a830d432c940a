/**
 * PURE. Whether a code that opens rose alone or with the others. Many codes that rise by the same factor at the same time
 * are more traffic, or a fault that all requests share: one thing to tell, not one a code.
 *
 * A code can speak for or against only when the factor would show in it: with M expected errors, f times as many stand out
 * of chance when (f - 1) M >= 3 sqrt(f M). Of those that could, half must have risen, and at least three. Moderate evidence
 * is enough for each, since that many at once are no accident: so the collapse need not wait until each has opened.
 */
import type { CodeTransition } from './code-states.ts';

const LEAST_RISEN_COUNT = 3;
const LEAST_RISEN_SHARE = 0.5;
/** Standard deviations that a rise must promise in a code whose silence counts against it. */
const FAIR_DEVIATIONS = 3;
/** Standard deviations above what is expected that one code must show. */
const RISEN_DEVIATIONS = 2;
/** Smaller factors are everyday wandering. */
const LEAST_FACTOR = 1.3;
/** A code stays a spike of its own when it rose so many times more than the others, beyond what chance adds to that. */
const BEYOND_RATIO = 3;
const BEYOND_DEVIATIONS = 4;

/** The stretch in which codes are compared: from when the first of them rose, within these. */
const LEAST_WINDOW_SECONDS = 30;
const MOST_WINDOW_SECONDS = 300;

/** How far to look back from the end of a stretch; null: nothing opened in it. */
export function riseWindowSeconds(transitions: readonly CodeTransition[], endSeconds: number): number | null {
  const starts = transitions.flatMap(({ transition }) => (transition.event === 'open' ? [transition.startsAtSeconds] : []));
  if (starts.length === 0) return null;
  return Math.min(Math.max(endSeconds - Math.min(...starts), LEAST_WINDOW_SECONDS), MOST_WINDOW_SECONDS);
}

/** Errors of one code in the last minutes. */
export interface Rise {
  readonly code: string;
  readonly observed: number;
  readonly expected: number;
}

export interface CommonRise {
  /** How many times as many errors as expected: the median over the codes that rose. */
  readonly factor: number;
  /** The largest rise first. */
  readonly risen: readonly Rise[];
  /** Codes in which the factor would show; those that rose are among them. */
  readonly fairCount: number;
}

/**
 * @param rises of all codes, without those that are up since before and for reasons of their own.
 * @param opened those that open now.
 * @returns null: what opens rose by itself.
 */
export function commonRiseOf(rises: readonly Rise[], opened: ReadonlySet<string>): CommonRise | null {
  const ratios = rises.filter(({ code, expected }) => opened.has(code) && expected > 0).map(ratioOf);
  if (ratios.length === 0) return null;
  // The smallest, so that one code with a fault of its own does not set the measure for all.
  const first = breadthAt(rises, Math.max(LEAST_FACTOR, Math.min(...ratios)));
  if (first.risen.length === 0) return null;
  const factor = Math.max(LEAST_FACTOR, medianOf(first.risen.map(ratioOf)));
  const { risen, fairCount } = breadthAt(rises, factor);
  if (risen.length < LEAST_RISEN_COUNT || risen.length < LEAST_RISEN_SHARE * fairCount) return null;
  return { factor, risen: risen.toSorted((one, other) => excessOf(other) - excessOf(one)), fairCount };
}

/** Whether a code rose by so much more that the common factor does not explain it. */
export function isBeyond({ observed, expected }: Pick<Rise, 'observed' | 'expected'>, factor: number): boolean {
  const explained = expected * factor;
  return observed > BEYOND_RATIO * explained && observed - explained > BEYOND_DEVIATIONS * Math.sqrt(explained);
}

function breadthAt(rises: readonly Rise[], factor: number) {
  const fair = rises.filter(({ expected }) => (factor - 1) * expected >= FAIR_DEVIATIONS * Math.sqrt(factor * expected));
  return { fairCount: fair.length, risen: fair.filter((rise) => hasRisen(rise, factor)) };
}

/** At least half of the factor on a logarithmic scale, and more than chance. */
function hasRisen({ observed, expected }: Rise, factor: number): boolean {
  return observed >= expected * Math.sqrt(factor) && observed - expected >= RISEN_DEVIATIONS * Math.sqrt(expected);
}

function ratioOf({ observed, expected }: Rise): number {
  return observed / expected;
}

function excessOf({ observed, expected }: Rise): number {
  return observed - expected;
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}
