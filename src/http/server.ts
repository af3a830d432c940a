/**
 * The HTTP side as one part with a start and a stop. It knows the routes of this room and takes sources as plugins, so that
 * nothing here knows how an envelope is stored.
 *
 * Guards against slow and greedy clients stand here once: time limits on head and body, a cap on sockets, no body parser
 * until a route brings its own, 413 before a body is invited. Stopping ends idle sockets at once and busy ones by deadline.
 */
import type { AddressInfo, Socket } from 'node:net';
import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox';
import Fastify, { type FastifyBaseLogger, type FastifyPluginAsync, LogController } from 'fastify';
import type { SpikeReader } from '../alert/spike.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import { InUse } from '../errors.ts';
import type { HttpApp } from './app-type.ts';
import { addCodeRoutes } from './codes.ts';
import { addDeadLetterRoutes } from './dead-letters.ts';
import { addEnvelopeRoutes } from './envelopes.ts';
import { addErrorAnswers, answerBrokenConnection, answerRefusal, createRequestId, refusalOf } from './error-answer.ts';
import { addFrontGuard } from './front-guard.ts';
import { addHealthRoutes } from './health.ts';
import { addMetricsRoute, type MetricsRegistry } from './metrics-route.ts';
import { addOpenApi } from './open-api.ts';
import { addPageRoutes, drawRefusal } from './page-reads.ts';
import type { DeadLetterReader, LookupReader, Readiness, WatchReader } from './ports.ts';
import { addRequestRoutes } from './requests.ts';
import { addSpikeRoutes } from './spikes.ts';

/** Largest body any route takes, in bytes. */
const BODY_LIMIT_BYTES = 1_048_576;
const REQUEST_TIMEOUT_MS = 10_000;
const HEADERS_TIMEOUT_MS = 5_000;
const CONNECTIONS_CHECK_MS = 1_000;
/** Short, or a stop would wait for clients that hold a socket open for later. */
const KEEP_ALIVE_TIMEOUT_MS = 5_000;
const MAX_CONNECTION_COUNT = 10_000;
/** A requestId has up to 128 characters, each of which may arrive as three. */
const MAX_PARAM_LENGTH = 512;
const STOP_DEADLINE_MS = 8_000;
const IDLE_SWEEP_MS = 100;
/** A socket that said nothing for so long after the stop began is no request on its way: browsers open some in advance. */
const SILENT_SOCKET_MS = 1_000;

export interface HttpConfig {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly publicUrl: string | null;
  readonly authMode: 'off' | 'required';
  readonly retentionDays: number;
  /** Whether expectations follow what Prometheus tells of the traffic. */
  readonly isTrafficAsked: boolean;
  readonly version: string;
}

export interface HttpDeps {
  readonly lookup: LookupReader;
  readonly spikes: SpikeReader;
  readonly deadLetters: DeadLetterReader;
  readonly watch: WatchReader;
  readonly catalogue: Catalogue;
  readonly registry: MetricsRegistry;
  readonly readiness: () => Readiness;
  /** Routes that take envelopes in, each a fastify plugin. */
  readonly sources: readonly FastifyPluginAsync[];
  readonly log: FastifyBaseLogger;
  /** Our clock, epoch milliseconds. */
  readonly now: () => number;
}

export interface HttpServer {
  /** @throws InUse when the port is taken. */
  start(): Promise<{ readonly url: string }>;
  /** Takes nothing new, lets what runs end, and cuts what is left after a deadline. Safe twice and before a start. */
  stop(): Promise<void>;
}

