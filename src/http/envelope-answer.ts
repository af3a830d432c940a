/** An envelope, and what the catalogue says of its code, as they are answered. */
import Type, { type Static } from 'typebox';
import { type Catalogue, faultOf } from '../catalogue/catalogue.ts';
import type { StoredEnvelope } from './ports.ts';

export const nullableString = (description: string) => Type.Unsafe<string | null>({ type: ['string', 'null'], description });
export const nullableNumber = (description: string) => Type.Unsafe<number | null>({ type: ['number', 'null'], description });
export const moment = (description: string) => Type.String({ format: 'date-time', description });
export const nullableMoment = nullableString;
export const Fault = Type.Union([Type.Literal('client'), Type.Literal('server')], { description: 'Whose fault it is' });

export const EnvelopeAnswer = Type.Object({
  requestId: Type.String(),
  code: Type.String(),
  status: nullableNumber('HTTP status; null when neither stated nor catalogued'),
  fault: Fault,
  message: Type.String(),
  details: Type.Record(Type.String(), Type.Unknown(), { description: 'As stored: redacted' }),
  occurredAt: moment("The producer's clock"),
  receivedAt: moment('Our clock'),
  source: Type.String(),
  service: nullableString('Stated by the producer'),
  route: nullableString('Route template'),
  method: nullableString('HTTP method'),
  client: nullableString('Account or tenant'),
  release: nullableString('Release of the producer'),
  traceparent: nullableString('W3C trace context'),
  sanitized: Type.Array(Type.String(), { description: 'What was changed so that it could be stored' }),
});
export type EnvelopeAnswer = Static<typeof EnvelopeAnswer>;

export const WordsAnswer = Type.Object({
  isCatalogued: Type.Boolean(),
  meaning: Type.String({ description: 'What happened' }),
  callerAdvice: Type.String({ description: "What the API's caller should do" }),
  supportWords: Type.String({ description: 'What support may say' }),
  isRetryable: Type.Unsafe<boolean | null>({ type: ['boolean', 'null'], description: 'Whether sending again can help' }),
});
export type WordsAnswer = Static<typeof WordsAnswer>;

export function toText(ms: number): string {
  return new Date(ms).toISOString();
}

export function toTextOrNull(ms: number | null): string | null {
  return ms === null ? null : toText(ms);
}

export function answerEnvelope(catalogue: Catalogue, envelope: StoredEnvelope): EnvelopeAnswer {
  const { occurredAtMs, receivedAtMs, details, sanitized, ...same } = envelope;
  return {
    ...same,
    fault: faultOf(catalogue, envelope.code, envelope.status),
    details: { ...details },
    occurredAt: toText(occurredAtMs),
    receivedAt: toText(receivedAtMs),
    sanitized: [...sanitized],
  };
}

/** The catalogue's words for a code; where it has none, those of the status; where that is unknown too, the plain truth. */
export function wordsFor(catalogue: Catalogue, code: string, status: number | null): WordsAnswer {
  const entry = catalogue.codes.get(code);
  const words = entry ?? (status === null ? undefined : catalogue.statuses.get(status));
  if (words !== undefined) {
    const { meaning, callerAdvice, supportWords, isRetryable } = words;
    return { isCatalogued: entry !== undefined, meaning, callerAdvice, supportWords, isRetryable };
  }
  return {
    isCatalogued: false,
    meaning: 'The API answered with a code that the catalogue does not know.',
    callerAdvice: 'Keep the requestId and contact support.',
    supportWords: 'We see the error but have no explanation on file for it; we pass it on to the engineers.',
    isRetryable: null,
  };
}
