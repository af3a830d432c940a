/**
 * Jobs that run at the same time every day bring their errors with them. A burst that came at this time on two of the
 * last three days is expected today too, as large as it was then and somewhat larger; one that is much larger is news
 * again. The season cannot hold such bursts: they are minutes long, and its bins are smoothed over half an hour.
 */

export interface Recurrence {
  /**
   * Bursts by slot of the day, today first: how many times what was expected the slot brought; 0 where it was no burst.
   * A day without any is an empty list.
   */
  days: number[][];
  /** Days since the epoch of the first of `days`, and the slot in progress; null before the first bucket. */
  day: number | null;
  slot: number;
  observed: number;
  expected: number;
  variance: number;
  /** The minute in progress, or the bucket where that is wider; minutes since the epoch. */
  minute: { number: number; count: number; expected: number; variance: number };
  /** The slot's largest minute: times expected, and standard deviations above. */
  peakRatio: number;
  peakDeviations: number;
}

const SLOT_SECONDS = 300;
const SECONDS_PER_MINUTE = 60;
const SECONDS_PER_DAY = 86400;
const SLOT_COUNT = SECONDS_PER_DAY / SLOT_SECONDS;
const MEMORY_DAYS = 3;
/** On so many of them a burst must have come. */
const LEAST_DAYS = 2;
/** A slot, or one minute in it, is a burst with so many errors and standard deviations more than expected. */
const BURST = { count: 3, slotDeviations: 2.5, minuteDeviations: 3.5 } as const;
/** Up to so many times a burst's earlier size it is the same burst. */
const SAME_BURST_TIMES = 1.8;
const RATIO_RESOLUTION = 10;

export function createRecurrence(): Recurrence {
  return {
    days: [[]],
    day: null,
    slot: 0,
    observed: 0,
    expected: 0,
    variance: 0,
    minute: { number: 0, count: 0, expected: 0, variance: 0 },
    peakRatio: 0,
    peakDeviations: 0,
  };
}

/**
 * Most errors, in units of those expected, that a bucket at this moment may bring and still be the burst of the days
 * before; 1 where there was none. For moments of the last day; before, nothing is known any more.
 */
export function recurringFactorAt({ days, day }: Recurrence, bucketStartSeconds: number): number {
  if (day === null || days.length <= LEAST_DAYS) return 1;
  const slot = slotOf(bucketStartSeconds);
  // What began before midnight is compared with the days before yesterday.
  const today = day - dayOf(bucketStartSeconds);
  let largest = 0;
  let second = 0;
  for (let ago = 1; ago <= MEMORY_DAYS; ago += 1) {
    const ratio = days[today + ago]?.[slot] ?? 0;
    if (ratio > largest) {
      second = largest;
      largest = ratio;
    } else if (ratio > second) second = ratio;
  }
  return second === 0 ? 1 : second * SAME_BURST_TIMES;
}

/** Adds a bucket that was collected; `expected` and `variance` (errors²) are what was thought of it before it came. */
export function rememberForRecurrence(
  recurrence: Recurrence,
  bucket: { readonly startSeconds: number; readonly count: number; readonly expected: number; readonly variance: number },
): void {
  const day = dayOf(bucket.startSeconds);
  const slot = slotOf(bucket.startSeconds);
  if (slot !== recurrence.slot || day !== recurrence.day) completeSlot(recurrence, day, slot);
  const minute = Math.floor(bucket.startSeconds / SECONDS_PER_MINUTE);
  if (minute !== recurrence.minute.number) completeMinute(recurrence, minute);
  recurrence.minute.count += bucket.count;
  recurrence.minute.expected += bucket.expected;
  recurrence.minute.variance += bucket.variance;
}

function completeMinute(recurrence: Recurrence, number: number): void {
  const { count, expected, variance } = recurrence.minute;
  const excess = count - expected;
  recurrence.observed += count;
  recurrence.expected += expected;
  recurrence.variance += variance;
  if (excess >= BURST.count) {
    recurrence.peakRatio = Math.max(recurrence.peakRatio, count / Math.max(expected, 1));
    recurrence.peakDeviations = Math.max(recurrence.peakDeviations, excess / Math.sqrt(variance));
  }
  recurrence.minute = { number, count: 0, expected: 0, variance: 0 };
}

function completeSlot(recurrence: Recurrence, day: number, slot: number): void {
  completeMinute(recurrence, recurrence.minute.number);
  const { observed, expected, variance, peakRatio, peakDeviations } = recurrence;
  const excess = observed - expected;
  const isUp = excess >= BURST.count && excess >= BURST.slotDeviations * Math.sqrt(variance);
  if (isUp || peakDeviations >= BURST.minuteDeviations) {
    const [today = []] = recurrence.days;
    // In a slot that a burst fills only in part, its size is that of its minutes.
    const ratio = Math.max(observed / Math.max(expected, 1), peakRatio);
    if (today.length === 0) today.push(...new Array<number>(SLOT_COUNT).fill(0));
    today[recurrence.slot] = Math.ceil(ratio * RATIO_RESOLUTION) / RATIO_RESOLUTION;
  }
  for (let begun = recurrence.day ?? day; begun < day && begun < (recurrence.day ?? day) + MEMORY_DAYS + 1; begun += 1)
    recurrence.days.unshift([]);
  recurrence.days.length = Math.min(recurrence.days.length, MEMORY_DAYS + 2);
  recurrence.day = day;
  recurrence.slot = slot;
  recurrence.observed = 0;
  recurrence.expected = 0;
  recurrence.variance = 0;
  recurrence.peakRatio = 0;
  recurrence.peakDeviations = 0;
}

function dayOf(epochSeconds: number): number {
  return Math.floor(epochSeconds / SECONDS_PER_DAY);
}

function slotOf(epochSeconds: number): number {
  return Math.floor((epochSeconds - dayOf(epochSeconds) * SECONDS_PER_DAY) / SLOT_SECONDS);
}
