/** The evidence of a spike as its row holds it: JSON that we wrote ourselves, perhaps by an older version. */
import type { EvidencePart, SpikeEvidence } from '../alert/spike.ts';
import type { JsonValue } from './tables.ts';

type Fields = { readonly [key: string]: JsonValue | undefined };
const PARTS: readonly EvidencePart[] = ['requests', 'detail', 'clients'];

/** What is not there, or not as it should be, is not known. */
export function evidenceOf(value: JsonValue): SpikeEvidence {
  const { requestIds, dominantDetail, winner, falseAlarmsPerYear, clients, otherCodes, traffic, missing } = fieldsOf(value);
  return {
    requestIds: Array.isArray(requestIds) ? requestIds.filter((id) => typeof id === 'string') : [],
    dominantDetail: detailOf(fieldsOf(dominantDetail)),
    winner: winnerOf(fieldsOf(winner)),
    falseAlarmsPerYear: typeof falseAlarmsPerYear === 'number' ? falseAlarmsPerYear : null,
    clients: clientsOf(fieldsOf(clients)),
    otherCodes: otherCodesOf(fieldsOf(otherCodes)),
    traffic: trafficOf(fieldsOf(traffic)),
    missing: Array.isArray(missing) ? PARTS.filter((part) => missing.includes(part)) : [],
  };
}

export function fieldsOf(value: JsonValue | undefined): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}

function detailOf({ key, value, shareRatio, beforeRatio }: Fields): SpikeEvidence['dominantDetail'] {
  if (typeof key !== 'string' || typeof value !== 'string') return null;
  return typeof shareRatio === 'number' && typeof beforeRatio === 'number' ? { key, value, shareRatio, beforeRatio } : null;
}

function winnerOf({ windowSeconds, observed, expected }: Fields): SpikeEvidence['winner'] {
  if (typeof windowSeconds !== 'number' || typeof observed !== 'number' || typeof expected !== 'number') return null;
  return { windowSeconds, observed, expected };
}

function clientsOf({ count, isLeast, only, hourBeforeCount }: Fields): SpikeEvidence['clients'] {
  if (typeof count !== 'number' || typeof isLeast !== 'boolean' || typeof hourBeforeCount !== 'number') return null;
  return { count, isLeast, only: typeof only === 'string' ? only : null, hourBeforeCount };
}

function otherCodesOf({ observed, expected }: Fields): SpikeEvidence['otherCodes'] {
  return typeof observed === 'number' && typeof expected === 'number' ? { observed, expected } : null;
}

function trafficOf({ requestsPerSecond, usualPerSecond, errorRatio, usualErrorRatio }: Fields): SpikeEvidence['traffic'] {
  if (typeof requestsPerSecond !== 'number' || typeof errorRatio !== 'number' || typeof usualErrorRatio !== 'number') return null;
  const usual = typeof usualPerSecond === 'number' ? usualPerSecond : null;
  return { requestsPerSecond, usualPerSecond: usual, errorRatio, usualErrorRatio };
}
