/**
 * What the embedded PostgreSQL may take for its cache. Once the indexes of the day that is written no longer fit, each row
 * costs half as much again, so a machine that has room gives more than PostgreSQL's default of 128 MB, and no more than a
 * service may that shares it. Memory that is not needed is not touched.
 */
import { totalmem } from 'node:os';

const MEGABYTE = 2 ** 20;
const LEAST_MEGABYTES = 128;
const MOST_MEGABYTES = 512;
const SHARE = 1 / 16;

/** PostgreSQL's `shared_buffers`, in whole megabytes. @param memoryBytes of the machine, or what a container may use of it. */
export function cacheMegabytes(memoryBytes: number): number {
  return Math.min(MOST_MEGABYTES, Math.max(LEAST_MEGABYTES, Math.floor((memoryBytes * SHARE) / MEGABYTE)));
}

/** Of this machine, or of this container where it may use less. */
export function availableMemoryBytes(): number {
  const limit = process.constrainedMemory(); // 0 where there is none.
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
