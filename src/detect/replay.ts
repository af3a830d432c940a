/**
 * Many codes through the detector, bucket after bucket, as the service sees them. The one place that keeps a state per
 * code outside the service, so that a backtest cannot differ from what would have been raised live.
 */
import { type CodeState, createCodeState, type DetectorSettings, scoreOf, step, type Transition } from './detector.ts';

export interface ReplayedBucket {
  readonly transition: Transition | null;
  /** How far the bucket stands out, whether or not anything opened. */
  readonly score: number;
}

export interface Replay {
  /** One bucket of one code; buckets of a code come in order, null = not collected. A traffic factor that is not given is 1. */
  readonly feed: (code: string, bucketStartSeconds: number, count: number | null, trafficFactor?: number) => ReplayedBucket;
}

export function createReplay(settings: DetectorSettings): Replay {
  const states = new Map<string, CodeState>();

  function stateOf(code: string): CodeState {
    const known = states.get(code);
    if (known !== undefined) return known;
    const created = createCodeState(settings);
    states.set(code, created);
    return created;
  }

  return {
    feed(code, bucketStartSeconds, count, trafficFactor) {
      const state = stateOf(code);
      const transition = step(state, settings, bucketStartSeconds, count, trafficFactor);
      return { transition, score: count === null ? 0 : scoreOf(state) };
    },
  };
}
