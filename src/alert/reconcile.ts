/**
 * PURE. States that were rebuilt against the spikes that are stored as open: where they differ the states are right. What
 * they opened unseen is told only while it is news.
 */
import { seriesKeyOf } from '../envelope/series-key.ts';
import type { CodeStates, CodeTransition } from './code-states.ts';
import type { SpikeRecord } from './spike.ts';
import { NEWS_MS } from './spike-life.ts';
import { BUCKET_SECONDS } from './way.ts';

export interface ReconcileInput {
  readonly states: Pick<CodeStates, 'isOpen' | 'openCodes' | 'lastOpening'>;
  readonly activeSpikes: readonly SpikeRecord[];
  readonly evaluatedUntilMs: number;
  /** The database's clock. */
  readonly nowMs: number;
}

export function reconcile({ states, activeSpikes, evaluatedUntilMs, nowMs }: ReconcileInput): readonly CodeTransition[] {
  const active = activeSpikes.filter(({ kind }) => kind === 'surge');
  const openCodes = new Set(active.filter(({ closedAtMs }) => closedAtMs === null).map(seriesKeyOf));
  const closings = [...openCodes].filter((code) => !states.isOpen(code)).map((code) => closing(code, evaluatedUntilMs));
  const missing = states.openCodes().filter((code) => !openCodes.has(code));
  return [...closings, ...missing.flatMap((code) => newsOf(states, code, nowMs))];
}

/** The code's newest opening, while it is news. */
export function newsOf(states: Pick<CodeStates, 'lastOpening'>, code: string, nowMs: number): readonly CodeTransition[] {
  const transition = states.lastOpening(code);
  return transition === null || nowMs - transition.bucketStartSeconds * 1000 > NEWS_MS ? [] : [{ code, transition }];
}

function closing(code: string, evaluatedUntilMs: number): CodeTransition {
  const bucketStartSeconds = evaluatedUntilMs / 1000 - BUCKET_SECONDS;
  return {
    code,
    transition: {
      event: 'close',
      bucketStartSeconds,
      startsAtSeconds: bucketStartSeconds,
      observed: 0,
      expected: 0,
      ratio: 0,
      windowSeconds: BUCKET_SECONDS,
      score: 0,
    },
  };
}
