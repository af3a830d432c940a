/** Probes. Live says that the event loop turns; ready is refused only while nothing could be acknowledged or we stop. */
import Type from 'typebox';
import type { HttpApp } from './app-type.ts';
import type { Readiness } from './ports.ts';

const WORDS = {
  database_away: 'The database does not answer; nothing is acknowledged until it does.',
  migrating: 'The schema is being brought up to date.',
  stopping: 'The service is stopping.',
} as const;

const LiveAnswer = Type.Object({ status: Type.Literal('live') });
const ReadyAnswer = Type.Object({ status: Type.Literal('ready') });
const NotReadyAnswer = Type.Object({
  status: Type.Literal('not_ready'),
  reason: Type.Union([Type.Literal('database_away'), Type.Literal('migrating'), Type.Literal('stopping')]),
  message: Type.String(),
});

export function addHealthRoutes(app: HttpApp, readiness: () => Readiness): void {
  app.get(
    '/health/live',
    { schema: { tags: ['operations'], summary: 'Whether the process runs', response: { 200: LiveAnswer } } },
    async (_request, reply) => reply.header('cache-control', 'no-store').send({ status: 'live' }),
  );
  app.get(
    '/health/ready',
    {
      schema: {
        tags: ['operations'],
        summary: 'Whether envelopes are taken now',
        response: { 200: ReadyAnswer, 503: NotReadyAnswer },
      },
    },
    async (_request, reply) => {
      const state = readiness();
      reply.header('cache-control', 'no-store');
      if (state.kind === 'ready') return reply.send({ status: 'ready' });
      return reply.code(503).send({ status: 'not_ready', reason: state.reason, message: WORDS[state.reason] });
    },
  );
}
