/**
 * Some codes are wilder than the model knows. For each window length the detector keeps the root mean square of its own
 * past surprises: a model that fits gives 1, a code that often looks surprising must surprise more before it counts.
 * Never below 1: a code that looks calmer than the model gains nothing by it.
 */

export interface Calibration {
  /** Mean square of past z, one a window. */
  squares: number[];
  /** What those means weigh, in seconds. */
  weightSeconds: number;
}

/** Half-life of 3 days, as the mean age of an exponential memory. */
const MEMORY_SECONDS = (3 * 86400) / Math.LN2;
/** What a new code is presumed to be until it has shown itself: wilder than the model; worth so many seconds. */
const PRIOR_SQUARE = 1.2;
const PRIOR_SECONDS = 6 * 3600;
/** A single surprise counts as no more than this, or an unnoticed surge would deafen the code. */
const CLIP_DEVIATIONS = 4;

export function createCalibration(windowCount: number): Calibration {
  return { squares: new Array<number>(windowCount).fill(PRIOR_SQUARE), weightSeconds: PRIOR_SECONDS };
}

/** What a window's z is divided by. */
export function scaleOf(calibration: Calibration, window: number): number {
  return Math.sqrt(Math.max(calibration.squares[window] ?? 1, 1));
}

/** `surprises` are the z of one bucket, shortest window first; windows that were not looked through are absent. */
export function learnCalibration(calibration: Calibration, surprises: readonly number[], bucketSeconds: number): void {
  calibration.weightSeconds = Math.min(calibration.weightSeconds + bucketSeconds, MEMORY_SECONDS);
  const gain = bucketSeconds / calibration.weightSeconds;
  for (const [window, z] of surprises.entries()) {
    const square = calibration.squares[window] ?? 1;
    calibration.squares[window] = square + gain * (Math.min(z * z, CLIP_DEVIATIONS ** 2) - square);
  }
}
