/** A surge that fires; a test states what it is about. */
import { NO_EVIDENCE, type SpikeRecord } from '../../src/alert/spike.ts';

export function spikeRecord(parts: Partial<SpikeRecord> = {}): SpikeRecord {
  const startsAtMs = parts.startsAtMs ?? Date.UTC(2026, 10, 24, 14, 3);
  return {
    id: '1',
    kind: 'surge',
    code: 'TIMEOUT',
    status: '504',
    state: 'firing',
    startsAtMs,
    openedAtMs: startsAtMs + 30_000,
    closedAtMs: null,
    closeReason: null,
    detectedAtMs: startsAtMs + 60_000,
    firstAcceptedAtMs: null,
    resolvedAtMs: null,
    isLate: false,
    observed: 412,
    expected: 41,
    windowSeconds: 300,
    score: 9,
    labels: { alertname: 'ApiErrorSpike', code: 'TIMEOUT', status: '504' },
    evidence: NO_EVIDENCE,
    pair: null,
    lastSeenAtMs: null,
    breadth: null,
    coveredBy: null,
    escalation: null,
    ...parts,
  };
}
