/**
 * The least that fastify does for a POST with a body: its own JSON parser, a handler that answers a constant. What our
 * webhook costs beyond this is ours. Usage: node no-op-server.ts PORT.
 */
import Fastify from 'fastify';

const app = Fastify();
app.post('/v1/envelopes', async () => ({ status: 'success', stored: 1, duplicate: 0, rejected: 0 }));
await app.listen({ host: '127.0.0.1', port: Number(process.argv[2]) });
process.once('SIGTERM', () => process.exit(0));
