/** The evidence of a spike as it is answered: numbers for scripts, sentences for people, and names only to who may see them. */
import Type, { type Static } from 'typebox';
import { evidenceSentences, oddsText } from '../alert/evidence-words.ts';
import type { SpikeEvidence } from '../alert/spike.ts';
import { nullableNumber, nullableString } from './envelope-answer.ts';

/** `read` never sees requestIds, clients, or values of details. */
export type Role = 'read' | 'support';

const orNull = <const T extends Type.TSchema>(schema: T, description: string) =>
  Type.Union([schema, Type.Null()], { description });
const Ratio = (description: string) => Type.Number({ description: `${description}, 0 to 1` });

export const EvidenceAnswer = Type.Object({
  words: Type.Array(Type.String(), { description: 'All of it in sentences, the most useful first' }),
  requestIds: Type.Array(Type.String(), { description: 'Up to three, newest first' }),
  dominantDetail: orNull(
    Type.Object({
      key: Type.String({
        description: 'service, route, method, client, release, `details.` and a key, or `field` of a validation error',
      }),
      value: Type.String({ description: 'For `field`: the field and its sub-code, apart by a space' }),
      shareRatio: Ratio('Share of the sampled errors since the onset'),
      beforeRatio: Ratio('Share of the errors before'),
    }),
    'The one value whose share moved most; null: none explains the surge',
  ),
  winner: orNull(
    Type.Object({ windowSeconds: Type.Number(), observed: Type.Number(), expected: Type.Number() }),
    'The window that stood out most; it may hold quiet time before the onset',
  ),
  falseAlarms: orNull(
    Type.Object({ perYear: Type.Number(), words: Type.String() }),
    'How often chance alone brings a surprise of this size, in the whole installation',
  ),
  clients: orNull(
    Type.Object({
      count: Type.Integer({ description: 'Distinct clients since the onset' }),
      isLeast: Type.Boolean({ description: 'There were more errors than were looked at' }),
      only: nullableString('The client, when it is one alone'),
      hourBeforeCount: Type.Integer({ description: 'Distinct clients in the hour before' }),
    }),
    'null: no envelope states its client',
  ),
  otherCodes: orNull(
    Type.Object({
      observed: Type.Number(),
      expected: Type.Number(),
      factor: nullableNumber('observed / expected: about 1 when this code rose alone'),
    }),
    'Errors of all other codes since the onset',
  ),
  traffic: orNull(
    Type.Object({
      requestsPerSecond: Type.Number(),
      usualPerSecond: nullableNumber('What is usual at that time of day'),
      errorRatio: Ratio('Share of requests that failed with this code'),
      usualErrorRatio: Ratio('Share that was expected to'),
    }),
    'All requests of the API since the onset; null: not known',
  ),
  missing: Type.Array(Type.String(), { description: 'What could not be read in time: requests, detail or clients' }),
});

export function answerEvidence(whole: SpikeEvidence, windowSeconds: number, role: Role): Static<typeof EvidenceAnswer> {
  const evidence = role === 'read' ? withoutNames(whole) : whole;
  const { dominantDetail, winner, falseAlarmsPerYear, clients, otherCodes, traffic } = evidence;
  return {
    words: [...evidenceSentences(evidence, windowSeconds)],
    requestIds: [...evidence.requestIds],
    dominantDetail,
    winner,
    falseAlarms: falseAlarmsPerYear === null ? null : { perYear: falseAlarmsPerYear, words: oddsText(falseAlarmsPerYear) },
    clients,
    otherCodes:
      otherCodes === null
        ? null
        : { ...otherCodes, factor: otherCodes.expected > 0 ? otherCodes.observed / otherCodes.expected : null },
    traffic,
    missing: [...evidence.missing],
  };
}

function withoutNames(evidence: SpikeEvidence): SpikeEvidence {
  const clients = evidence.clients === null ? null : { ...evidence.clients, only: null };
  return { ...evidence, requestIds: [], dominantDetail: null, clients };
}
