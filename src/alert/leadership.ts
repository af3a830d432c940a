/**
 * Who leads: one replica at a time, by a lease row and the database's clock. Between two renewals this process trusts its
 * own monotonic clock and stops trusting it earlier than the lease ends, so that a process that was frozen or cut off
 * pushes nothing. The epoch, checked inside each write, covers what no clock can.
 */
import type { DetectionStore } from './ports.ts';

export const LEASE_MS = 15_000;
/** The own deadline is so much earlier than the lease's. */
const LEASE_MARGIN_MS = 2_000;
/** Within long work the lease is renewed when it is older than this. */
const RENEW_AFTER_MS = 3_000;

export interface Leadership {
  /** Takes or renews the lease. Answers the database's clock and, while this process leads, its epoch. @throws StoreUnavailable. */
  keep(): Promise<{ readonly epoch: number | null; readonly nowMs: number }>;
  /** For the middle of long work: renews when due. Answers whether this process still leads. */
  keepOn(): Promise<boolean>;
  /** By the own clock alone. */
  isHeld(): boolean;
  /** The database's clock, carried on by the own one since it was last read. */
  nowMs(): number;
  /** A write found another epoch. */
  lose(): void;
  release(): Promise<void>;
}

export interface LeadershipDeps {
  readonly store: Pick<DetectionStore, 'keepLease' | 'releaseLease'>;
  /** Tells this process from every other, and from itself before a restart. */
  readonly holder: string;
  readonly monotonicMs: () => number;
}

export function createLeadership({ store, holder, monotonicMs }: LeadershipDeps): Leadership {
  let epoch: number | null = null;
  let askedAtMs = Number.NEGATIVE_INFINITY;
  let clock = { databaseMs: 0, ownMs: 0 };

  const isHeld = () => epoch !== null && monotonicMs() < askedAtMs + LEASE_MS - LEASE_MARGIN_MS;

  async function keep() {
    // From before the question: the lease may have begun at once, and the answer taken its time.
    const ownMs = monotonicMs();
    const answer = await store.keepLease(holder, epoch, LEASE_MS);
    epoch = answer.epoch;
    askedAtMs = ownMs;
    clock = { databaseMs: answer.nowMs, ownMs: monotonicMs() };
    return answer;
  }

  return {
    keep,
    async keepOn() {
      const before = epoch;
      if (monotonicMs() - askedAtMs > RENEW_AFTER_MS) await keep();
      return before !== null && epoch === before;
    },
    isHeld,
    nowMs: () => clock.databaseMs + monotonicMs() - clock.ownMs,
    lose() {
      epoch = null;
    },
    async release() {
      if (epoch !== null) await store.releaseLease(holder, epoch);
      epoch = null;
    },
  };
}
