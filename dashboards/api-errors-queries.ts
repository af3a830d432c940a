/** What the sections on the API's errors ask for: observed, expected, and one over the other. */
import { CODES, maxBy, rateBy } from './queries.ts';

/** Counts are smoothed over this where a number stands for "now", so that one request does not turn a panel red. */
export const NOW = '5m';
/** Errors per second below which a factor says nothing: with an expectation near 0 the first error would be 1000 times normal. */
export const FACTOR_FLOOR_PER_SECOND = 1 / 60;

export const ERRORS = 'surgewatch_errors_total';
export const EXPECTED = 'surgewatch_expected_errors_per_second';
export const SPIKE = 'surgewatch_spike_active';

export const observedByCode = rateBy('code', ERRORS, CODES);
export const expectedByCode = maxBy('code', EXPECTED, CODES);
export const expectedInAll = `sum (${expectedByCode})`;
export const timesNormal = `${observedByCode} / clamp_min(${expectedByCode}, ${FACTOR_FLOOR_PER_SECOND.toFixed(4)})`;
