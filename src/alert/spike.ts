/**
 * A spike as everybody outside the database sees it: plain values, times in epoch milliseconds. The store fills it, the
 * detection loop lets it live, the pages and the API show it.
 */
import type { WatchedSeries } from '../envelope/series-key.ts';
import type { PUSH_RESULTS, SPIKE_KINDS } from '../metrics.ts';

export type SpikeState = 'pending' | 'firing' | 'resolved';
export type SpikeKind = (typeof SPIKE_KINDS)[number];
export type PushResult = (typeof PUSH_RESULTS)[number];

/** The one `key=value` whose share of the errors moved most, against its own baseline. */
export type DominantDetail = {
  readonly key: string;
  readonly value: string;
  /** Share of the sampled errors since the onset that carry it, 0 to 1. */
  readonly shareRatio: number;
  /** The same of the errors before. */
  readonly beforeRatio: number;
};

/** Who met it, as far as envelopes state their client. */
export type AffectedClients = {
  /** Distinct clients since the onset. */
  readonly count: number;
  /** There were more errors than are looked at: the count is the least it can be. */
  readonly isLeast: boolean;
  /** Its name, when it is one alone. */
  readonly only: string | null;
  /** Distinct clients that met the code in the hour before. */
  readonly hourBeforeCount: number;
};

/** Errors of all other codes since the onset. */
export type OtherCodes = { readonly observed: number; readonly expected: number };

/** The window that stood out most, which may hold quiet time before the onset. */
export type WinningWindow = { readonly windowSeconds: number; readonly observed: number; readonly expected: number };

/** Requests from onset to opening, and which share of them failed with the code. */
export type TrafficEvidence = {
  readonly requestsPerSecond: number;
  /** Requests that are usual at that time of day; null while that is not known. */
  readonly usualPerSecond: number | null;
  /** Share of requests that failed with this code, 0 to 1, and the share that was expected to. */
  readonly errorRatio: number;
  readonly usualErrorRatio: number;
};

export type EvidencePart = 'requests' | 'detail' | 'clients';

/** What was seen at the opening, in numbers; evidence-words.ts says it. null: not of this kind of spike, or not known. */
export type SpikeEvidence = {
  /** Up to three, newest first. */
  readonly requestIds: readonly string[];
  readonly dominantDetail: DominantDetail | null;
  readonly winner: WinningWindow | null;
  /** How often chance alone brings a surprise of this size, in the whole installation. */
  readonly falseAlarmsPerYear: number | null;
  readonly clients: AffectedClients | null;
  readonly otherCodes: OtherCodes | null;
  readonly traffic: TrafficEvidence | null;
  /** What could not be read in time: an opening waits for nothing. */
  readonly missing: readonly EvidencePart[];
};

export const NO_EVIDENCE: SpikeEvidence = {
  requestIds: [],
  dominantDetail: null,
  winner: null,
  falseAlarmsPerYear: null,
  clients: null,
  otherCodes: null,
  traffic: null,
  missing: [],
};

/** How far a rise is common to all codes: of an all-codes spike. */
export type Breadth = {
  /** Codes that rose, and codes that errors enough to show such a rise are expected of; those that rose are among them. */
  readonly risenCount: number;
  readonly fairCount: number;
  /** Those that rose, the largest first; not all when there are many. */
  readonly codes: readonly string[];
};

/** A warning that got so much worse that it is told as critical too. */
export type Escalation = {
  /** End of the minutes that decided it, event time. */
  readonly atMs: number;
  /** Errors in those minutes, and what the baseline expected of them. */
  readonly observed: number;
  readonly expected: number;
  readonly windowSeconds: number;
};

export interface SpikeRecord {
  /** Decimal. */
  readonly id: string;
  readonly kind: SpikeKind;
  readonly code: string;
  /** The field and sub-code that surge inside the code; null: the whole code. */
  readonly pair: WatchedSeries['pair'];
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
  /** null: it did not get worse, or is critical anyway. */
  readonly escalation: Escalation | null;
}

/** A spike before it has a row: always pending, nobody was told. */
export type NewSpike = Omit<
  SpikeRecord,
  | 'id'
  | 'state'
  | 'closedAtMs'
  | 'closeReason'
  | 'detectedAtMs'
  | 'firstAcceptedAtMs'
  | 'resolvedAtMs'
  | 'isLate'
  | 'coveredBy'
  | 'escalation'
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
  /** The newest surge of this code (or of all, under their code) that was going on at that moment of event time. */
  spikeOfCodeAt(code: string, atMs: number): Promise<SpikeRecord | null>;
}
