/**
 * How surprising a count is. Error counts are over-dispersed (clients retry, jobs fail in batches), so the yardstick is a
 * negative binomial with the given mean and variance, never a Poisson, unless the variance is no larger than the mean.
 */

/** Below this excess of variance over mean (relative to the mean) the Poisson limit is used: the same to 1e-6. */
const POISSON_EXCESS = 1e-6;

/** Half a count is taken off, so that a discrete tail is not read as rarer than it is. */
const CONTINUITY_CORRECTION = 0.5;

/**
 * Signed root of the deviance of a count, in standard deviations:
 * z = ±sqrt(2 [y ln(y/M) - (y + n) ln((y + n)/(M + n))]), y = Y - ½, n = M²/(V - M); its Poisson limit for V <= M.
 * Nearly standard normal under the null far into the tail, with no tail function and no 1 - cdf (McCullagh and Nelder
 * 1989, Generalized Linear Models, on deviance residuals).
 *
 * @param mean M > 0, errors; `variance` V, errors².
 */
export function surpriseOf(count: number, mean: number, variance: number): number {
  const y = Math.max(count - CONTINUITY_CORRECTION, 0);
  const growth = y > 0 ? y * Math.log(y / mean) : 0;
  const excess = variance - mean;
  let half: number;
  if (excess <= POISSON_EXCESS * mean) {
    half = growth - (y - mean);
  } else {
    const n = (mean * mean) / excess;
    half = growth - (y + n) * Math.log1p((y - mean) / (mean + n)); // log1p: for large n the quotient is near one
  }
  const z = Math.sqrt(2 * Math.max(half, 0));
  return y >= mean ? z : -z;
}
