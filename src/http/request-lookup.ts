/**
 * Reads all there is to say about one requestId, for the JSON route and the page alike. An id that is not found is told why
 * as honestly as we can know it: rejected, perhaps still in Kafka, older than what is kept, or never seen.
 */
import type { SpikeReader, SpikeRecord } from '../alert/spike.ts';
import type { Commonness, Conflict, LookupReader, RequestRecord, StoredEnvelope } from './ports.ts';

/** Kafka may hold an id for so long before "never seen" would be a lie. */
const HONEST_LAG_SECONDS = 5;
/** The code of a spike of all codes together. */
const ALL_CODES = '_all';

export type MissingReason = 'never_seen' | 'expired' | 'ingest_behind' | 'rejected' | 'erased';

export interface CodeFindings {
  readonly code: string;
  readonly status: number | null;
  readonly spikeNow: SpikeRecord | null;
  readonly spikeThen: SpikeRecord | null;
  readonly commonness: Commonness;
}

export type RequestFinding =
  | {
      readonly kind: 'found';
      readonly requestId: string;
      readonly envelopes: readonly StoredEnvelope[];
      /** One for each distinct code among the envelopes. */
      readonly codes: readonly CodeFindings[];
      readonly conflicts: readonly Conflict[];
      readonly otherCases: readonly string[];
    }
  | {
      readonly kind: 'missing';
      readonly requestId: string;
      readonly reason: MissingReason;
      readonly behindSeconds: number | null;
      readonly rejection: RequestRecord['rejections'][number] | null;
      readonly otherCases: readonly string[];
    };

export interface RequestLookupDeps {
  readonly lookup: LookupReader;
  readonly spikes: SpikeReader;
  readonly now: () => number;
}

export async function lookUpRequest({ lookup, spikes, now }: RequestLookupDeps, requestId: string): Promise<RequestFinding> {
  const { envelopes, rejections, conflicts, otherCases } = await lookup.findRequest(requestId);
  const nowMs = now();
  if (envelopes.length === 0) {
    const rejection = rejections[0] ?? null;
    const behindSeconds = rejection === null ? Math.round(await lookup.readIngestBehindSeconds(nowMs)) : 0;
    const isBehind = behindSeconds >= HONEST_LAG_SECONDS;
    const reason = rejection !== null ? missingBy(rejection.reason) : isBehind ? 'ingest_behind' : 'never_seen';
    return { kind: 'missing', requestId, reason, behindSeconds: isBehind ? behindSeconds : null, rejection, otherCases };
  }
  const firstByCode = new Map<string, StoredEnvelope>();
  for (const envelope of envelopes) if (!firstByCode.has(envelope.code)) firstByCode.set(envelope.code, envelope);
  const active = spikes.activeSpikes().then((all) => all.filter(isCommonNow));
  // What does not depend on each other is asked at once: somebody waits at the phone.
  const codes = await Promise.all(
    [...firstByCode.values()].map(async ({ code, status, occurredAtMs }): Promise<CodeFindings> => {
      const [now, ofCode, ofAll, commonness] = await Promise.all([
        active,
        spikes.spikeOfCodeAt(code, occurredAtMs),
        spikes.spikeOfCodeAt(ALL_CODES, occurredAtMs),
        lookup.readCommonness(code, requestId, nowMs),
      ]);
      const spikeNow = now.find((spike) => spike.code === code) ?? now.find((spike) => spike.code === ALL_CODES) ?? null;
      return { code, status, spikeNow, spikeThen: ofCode ?? ofAll, commonness };
    }),
  );
  return { kind: 'found', requestId, envelopes, codes, conflicts, otherCases };
}

/** Only who meets more than normal is not alone: a code that is new, back or silent says nothing about that. */
function isCommonNow({ kind, pair }: SpikeRecord): boolean {
  return (kind === 'surge' || kind === 'all_codes') && pair === null;
}

/** What a dead letter with this id means to who asks for the id. */
function missingBy(reason: string): MissingReason {
  if (reason === 'too_old') return 'expired';
  return reason === 'erased' ? 'erased' : 'rejected';
}
