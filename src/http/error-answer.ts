/**
 * Every refusal in the envelope shape of the API we watch, with a requestId of its own. Fastify answers some errors around
 * the routes (unknown path, bad JSON, too large, a socket that is too slow); all of them end here, told apart by status.
 */
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { ConnectionError, FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import { Fault } from '../errors.ts';
import type { HttpApp } from './app-type.ts';

/** What a 503 asks a sender to wait, in seconds: one probe of the database, or a person who must act. */
const RETRY_SOON_SECONDS = 5;
const RETRY_LATER_SECONDS = 60;

export const ErrorAnswer = Type.Object(
  {
    status: Type.Literal('error'),
    error: Type.Object({
      code: Type.String(),
      message: Type.String(),
      details: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    }),
    timestamp: Type.String({ format: 'date-time' }),
    requestId: Type.String(),
  },
  { description: 'A refusal, in the shape of the envelopes that surgewatch takes in.' },
);

const CODES: Readonly<Record<number, string>> = {
  400: 'BAD_REQUEST',
  401: 'INVALID_CREDENTIALS',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  408: 'REQUEST_TIMEOUT',
  413: 'BODY_TOO_LARGE',
  414: 'URI_TOO_LONG',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  417: 'EXPECTATION_FAILED',
  421: 'MISDIRECTED_REQUEST',
  422: 'VALIDATION_ERROR',
  429: 'RATE_LIMIT_EXCEEDED',
  431: 'HEADERS_TOO_LARGE',
  500: 'INTERNAL_ERROR',
  503: 'SERVICE_UNAVAILABLE',
};

/** A refusal that a route decides on: its status, words and details go out as they are, so they hold nothing secret. */
export class Refusal extends Error {
  readonly statusCode: number;
  readonly errorCode: string;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(
    statusCode: number,
    message: string,
    options: { readonly code?: string; readonly details?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message);
    this.statusCode = statusCode;
    this.errorCode = options.code ?? CODES[statusCode] ?? 'ERROR';
    this.details = options.details;
  }
}

export function createRequestId(): string {
  return `req_${randomUUID().replaceAll('-', '')}`;
}

function answerOf(refusal: Refusal, requestId: string, nowMs: number) {
  const details = refusal.details === undefined ? {} : { details: refusal.details };
  return {
    status: 'error' as const,
    error: { code: refusal.errorCode, message: refusal.message, ...details },
    timestamp: new Date(nowMs).toISOString(),
    requestId,
  };
}

/** What went wrong, in words that are safe to send: the text of an unforeseen error stays in the log. */
export function refusalOf(error: unknown, request: FastifyRequest): Refusal {
  if (error instanceof Refusal) return error;
  if (isStated(error)) {
    return new Refusal(error.statusCode, error.message, { code: error.errorCode, details: error.details });
  }
  if (error instanceof Fault) {
    const text = error.code === 'overloaded' ? 'More is in flight than can be taken now.' : 'The database cannot serve now.';
    return new Refusal(503, `${text} Nothing was stored; send it again.`, { details: { reason: error.code } });
  }
  const status = statusOf(error);
  if (status === 404) return new Refusal(404, `${request.method} of this path is not a route.`);
  if (status === 413) return new Refusal(413, 'At most 1 MiB a body is accepted.', { details: { reason: 'too_large' } });
  if (status === 415) return new Refusal(415, 'This Content-Type is not accepted.', { details: { reason: 'media_type' } });
  // A validation's message names path and rule, never the value; others of fastify's quote what was sent.
  if (status < 500 && error instanceof Error && 'validation' in error) return new Refusal(status, error.message);
  if (status < 500) return new Refusal(status, 'The request cannot be read.');
  return new Refusal(500, 'Something failed on our side. Quote the requestId when you report it.');
}

/** A refusal that a source states in full; sources do not know this room, so it is told by its shape. */
interface StatedRefusal extends Error {
  readonly statusCode: number;
  readonly errorCode: string;
  readonly details: Readonly<Record<string, unknown>>;
}

function isStated(error: unknown): error is StatedRefusal {
  if (!(error instanceof Error) || !('errorCode' in error) || !('details' in error)) return false;
  return 'statusCode' in error && typeof error.statusCode === 'number' && typeof error.details === 'object';
}

function statusOf(error: unknown): number {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return 500;
  return typeof error.statusCode === 'number' && error.statusCode >= 400 ? error.statusCode : 500;
}

export function answerRefusal(reply: FastifyReply, refusal: Refusal, options: { nowMs: number; cause?: unknown }) {
  const { cause } = options;
  if (refusal.statusCode === 503) {
    reply.header('retry-after', cause instanceof Fault && !cause.retryable ? RETRY_LATER_SECONDS : RETRY_SOON_SECONDS);
  }
  // The rest of a body that was not read would be taken for the next request.
  if (refusal.statusCode === 413 || refusal.statusCode === 415) reply.header('connection', 'close');
  return reply
    .code(refusal.statusCode)
    .type('application/json; charset=utf-8')
    .serializer(JSON.stringify)
    .send(answerOf(refusal, reply.request.id, options.nowMs));
}

export interface ErrorAnswerDeps {
  readonly now: () => number;
  /** The refusal as a page, for who came with a browser to something that is no API route. */
  readonly drawPage: (refusal: Refusal, request: FastifyRequest) => string;
}

export function addErrorAnswers(app: HttpApp, { now, drawPage }: ErrorAnswerDeps): void {
  const answer = (request: FastifyRequest, reply: FastifyReply, refusal: Refusal, cause?: unknown) => {
    if (!wantsPage(request)) return answerRefusal(reply, refusal, { nowMs: now(), cause });
    reply.code(refusal.statusCode).header('cache-control', 'no-store').type('text/html; charset=utf-8');
    return reply.serializer(String).send(drawPage(refusal, request));
  };
  app.setErrorHandler((error, request, reply) => {
    const refusal = refusalOf(error, request);
    if (refusal.statusCode >= 500 && !(error instanceof Fault))
      request.log.error({ err: error, reqId: request.id }, 'a request failed');
    return answer(request, reply, refusal, error);
  });
  app.setNotFoundHandler((request, reply) =>
    answer(request, reply, new Refusal(404, `${request.method} of this path is not a route.`)),
  );
}

function wantsPage({ method, url, headers }: FastifyRequest): boolean {
  return method === 'GET' && !url.startsWith('/v1/') && (headers.accept?.includes('text/html') ?? false);
}

/** Answers what never became a request: a broken head, a head or body that came too slowly. The socket ends with it. */
export function answerBrokenConnection(error: ConnectionError, socket: Socket, nowMs: number): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const [status, phrase, text] =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? [408, 'Request Timeout', 'The request came too slowly.']
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? [431, 'Request Header Fields Too Large', 'The headers are too large.']
        : [400, 'Bad Request', 'This is not a well-formed HTTP request.'];
  const requestId = createRequestId();
  const body = JSON.stringify(answerOf(new Refusal(Number(status), String(text)), requestId, nowMs));
  socket.end(
    `HTTP/1.1 ${status} ${phrase}\r\nX-Request-Id: ${requestId}\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
  socket.destroySoon();
}
