/** What a section found, and the arithmetic on it. Every figure keeps the value of each round. */

export interface Figure {
  readonly what: string;
  readonly unit: string;
  /** One a round, in order. */
  readonly values: readonly number[];
  /** Measured in the same rounds, for the ratio: value of a round over reference of that round. */
  readonly reference?: { readonly what: string; readonly values: readonly number[] };
  readonly aim?: Aim;
}

/** On the ratio where `of` says so, else on the figure itself; the median decides. */
export interface Aim {
  readonly of: 'figure' | 'ratio';
  readonly is: 'at_least' | 'at_most';
  readonly bound: number;
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** NaN for no values. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  const median = sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
  return { median, min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN };
}

/** The smallest value that `share` of the values do not exceed. NaN for no values. */
export function percentileOf(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

/** One a round: load changes from round to round, and the two sides of a ratio must have had the same. */
export function ratiosOf({ values, reference }: Figure): readonly number[] {
  if (reference === undefined) return [];
  return values.map((value, round) => value / (reference.values[round] ?? Number.NaN));
}

/** null: no aim was set. */
export function isMet(figure: Figure): boolean | null {
  const { aim, values } = figure;
  if (aim === undefined) return null;
  const { median } = spreadOf(aim.of === 'ratio' ? ratiosOf(figure) : values);
  return aim.is === 'at_least' ? median >= aim.bound : median <= aim.bound;
}
