/** Numbers of a state are kept to a fraction that is enough for them, which keeps the stored state short. */

/** To the nearest whole number of 1/`resolution`; never minus zero, which would be written as zero and read back as another state. */
export function roundTo(value: number, resolution: number): number {
  return Math.round(value * resolution) / resolution + 0;
}
