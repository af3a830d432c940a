/**
 * A spike as everybody outside the database sees it: plain values, times in epoch milliseconds. The store fills it, the
 * detection loop lets it live, the pages and the API show it.
 */
import type { PUSH_RESULTS, SPIKE_KINDS } from '../metrics.ts';

export type SpikeState = 'pending' | 'firing' | 'resolved';
export type SpikeKind = (typeof SPIKE_KINDS)[number];
export type PushResult = (typeof PUSH_RESULTS)[number];

/** One `key=value` that most of a surge's errors share and that errors before it did not. */
export type DominantDetail = {
  readonly key: string;
  readonly value: string;
  /** Share of the sampled errors that carry it, 0 to 1. */
  readonly shareRatio: number;
};

/** Requests from onset to opening, and which share of them failed with the code. */
export type TrafficEvidence = {
  readonly requestsPerSecond: number;
  /** Requests that are usual at that time of day; null while that is not known. */
  readonly usualPerSecond: number | null;
  /** Share of requests that failed with this code, 0 to 1, and the share that was expected to. */
  readonly errorRatio: number;
  readonly usualErrorRatio: number;
};

/** What was seen at the opening. Whoever may not see requestIds or values of details may not see this. */
export type SpikeEvidence = {
  /** Up to three, newest first. */
  readonly requestIds: readonly string[];
  readonly dominantDetail: DominantDetail | null;
  /** null: the traffic was not known. */
  readonly traffic: TrafficEvidence | null;
};

/** How far a rise is common to all codes: of an all-codes spike. */
export type Breadth = {
  /** Codes that rose, and codes that errors enough to show such a rise are expected of; those that rose are among them. */
  readonly risenCount: number;
  readonly fairCount: number;
  /** Those that rose, the largest first; not all when there are many. */
  readonly codes: readonly string[];
};

export interface SpikeRecord {
  /** Decimal. */
  readonly id: string;
  readonly kind: SpikeKind;
  readonly code: string;
  /** The commonest HTTP status at opening in decimal, `unknown`, or `_all`. */
  readonly status: string;
  readonly state: SpikeState;
  /** Estimated onset, event time; fixed at opening. */
  readonly startsAtMs: number;
  /** Start of the bucket whose closing opened it, event time. */
  readonly openedAtMs: number;
  /** Start of the bucket whose closing closed it, event time; null while the detector holds it open. */
  readonly closedAtMs: number | null;
  readonly closeReason: string | null;
  /** When it was recorded, by the database's clock. */
  readonly detectedAtMs: number;
  /** When an Alertmanager first took its alert, by the database's clock. */
  readonly firstAcceptedAtMs: number | null;
  readonly resolvedAtMs: number | null;
  /** It was over, or more than a minute old, when it could first be told. */
  readonly isLate: boolean;
  /** Errors in the window that opened it. */
  readonly observed: number;
  /** What the baseline expects of such a window. */
  readonly expected: number;
  readonly windowSeconds: number;
  readonly score: number;
  /** Labels of its alert; they never change while it lives. */
  readonly labels: Readonly<Record<string, string>>;
  readonly evidence: SpikeEvidence;
  /** Event time of the code's last error before its silence: of returning and silent codes, where it is known. */
  readonly lastSeenAtMs: number | null;
  /** Of all-codes spikes. */
  readonly breadth: Breadth | null;
  /** The all-codes spike that tells of this one, which is then not pushed by itself. */
  readonly coveredBy: string | null;
}

/** A spike before it has a row: always pending, nobody was told. */
export type NewSpike = Omit<
  SpikeRecord,
  'id' | 'state' | 'closedAtMs' | 'closeReason' | 'detectedAtMs' | 'firstAcceptedAtMs' | 'resolvedAtMs' | 'isLate' | 'coveredBy'
>;

export interface SpikeQuery {
  readonly state?: SpikeState;
  readonly kind?: SpikeKind;
  readonly code?: string;
  readonly limit: number;
  /** `nextCursor` of the page before. */
  readonly cursor?: string;
}

export interface SpikePage {
  readonly items: readonly SpikeRecord[];
  /** null: this was the last page. */
  readonly nextCursor: string | null;
}

export interface SpikeReader {
  /** Newest first. @throws RangeError when the cursor is none of ours. */
  listSpikes(query: SpikeQuery): Promise<SpikePage>;
  /** null: there is none, or the id is no number. */
  getSpike(id: string): Promise<SpikeRecord | null>;
  /** Those that are pending or firing, newest first. */
  activeSpikes(): Promise<readonly SpikeRecord[]>;
  /** The newest spike of this code that was going on at that moment of event time. */
  spikeOfCodeAt(code: string, atMs: number): Promise<SpikeRecord | null>;
}
