/** The API described by its own schemas: /openapi.json, and /docs to read and try it. */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { HttpApp } from './app-type.ts';

// Not swagger-ui's own policy: that upgrades plain HTTP, which breaks assets away from localhost, and names a validator.
const DOCS_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

export async function addOpenApi(app: HttpApp, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'surgewatch',
        version,
        description: "Keeps an API's error envelopes, tells surges, answers lookups by requestId.",
      },
      tags: [
        { name: 'ingest', description: 'Hand envelopes over' },
        { name: 'lookup', description: 'Read by requestId and by filter' },
        { name: 'codes', description: 'What each code means and how often it comes' },
        { name: 'spikes', description: 'Surges, open and past' },
        { name: 'operations', description: 'Probes' },
      ],
    },
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: { validatorUrl: null },
    staticCSP: DOCS_POLICY,
  });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
}
