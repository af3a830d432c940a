/** PURE. Counts as the store reads them, as one code's state is stepped on by them: by the start of the bucket. */
import type { BucketCount } from './ports.ts';

export const NO_COUNTS: ReadonlyMap<number, number> = new Map();

export function countsByCode(counts: readonly BucketCount[]): ReadonlyMap<string, ReadonlyMap<number, number>> {
  const byCode = new Map<string, Map<number, number>>();
  for (const { code, bucketStartSeconds, count } of counts) {
    const known = byCode.get(code);
    if (known === undefined) byCode.set(code, new Map([[bucketStartSeconds, count]]));
    else known.set(bucketStartSeconds, count);
  }
  return byCode;
}
