/**
 * Counts that came behind the watermark: webhook resends, imports, an old topic. They are learnt only: the state of each
 * such code is computed anew from the stored counts and swapped in, one code after the other and for a part of each run,
 * so that a month of history neither holds up the tick nor the database. A code whose spike is on keeps its own state
 * until the spike is over.
 */
import type { Span } from '../detect/collected.ts';
import type { CodeStates, CodeTransition } from './code-states.ts';
import type { BucketCount, DetectionStore, TrafficStore } from './ports.ts';
import { newsOf } from './reconcile.ts';

/** Of a run; what is left waits for the next. A code with a full history takes about a second. */
const LATE_BUDGET_MS = 2_000;
const CODES_A_TAKE = 1_000;

export interface LateCodesDeps {
  readonly detection: Pick<DetectionStore, 'takeLateCodes' | 'readCounts' | 'readSpans'>;
  readonly traffic: Pick<TrafficStore, 'readTraffic'>;
  readonly states: CodeStates;
  readonly onSwappedIn: (code: string) => void;
  readonly monotonicMs: () => number;
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
  /** All counts of the codes that were learnt. */
  readonly counts: readonly BucketCount[];
}

export interface LateCodes {
  /** Learns what is late. @throws StoreUnavailable. */
  learn(run: LateRun): Promise<Learnt | 'stale'>;
  /** Computes one code's state anew and swaps it in. Answers all its counts. @throws StoreUnavailable. */
  swapIn(code: string, range: Span): Promise<readonly BucketCount[]>;
  /** Learns them, too, when their spikes are over. */
  wait(codes: readonly string[]): void;
  isWaiting(code: string): boolean;
}

export function createLateCodes(deps: LateCodesDeps): LateCodes {
  const { detection, states, onSwappedIn, monotonicMs, keepOn } = deps;
  /** Out of the table already, and not swapped in yet; first come, first served. */
  const waiting = new Set<string>();

  /** Of codes one after the other; what is the same for all of them is read once. */
  async function swappingIn(range: Span) {
    const [spans, traffic] = [await detection.readSpans(range), await deps.traffic.readTraffic(range)];
    const recompute = states.recomputing({ range, spans, traffic });
    return async (code: string): Promise<readonly BucketCount[]> => {
      const counts = await detection.readCounts(range, code);
      await recompute(code, counts);
      waiting.delete(code);
      onSwappedIn(code);
      return counts;
    };
  }

  return {
    swapIn: async (code, range) => (await swappingIn(range))(code),
    wait(codes) {
      for (const code of codes) waiting.add(code);
    },
    isWaiting: (code) => waiting.has(code),
    async learn({ epoch, range, nowMs }) {
      const endMs = monotonicMs() + LATE_BUDGET_MS;
      const taken = await detection.takeLateCodes(epoch, CODES_A_TAKE);
      if (taken === 'stale') return 'stale';
      for (const code of taken) waiting.add(code);
      if (waiting.size === 0) return { transitions: [], counts: [] };
      const swapIn = await swappingIn(range);
      const transitions: CodeTransition[] = [];
      const counts: BucketCount[] = [];
      for (const code of [...waiting]) {
        if (states.isOpen(code)) continue;
        for (const each of await swapIn(code)) counts.push(each);
        if (states.isOpen(code)) transitions.push(...newsOf(states, code, nowMs));
        if (!(await keepOn())) return 'stale';
        if (monotonicMs() >= endMs) break;
      }
      return { transitions, counts };
    },
  };
}