export function createServer(config: HttpConfig, deps: HttpDeps): HttpServer {
  let isStopping = false;
  let stopping: Promise<void> | null = null;
  const readiness = (): Readiness => (isStopping ? { kind: 'not_ready', reason: 'stopping' } : deps.readiness());
  const app = createApp(config, deps);
  const sockets = new Set<Socket>();
  app.server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });

  async function start() {
    await addRoutes(app, config, deps, readiness);
    try {
      await app.listen({ host: config.host, port: config.port });
    } catch (error) {
      if (!isPortTaken(error)) throw error;
      const text = `port ${config.port} on ${config.host} is taken by another process; stop it or set PORT.`;
      throw new InUse('port_in_use', text, error);
    }
    return { url: urlOf(app.server.address(), config.host) };
  }

  async function close() {
    isStopping = true;
    const silentUntilMs = performance.now() + SILENT_SOCKET_MS;
    const sweep = setInterval(() => {
      app.server.closeIdleConnections();
      if (performance.now() < silentUntilMs) return;
      // To Node these are not idle: they have not sent their first request yet.
      for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
    }, IDLE_SWEEP_MS);
    const deadline = setTimeout(() => app.server.closeAllConnections(), STOP_DEADLINE_MS);
    try {
      await app.close();
    } finally {
      clearInterval(sweep);
      clearTimeout(deadline);
    }
  }

  return {
    start,
    stop: () => {
      stopping ??= close();
      return stopping;
    },
  };
}

function createApp(config: HttpConfig, deps: HttpDeps): HttpApp {
  const prefix = config.publicUrl === null ? '' : new URL(config.publicUrl).pathname.replace(/\/+$/, '');
  const app: HttpApp = Fastify({
    loggerInstance: deps.log,
    // A line a request would flood the log and carry requestIds into it.
    logController: new LogController({ disableRequestLogging: true }),
    // Nor a logger a request: whoever logs names the request itself.
    childLoggerFactory: (logger) => logger,
    genReqId: createRequestId,
    requestIdHeader: false,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    http: { headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: CONNECTIONS_CHECK_MS },
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    // A path that cannot be decoded never reaches a route, its hooks, or the error handler.
    frameworkErrors: (error, request, reply) => {
      reply.header('x-request-id', request.id);
      answerRefusal(reply, refusalOf(error, request), { nowMs: deps.now() });
    },
    clientErrorHandler: (error, socket) => answerBrokenConnection(error, socket, deps.now()),
    // A proxy may pass the path prefix of PUBLIC_URL on or take it off; both arrive at the same routes.
    rewriteUrl: (request) => {
      const url = request.url ?? '/';
      return prefix !== '' && (url === prefix || url.startsWith(`${prefix}/`)) ? url.slice(prefix.length) || '/' : url;
    },
  });
  app.setValidatorCompiler(TypeBoxValidatorCompiler);
  // Fastify's own parsers accept text/plain, ignore the charset and turn bad UTF-8 into U+FFFD.
  app.removeAllContentTypeParsers();
  app.server.maxConnections = MAX_CONNECTION_COUNT;
  app.server.on('checkContinue', (request, response) => {
    // A body that is announced too large is refused before it is invited.
    if (Number(request.headers['content-length'] ?? 0) <= BODY_LIMIT_BYTES) response.writeContinue();
    app.server.emit('request', request, response);
  });
  return app;
}

async function addRoutes(app: HttpApp, config: HttpConfig, deps: HttpDeps, readiness: () => Readiness): Promise<void> {
  const { now, catalogue, lookup, spikes, deadLetters, watch } = deps;
  const { publicUrl, retentionDays, isTrafficAsked } = config;
  addErrorAnswers(app, { now, drawPage: (refusal, request) => drawRefusal({ publicUrl, retentionDays, now }, refusal, request) });
  await addFrontGuard(app, { publicUrl, authMode: config.authMode, now });
  await addOpenApi(app, config.version);
  addHealthRoutes(app, readiness);
  addMetricsRoute(app, deps.registry);
  addRequestRoutes(app, { lookup, spikes, catalogue, retentionDays, now });
  addEnvelopeRoutes(app, { lookup, catalogue, now });
  addCodeRoutes(app, { lookup, spikes, catalogue, now });
  addSpikeRoutes(app, spikes);
  addDeadLetterRoutes(app, deadLetters);
  await addPageRoutes(app, { lookup, spikes, deadLetters, watch, catalogue, now, publicUrl, retentionDays, isTrafficAsked });
  for (const source of deps.sources) await app.register(source);
}

function isPortTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}

function urlOf(address: AddressInfo | string | null, host: string): string {
  if (address === null || typeof address === 'string') throw new Error('the server has no address');
  const shown = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  return `http://${shown}:${address.port}`;
}
