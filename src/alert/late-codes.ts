/**
 * Counts that came behind the watermark: webhook resends, imports, an old topic. They are learnt only: the state of each
 * such code is computed anew from the stored counts, a few a run, and swapped in. A code whose spike is on keeps its own
 * state until the spike is over.
 */
import type { Span } from '../detect/collected.ts';
import type { CodeStates, CodeTransition } from './code-states.ts';
import type { BucketCount, DetectionStore } from './ports.ts';
import { newsOf } from './reconcile.ts';

const LATE_CODES_A_RUN = 4;

export interface LateCodesDeps {
  readonly detection: Pick<DetectionStore, 'takeLateCodes' | 'readCounts' | 'readSpans'>;
  readonly states: CodeStates;
  /** Renews the lease when due; false: another leads. */
  readonly keepOn: () => Promise<boolean>;
}

export interface LateRun {
  readonly epoch: number;
  /** From the start of the history to where the states stand. */
  readonly range: Span;
  readonly nowMs: number;
}

export interface Learnt {
  /** The openings that are news. */
  readonly transitions: readonly CodeTransition[];
  /** All counts of the codes that turned out to be late now. */
  readonly counts: readonly BucketCount[];
}

export interface LateCodes {
  /** Learns what is late. @throws StoreUnavailable. */
  learn(run: LateRun): Promise<Learnt | 'stale'>;
}

export function createLateCodes({ detection, states, keepOn }: LateCodesDeps): LateCodes {
  /** Out of the table already, and not swapped in yet. */
  const waiting = new Set<string>();

  return {
    async learn({ epoch, range, nowMs }) {
      const late = await detection.takeLateCodes(epoch, LATE_CODES_A_RUN, range);
      if (late === 'stale') return 'stale';
      for (const code of late.keys()) waiting.add(code);
      const counts = [...late.values()].flat();
      const due = [...waiting].filter((code) => !states.isOpen(code)).slice(0, LATE_CODES_A_RUN);
      const transitions: CodeTransition[] = [];
      if (due.length === 0) return { transitions, counts };
      const spans = await detection.readSpans(range);
      for (const code of due) {
        const own = late.get(code) ?? (await detection.readCounts(range, code));
        await states.recompute(code, { range, counts: own, spans });
        waiting.delete(code);
        if (states.isOpen(code)) transitions.push(...newsOf(states, code, nowMs));
        if (!(await keepOn())) return 'stale';
      }
      return { transitions, counts };
    },
  };
}
