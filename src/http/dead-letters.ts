/** GET /v1/dead-letters: what was rejected, why, and where it can be read again, newest first. Never the bytes. */
import Type from 'typebox';
import { REJECT_WORDS } from '../web/reject-words.ts';
import type { HttpApp } from './app-type.ts';
import { moment, nullableNumber, nullableString } from './envelope-answer.ts';
import { ErrorAnswer, Refusal } from './error-answer.ts';
import type { DeadLetter, DeadLetterReader } from './ports.ts';

const DEFAULT_LIMIT = 50;

export const DeadLetterQuery = Type.Object({
  reason: Type.Optional(Type.Union(Object.keys(REJECT_WORDS).map((reason) => Type.Literal(reason)))),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, description: '50 by default' })),
  cursor: Type.Optional(Type.String({ maxLength: 64, description: '`nextCursor` of the page before' })),
});

const DeadLetterAnswer = Type.Object({
  reason: Type.String({ description: 'Why it was rejected, from a closed set' }),
  source: Type.String(),
  topic: nullableString('null: a webhook body, which cannot be read again'),
  partition: nullableNumber('Kafka partition'),
  offset: nullableString('Kafka offset, decimal'),
  sizeBytes: Type.Integer(),
  digest: Type.String({
    description: 'Keyed digest of the bytes, hexadecimal: equal for equal bytes, and of no use for guessing them',
  }),
  requestId: nullableString('null: no valid one was read'),
  receivedAt: moment('Our clock'),
});

export function addDeadLetterRoutes(app: HttpApp, deadLetters: DeadLetterReader): void {
  app.get(
    '/v1/dead-letters',
    {
      schema: {
        tags: ['dead letters'],
        summary: 'Rejected deliveries, newest first',
        querystring: DeadLetterQuery,
        response: {
          200: Type.Object({
            items: Type.Array(DeadLetterAnswer),
            nextCursor: nullableString('null: this was the last page'),
          }),
          400: ErrorAnswer,
          503: ErrorAnswer,
        },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      const { limit = DEFAULT_LIMIT, ...query } = request.query;
      const page = await deadLetters.listDeadLetters({ ...query, limit });
      if (page === null) throw new Refusal(400, 'cursor is none that a page before answered.');
      return { items: page.items.map(answerDeadLetter), nextCursor: page.nextCursor };
    },
  );
}

function answerDeadLetter({ reason, source, coordinates, sizeBytes, digest, requestId, receivedAtMs }: DeadLetter) {
  return {
    reason,
    source,
    topic: coordinates?.topic ?? null,
    partition: coordinates?.partition ?? null,
    offset: coordinates?.offset ?? null,
    sizeBytes,
    digest,
    requestId,
    receivedAt: new Date(receivedAtMs).toISOString(),
  };
}
