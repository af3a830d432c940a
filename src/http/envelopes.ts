/** GET /v1/envelopes: the stored envelopes, newest first, page by page. */
import Type, { type Static } from 'typebox';
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { HttpApp } from './app-type.ts';
import { answerEnvelope, EnvelopeAnswer, nullableString } from './envelope-answer.ts';
import { ErrorAnswer, Refusal } from './error-answer.ts';
import type { EnvelopeFilter, LookupReader } from './ports.ts';
import { readMoment } from './span.ts';

const DEFAULT_LIMIT = 50;

export const EnvelopeQuery = Type.Object({
  code: Type.Optional(Type.String({ maxLength: 128 })),
  status: Type.Optional(Type.Integer({ minimum: 100, maximum: 599 })),
  service: Type.Optional(Type.String({ maxLength: 128 })),
  client: Type.Optional(Type.String({ maxLength: 128 })),
  from: Type.Optional(Type.String({ description: 'RFC 3339 or epoch milliseconds, inclusive' })),
  to: Type.Optional(Type.String({ description: 'Exclusive; by default five minutes from now, which leaves wrong clocks out' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, description: '50 by default' })),
  cursor: Type.Optional(Type.String({ maxLength: 512, description: '`nextCursor` of the page before' })),
});

export interface EnvelopeRouteDeps {
  readonly lookup: LookupReader;
  readonly catalogue: Catalogue;
  readonly now: () => number;
}

export function addEnvelopeRoutes(app: HttpApp, { lookup, catalogue, now }: EnvelopeRouteDeps): void {
  app.get(
    '/v1/envelopes',
    {
      schema: {
        tags: ['lookup'],
        summary: 'Stored envelopes, newest first',
        querystring: EnvelopeQuery,
        response: {
          200: Type.Object({
            items: Type.Array(EnvelopeAnswer),
            nextCursor: nullableString(
              'null: this was the last page. A page may hold fewer than `limit` and still have a next one',
            ),
          }),
          400: ErrorAnswer,
          503: ErrorAnswer,
        },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      const filter = readFilter(request.query);
      const page = filter === null ? null : await lookup.listEnvelopes(filter, now());
      if (filter === null) throw new Refusal(400, 'from and to must be RFC 3339 moments or epoch milliseconds.');
      if (page === null) throw new Refusal(400, 'cursor is none that a page before answered.');
      return { items: page.items.map((envelope) => answerEnvelope(catalogue, envelope)), nextCursor: page.nextCursor };
    },
  );
}

/** null: a moment cannot be read. */
export function readFilter({ from, to, limit = DEFAULT_LIMIT, ...same }: Static<typeof EnvelopeQuery>): EnvelopeFilter | null {
  const fromMs = from === undefined ? undefined : readMoment(from);
  const toMs = to === undefined ? undefined : readMoment(to);
  if (fromMs === null || toMs === null) return null;
  return { ...same, limit, ...(fromMs === undefined ? {} : { fromMs }), ...(toMs === undefined ? {} : { toMs }) };
}
