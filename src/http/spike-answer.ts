/** A spike as it is answered. */
import Type, { type Static } from 'typebox';
import type { Escalation, SpikeRecord } from '../alert/spike.ts';
import { moment, nullableMoment, nullableNumber, nullableString, toText, toTextOrNull } from './envelope-answer.ts';
import { answerEvidence, EvidenceAnswer, type Role } from './evidence-answer.ts';

export const SpikeAnswer = Type.Object({
  id: Type.String(),
  kind: Type.String({ description: 'surge, new_code, returning_code, silent_code or all_codes' }),
  code: Type.String(),
  field: nullableString('The field inside a VALIDATION_ERROR that surges by itself; null: the whole code'),
  fieldCode: nullableString('The sub-code of that field'),
  status: Type.String(),
  state: Type.String({ description: 'pending, firing or resolved' }),
  startsAt: moment('Estimated onset'),
  openedAt: moment('When the evidence sufficed, event time'),
  closedAt: nullableMoment('When it was over, event time; null while it is open'),
  closeReason: nullableString('Why it was closed'),
  detectedAt: moment('When it was recorded, our clock'),
  firstAcceptedAt: nullableMoment('When an Alertmanager first took its alert'),
  resolvedAt: nullableMoment('When its resolve was sent'),
  isLate: Type.Boolean({ description: 'It could be told only after it was over' }),
  observed: Type.Number({ description: 'Errors in the window that opened it' }),
  expected: Type.Number({ description: 'Errors that were normal for that window' }),
  factor: nullableNumber('observed / expected'),
  windowSeconds: Type.Number(),
  score: Type.Number(),
  labels: Type.Record(Type.String(), Type.String()),
  evidence: EvidenceAnswer,
  lastSeenAt: nullableMoment(
    'The last error before the silence, of returning_code and silent_code; null: not known, or another kind',
  ),
  breadth: Type.Union(
    [
      Type.Object({
        risenCount: Type.Integer({ description: 'Codes that rose together' }),
        fairCount: Type.Integer({ description: 'Codes that would have shown such a rise' }),
        codes: Type.Array(Type.String(), { description: 'Those that rose, the largest first; not all when there are many' }),
      }),
      Type.Null(),
    ],
    { description: 'Of all_codes' },
  ),
  coveredBy: nullableString('Id of the all_codes spike that tells of this one, which has no alert of its own'),
  escalation: Type.Union(
    [
      Type.Object({
        at: moment('When it was found worse, event time'),
        observed: Type.Number({ description: 'Errors in the minutes that decided it' }),
        expected: Type.Number(),
        windowSeconds: Type.Number(),
      }),
      Type.Null(),
    ],
    { description: 'Of a warning that got much worse and is told as critical too' },
  ),
});
export type SpikeAnswer = Static<typeof SpikeAnswer>;

export function answerSpike(spike: SpikeRecord, role: Role): SpikeAnswer {
  const {
    startsAtMs,
    openedAtMs,
    closedAtMs,
    detectedAtMs,
    firstAcceptedAtMs,
    resolvedAtMs,
    lastSeenAtMs,
    labels,
    evidence,
    breadth,
    pair,
    escalation,
    ...same
  } = spike;
  return {
    ...same,
    field: pair?.field ?? null,
    fieldCode: pair?.code ?? null,
    startsAt: toText(startsAtMs),
    openedAt: toText(openedAtMs),
    closedAt: toTextOrNull(closedAtMs),
    detectedAt: toText(detectedAtMs),
    firstAcceptedAt: toTextOrNull(firstAcceptedAtMs),
    resolvedAt: toTextOrNull(resolvedAtMs),
    factor: spike.expected > 0 ? spike.observed / spike.expected : null,
    lastSeenAt: toTextOrNull(lastSeenAtMs),
    breadth: breadth === null ? null : { ...breadth, codes: [...breadth.codes] },
    escalation: escalation === null ? null : answerEscalation(escalation),
    labels: { ...labels },
    evidence: answerEvidence(evidence, spike.windowSeconds, role),
  };
}

function answerEscalation({ atMs, ...same }: Escalation): SpikeAnswer['escalation'] {
  return { at: toText(atMs), ...same };
}
