/** Sums over any stretch of a series in one step, from sums of all that came before. */

export interface WindowSums {
  /** Sum of the `length` values before index `end`. */
  readonly total: (end: number, length: number) => number;
  /** Of the known values among them; null when there is none. */
  readonly spread: (end: number, length: number) => { readonly mean: number; readonly deviation: number } | null;
}

export function createWindowSums(values: readonly (number | null)[]): WindowSums {
  const sums = new Float64Array(values.length + 1);
  const squares = new Float64Array(values.length + 1);
  const known = new Float64Array(values.length + 1);
  for (const [index, value] of values.entries()) {
    sums[index + 1] = (sums[index] ?? 0) + (value ?? 0);
    squares[index + 1] = (squares[index] ?? 0) + (value ?? 0) ** 2;
    known[index + 1] = (known[index] ?? 0) + (value === null ? 0 : 1);
  }
  const over = (of: Float64Array, end: number, length: number) => {
    const until = Math.max(end, 0);
    return (of[until] ?? 0) - (of[Math.max(until - length, 0)] ?? 0);
  };
  return {
    total: (end, length) => over(sums, end, length),
    spread(end, length) {
      const count = over(known, end, length);
      if (count === 0) return null;
      const mean = over(sums, end, length) / count;
      return { mean, deviation: Math.sqrt(Math.max(over(squares, end, length) / count - mean * mean, 0)) };
    },
  };
}
