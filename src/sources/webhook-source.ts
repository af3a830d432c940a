/**
 * Envelopes over HTTP: `POST /v1/envelopes`, a fastify plugin. Bytes go on as they came (a batch is cut without parsing its
 * items), so that webhook and Kafka share one decode; the answer is sent only once `ingest` says what was committed.
 *
 * The body is collected here and not by fastify: what counts against memory is what has really arrived, so that slow
 * senders who announce much cannot crowd out the others.
 */
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { MAX_ENVELOPE_BYTES } from '../envelope/limits.ts';
import type { RejectReason } from '../envelope/schema.ts';
import { type Split, splitJsonArray, splitLines } from '../envelope/split-batch.ts';
import { Overloaded } from '../errors.ts';
import { type Outcome, REJECT_MEANINGS } from '../ingest/outcome.ts';
import type { Delivery } from '../ingest/ports.ts';

/** Bytes of bodies in memory, arriving or being stored, above which a sender is asked to come again. */
const MAX_IN_FLIGHT_BYTES = 64 * 1024 * 1024;
const CONTEXT_HEADERS = ['httpStatus', 'service', 'route', 'method', 'client', 'release', 'traceparent'].map((name) => ({
  name,
  sent: name.toLowerCase(),
}));
/** What nearly every sender says; it needs no closer look. */
const PLAIN_JSON = 'application/json';
// Exact on purpose: a lenient match is how a body gets past the checks that its type stands for.
const MEDIA_TYPE = /^(application\/json|application\/x-ndjson)(?: *; *charset=("?)([!-~]*?)\2)? *$/i;

export interface WebhookSourceDeps {
  /** Outcomes in the order of the deliveries, after COMMIT. @throws a retryable Fault: nothing was stored. */
  readonly ingest: (deliveries: readonly Delivery[]) => Promise<readonly Outcome[]>;
  /** Counts a body that was refused before it became deliveries. */
  readonly countRefused: (reason: RejectReason) => void;
  /** Our clock, epoch milliseconds. */
  readonly now: () => number;
  readonly maxInFlightBytes?: number;
}

/** A refusal of the whole body. The server writes it in the envelope's shape. */
class BodyRefused extends Error {
  readonly statusCode: number;
  readonly errorCode = 'ENVELOPE_REJECTED';
  readonly details: { readonly reason: RejectReason };

  constructor(reason: RejectReason) {
    super(REJECT_MEANINGS[reason].text);
    this.statusCode = REJECT_MEANINGS[reason].httpStatus;
    this.details = { reason };
  }
}

export function createWebhookSource(deps: WebhookSourceDeps): FastifyPluginAsync {
  const { ingest, countRefused, now, maxInFlightBytes = MAX_IN_FLIGHT_BYTES } = deps;
  let inFlightBytes = 0;

  function refuse(reason: RejectReason): BodyRefused {
    countRefused(reason);
    return new BodyRefused(reason);
  }

  /** Why a body is refused by its head alone; null: it may come. */
  function faultOfHead({ headers }: FastifyRequest): RejectReason | null {
    if (headers['content-type'] !== PLAIN_JSON) {
      const [, mediaType, , charset] = MEDIA_TYPE.exec(headers['content-type'] ?? '') ?? [];
      if (mediaType === undefined) return 'media_type';
      if (charset !== undefined && !/^utf-?8$/i.test(charset)) return 'charset';
    }
    const encoding = headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity') return 'encoding';
    return Number(headers['content-length'] ?? 0) > MAX_ENVELOPE_BYTES ? 'too_large' : null;
  }

  /** Bytes stay counted until the answer is out or its socket is gone. */
  function collect({ raw }: FastifyRequest, reply: FastifyReply): Promise<Buffer> {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    reply.raw.once('close', () => {
      inFlightBytes -= sizeBytes;
    });
    return new Promise((resolve, reject) => {
      let isOver = false;
      const end = (refusal?: Error) => {
        if (isOver) return;
        isOver = true; // From here on the rest of the body falls on the floor; the connection ends with the answer.
        if (refusal !== undefined) return reject(refusal);
        const [only] = chunks;
        resolve(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, sizeBytes));
      };
      const fail = () => end(new BodyRefused('syntax'));
      const take = (chunk: Buffer) => {
        if (isOver) return;
        if (sizeBytes + chunk.length > MAX_ENVELOPE_BYTES) return end(refuse('too_large'));
        if (inFlightBytes + chunk.length > maxInFlightBytes) return end(new Overloaded('Bodies in flight fill their memory.'));
        inFlightBytes += chunk.length;
        sizeBytes += chunk.length;
        chunks.push(chunk);
      };
      raw
        .on('data', take)
        .on('end', () => end())
        .on('error', fail)
        .on('aborted', fail);
    });
  }

  async function take(request: FastifyRequest, bytes: Buffer) {
    const receivedAtMs = now();
    const headers = contextHeaders(request);
    const split = isNdjson(request) ? splitLines(bytes) : splitJsonArray(bytes);
    if (split.kind === 'rejected') throw refuse(split.reason);
    const bodies = split.kind === 'single' ? [bytes] : split.items;
    const outcomes = await ingest(
      bodies.map((body): Delivery => {
        const delivery: Delivery = { source: 'webhook', bytes: body, receivedAtMs, coordinates: null };
        return headers === null ? delivery : { ...delivery, headers };
      }),
    );
    return answer(outcomes, split);
  }

  return async (app) => {
    app.addContentTypeParser('*', (_request, _payload, done) => done(null));
    app.route({
      method: 'POST',
      url: '/v1/envelopes',
      schema: WEBHOOK_SCHEMA,
      // The body is bytes here; `decode` is what validates it.
      validatorCompiler: () => () => true,
      onRequest: (request, _reply, done) => {
        const reason = faultOfHead(request);
        return reason === null ? done() : done(refuse(reason));
      },
      handler: async (request, reply) => take(request, await collect(request, reply)),
    });
  };
}

function isNdjson({ headers }: FastifyRequest): boolean {
  return headers['content-type']?.toLowerCase().startsWith('application/x-ndjson') ?? false;
}

/** Only the names that state context, and only those that are there. */
function contextHeaders({ headers }: FastifyRequest): Readonly<Record<string, string>> | null {
  let stated: Record<string, string> | null = null;
  for (const { name, sent } of CONTEXT_HEADERS) {
    const value = headers[sent];
    if (typeof value !== 'string') continue;
    stated ??= {};
    stated[name] = value;
  }
  return stated;
}

/** A single envelope that was rejected is refused as a request; in a batch it is one of the results. */
function answer(outcomes: readonly Outcome[], split: Split) {
  const [first] = outcomes;
  if (split.kind === 'single' && first?.kind === 'rejected') throw new BodyRefused(first.reason);
  const count = (kind: Outcome['kind']) => outcomes.filter((outcome) => outcome.kind === kind).length;
  return {
    status: 'success',
    stored: count('stored'),
    duplicate: count('duplicate'),
    rejected: count('rejected'),
    results: outcomes.map((outcome) => {
      const { kind, requestId } = outcome;
      return kind === 'rejected' ? { requestId, outcome: kind, reason: outcome.reason } : { requestId, outcome: kind };
    }),
  };
}

const ENVELOPE = {
  type: 'object',
  required: ['status', 'error', 'timestamp', 'requestId'],
  properties: {
    status: { const: 'error' },
    error: {
      type: 'object',
      required: ['code', 'message'],
      properties: {
        code: { type: 'string' },
        message: { type: 'string' },
        details: { type: 'object', additionalProperties: true },
      },
    },
    timestamp: { type: 'string', format: 'date-time' },
    requestId: { type: 'string', pattern: '^[A-Za-z0-9._:-]{1,128}$' },
    context: { type: 'object', additionalProperties: true },
  },
};
const REFUSAL = {
  description: 'Refused, as an envelope; `details.reason` says why. Nothing was stored.',
  type: 'object',
  additionalProperties: true,
};
const WEBHOOK_SCHEMA = {
  tags: ['ingest'],
  summary: 'Hand over one envelope, an array of up to 1000, or NDJSON; answered after COMMIT',
  consumes: ['application/json', 'application/x-ndjson'],
  body: { anyOf: [ENVELOPE, { type: 'array', maxItems: 1000, items: ENVELOPE }] },
  response: {
    200: {
      description: 'What became of each, in order',
      type: 'object',
      properties: {
        status: { const: 'success' },
        stored: { type: 'integer' },
        duplicate: { type: 'integer' },
        rejected: { type: 'integer' },
        results: {
          type: 'array',
          items: {
            type: 'object',
            properties: {
              requestId: { type: ['string', 'null'] },
              outcome: { enum: ['stored', 'duplicate', 'rejected'] },
              reason: { type: 'string' },
            },
          },
        },
      },
    },
    ...Object.fromEntries([400, 408, 413, 415, 421, 422, 503].map((status) => [status, REFUSAL])),
  },
};
