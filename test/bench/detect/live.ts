/**
 * Ten thousand codes live: the cost of one tick in which every code gets its next 10 s bucket, and of keeping the states.
 * Codes are copies of a few that have run for two days, at volumes as installations have them: many rare, few busy.
 */
import { type CodeState, createCodeState, deserialise, serialise, settingsFor, step } from '../../../src/detect/detector.ts';
import { createDice } from '../../fixtures/worlds/dice.ts';
import { percentileOf } from '../figures.ts';
import { table } from './report.ts';

const BUCKET_SECONDS = 10;
const GROWN_SECONDS = 2 * 86_400;
const START_SECONDS = 1_773_619_200;
const WARM_UP_TICKS = 20;
const TICKS = 180;
/** Errors a minute of the codes that are copied; a copy draws counts of its own. */
const MEANS = [0.002, 0.002, 0.01, 0.01, 0.05, 0.05, 0.2, 0.2, 1, 1, 5, 5, 20, 60, 200, 600];
const PHI = 1.5;
const BYTES_PER_MB = 1e6;
const BUCKETS_PER_MINUTE = 60 / BUCKET_SECONDS;
const SEED = 10;

export function measureLive(codeCount: number): string {
  const settings = settingsFor({ bucketSeconds: BUCKET_SECONDS });
  const dice = createDice(SEED);
  const grown = MEANS.map((mean) => {
    const state = createCodeState(settings);
    for (let at = 0; at < GROWN_SECONDS; at += BUCKET_SECONDS) {
      step(state, settings, START_SECONDS + at, dice.clustered(mean / BUCKETS_PER_MINUTE, PHI));
    }
    return { mean, text: serialise(state) };
  });
  const heapBefore = usedBytes();
  const codes: { readonly mean: number; readonly state: CodeState }[] = [];
  while (codes.length < codeCount) {
    const parent = grown[codes.length % grown.length];
    if (parent !== undefined) codes.push({ mean: parent.mean, state: deserialise(parent.text, settings) });
  }
  const heapMb = (usedBytes() - heapBefore) / BYTES_PER_MB;
  const ticksMs: number[] = [];
  let opened = 0;
  for (let tick = 0; tick < WARM_UP_TICKS + TICKS; tick += 1) {
    const counts = codes.map(({ mean }) => dice.clustered(mean / BUCKETS_PER_MINUTE, PHI));
    const at = START_SECONDS + GROWN_SECONDS + tick * BUCKET_SECONDS;
    const started = performance.now();
    for (const [index, { state }] of codes.entries()) {
      if (step(state, settings, at, counts[index] ?? 0)?.event === 'open') opened += 1;
    }
    if (tick >= WARM_UP_TICKS) ticksMs.push(performance.now() - started);
  }
  const started = performance.now();
  const bytes = codes.reduce((sum, { state }) => sum + Buffer.byteLength(serialise(state)), 0);
  const serialiseMs = performance.now() - started;
  const meanMs = ticksMs.reduce((sum, ms) => sum + ms, 0) / ticksMs.length;
  return table([
    [`${codeCount} codes, ticks of ${BUCKET_SECONDS} s, one core`, 'measured', 'unit'],
    ['a tick, mean', meanMs.toFixed(1), 'ms'],
    ['a tick, p99', percentileOf(ticksMs, 0.99).toFixed(1), 'ms'],
    ['a tick, longest', Math.max(...ticksMs).toFixed(1), 'ms'],
    ['share of the core', ((meanMs / (BUCKET_SECONDS * 1000)) * 100).toFixed(2), '%'],
    ['a bucket and code', ((meanMs * 1000) / codeCount).toFixed(2), 'µs'],
    ['heap for the states', heapMb.toFixed(0), 'MB'],
    ['heap a code', ((heapMb * BYTES_PER_MB) / codeCount).toFixed(0), 'bytes'],
    ['all states as text', (bytes / BYTES_PER_MB).toFixed(0), 'MB'],
    ['a state as text', (bytes / codeCount).toFixed(0), 'bytes'],
    ['to write them all', serialiseMs.toFixed(0), 'ms'],
    [`opened in ${(((WARM_UP_TICKS + TICKS) * BUCKET_SECONDS) / 60).toFixed(0)} min without a surge`, String(opened), 'spikes'],
  ]);
}

/** After a collection, where Node allows it (`--expose-gc`, which the npm script sets). */
function usedBytes(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
