/** GET /v1/spikes and /v1/spikes/{id}: surges, open and past, newest first. */
import Type from 'typebox';
import type { SpikeReader } from '../alert/spike.ts';
import type { HttpApp } from './app-type.ts';
import { nullableString } from './envelope-answer.ts';
import { ErrorAnswer, Refusal } from './error-answer.ts';
import { answerSpike, SpikeAnswer } from './spike-answer.ts';

const DEFAULT_LIMIT = 50;
/** Until there are credentials, whoever reaches us may see what support sees. */
const ROLE = 'support';
const literals = <const T extends readonly string[]>(...values: T) =>
  Type.Union(values.map((value) => Type.Literal<T[number]>(value)));

const SpikeQuery = Type.Object({
  state: Type.Optional(literals('pending', 'firing', 'resolved')),
  kind: Type.Optional(literals('surge', 'new_code', 'returning_code', 'silent_code', 'all_codes')),
  code: Type.Optional(Type.String({ maxLength: 128 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, description: '50 by default' })),
  cursor: Type.Optional(Type.String({ maxLength: 64, description: '`nextCursor` of the page before' })),
});

export function addSpikeRoutes(app: HttpApp, spikes: SpikeReader): void {
  app.get(
    '/v1/spikes',
    {
      schema: {
        tags: ['spikes'],
        summary: 'Spikes, newest first',
        querystring: SpikeQuery,
        response: {
          200: Type.Object({ items: Type.Array(SpikeAnswer), nextCursor: nullableString('null: this was the last page') }),
          400: ErrorAnswer,
          503: ErrorAnswer,
        },
      },
    },
    async (request) => {
      const { limit = DEFAULT_LIMIT, ...query } = request.query;
      const page = await spikes.listSpikes({ ...query, limit }).catch((error: unknown) => {
        if (error instanceof RangeError) throw new Refusal(400, 'cursor is none that a page before answered.');
        throw error;
      });
      return { items: page.items.map((spike) => answerSpike(spike, ROLE)), nextCursor: page.nextCursor };
    },
  );
  app.get(
    '/v1/spikes/:id',
    {
      schema: {
        tags: ['spikes'],
        summary: 'One spike with its evidence',
        params: Type.Object({ id: Type.String({ pattern: '^[0-9]{1,18}$' }) }),
        response: { 200: SpikeAnswer, 400: ErrorAnswer, 404: ErrorAnswer, 503: ErrorAnswer },
      },
    },
    async (request) => {
      const spike = await spikes.getSpike(request.params.id);
      if (spike === null) throw new Refusal(404, 'There is no spike with this id.', { code: 'SPIKE_NOT_FOUND' });
      return answerSpike(spike, ROLE);
    },
  );
}
