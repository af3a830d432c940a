/**
 * Rates wander by themselves for an hour or two, with traffic and with clients. A Kalman filter follows the deviation d
 * of the rate from its baseline (the rate is m·(1 + d)), so that a wandering rate is expected a little later instead of
 * alerting. d is an Ornstein-Uhlenbeck process of stationary variance s²; it follows slowly and by clipped steps, or a
 * surge would teach itself away.
 */

export interface Deviation {
  /** d, relative to the baseline. */
  value: number;
  /** P, the variance of the error of d. */
  variance: number;
}

export const SLOWEST_TIME_CONSTANT_SECONDS = 90 * 60;
/** Rates wander at their own pace; the nearest of these is taken. */
export const TIME_CONSTANTS_SECONDS = [20 * 60, 45 * 60, SLOWEST_TIME_CONSTANT_SECONDS] as const;

/** An observation pulls at most as if it were so many standard deviations off. */
const INNOVATION_CLIP_DEVIATIONS = 2.5;
/** A rate cannot fall below nothing; the noise of an observation is taken at no less than this share of the baseline. */
const LEAST_RATE = 0.05;

export function createDeviation(): Deviation {
  return { value: 0, variance: 0 };
}

/** One bucket further, unseen: d decays to 0, its uncertainty grows to s². */
export function predictDeviation(
  deviation: Deviation,
  {
    wander,
    timeConstantSeconds,
    seconds,
  }: { readonly wander: number; readonly timeConstantSeconds: number; readonly seconds: number },
): void {
  const rho = Math.exp(-seconds / timeConstantSeconds);
  deviation.value *= rho;
  deviation.variance = rho * rho * deviation.variance + wander * (1 - rho * rho);
}

/** The bucket as seen: observation y/m - 1 with variance phi(1 + d)/m. */
export function correctDeviation(
  deviation: Deviation,
  seen: { readonly count: number; readonly expected: number; readonly phi: number },
): void {
  const noise = (seen.phi * Math.max(1 + deviation.value, LEAST_RATE)) / seen.expected;
  const spread = deviation.variance + noise;
  const clip = INNOVATION_CLIP_DEVIATIONS * Math.sqrt(spread);
  const innovation = seen.count / seen.expected - 1 - deviation.value;
  const gain = deviation.variance / spread;
  deviation.value = Math.max(deviation.value + gain * Math.min(Math.max(innovation, -clip), clip), LEAST_RATE - 1);
  deviation.variance *= 1 - gain;
}
