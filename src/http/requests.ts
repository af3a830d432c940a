/** GET /v1/requests/{requestId}: what a support person needs to know about the id a customer quotes. */
import Type from 'typebox';
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { HttpApp } from './app-type.ts';
import { answerEnvelope, EnvelopeAnswer, moment, nullableNumber, toText, WordsAnswer, wordsFor } from './envelope-answer.ts';
import { ErrorAnswer, Refusal } from './error-answer.ts';
import type { Commonness } from './ports.ts';
import { lookUpRequest, type RequestFinding, type RequestLookupDeps } from './request-lookup.ts';
import { answerSpike, SpikeAnswer } from './spike-answer.ts';
import { median } from './usual.ts';

export const RequestParams = Type.Object({
  requestId: Type.String({ pattern: '^[A-Za-z0-9._:-]{1,128}$', description: 'As the customer quotes it' }),
});

const nullableSpike = (description: string) => Type.Union([SpikeAnswer, Type.Null()], { description });

const RequestAnswer = Type.Object({
  requestId: Type.String(),
  envelopes: Type.Array(EnvelopeAnswer, { description: 'Oldest first; siblings share the id' }),
  codes: Type.Array(
    Type.Object({
      code: Type.String(),
      status: nullableNumber('HTTP status'),
      words: WordsAnswer,
      spikeNow: nullableSpike('The open spike of this code, or of all codes'),
      spikeThen: nullableSpike('The spike this envelope fell into'),
      howCommon: Type.Object({
        lastHourCount: Type.Number(),
        usualHourCount: nullableNumber('What is normal at this time of day; null when less than a day is known'),
        last15MinutesCount: Type.Number(),
        otherRequestCount: Type.Number({ description: 'Other requestIds with this code in the last 15 minutes' }),
        otherClientCount: nullableNumber('Other clients among them; null when none states its client'),
        isSampled: Type.Boolean({ description: 'True: the two counts of others are lower bounds' }),
      }),
    }),
  ),
  conflicts: Type.Array(
    Type.Object({
      code: Type.String(),
      source: Type.String({ description: 'The path it came by' }),
      receivedAt: moment('Our clock'),
      digest: Type.String({ description: 'Keyed digest of its bytes, in hex' }),
    }),
    { description: 'Deliveries with another body under the same id, code and day: the first was kept' },
  ),
  otherCases: Type.Array(Type.String(), { description: 'The id in other letter case, where that is stored too' }),
});

export interface RequestRouteDeps extends RequestLookupDeps {
  readonly catalogue: Catalogue;
  readonly retentionDays: number;
}

export function addRequestRoutes(app: HttpApp, deps: RequestRouteDeps): void {
  app.get(
    '/v1/requests/:requestId',
    {
      schema: {
        tags: ['lookup'],
        summary: 'Everything known about a requestId',
        params: RequestParams,
        response: { 200: RequestAnswer, 400: ErrorAnswer, 404: ErrorAnswer, 503: ErrorAnswer },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      const finding = await lookUpRequest(deps, request.params.requestId);
      if (finding.kind === 'missing') throw refuseMissing(finding, deps.retentionDays);
      const { requestId, envelopes, codes, conflicts, otherCases } = finding;
      return {
        requestId,
        envelopes: envelopes.map((envelope) => answerEnvelope(deps.catalogue, envelope)),
        codes: codes.map(({ code, status, spikeNow, spikeThen, commonness }) => ({
          code,
          status,
          words: wordsFor(deps.catalogue, code, status),
          spikeNow: spikeNow === null ? null : answerSpike(spikeNow, 'support'),
          spikeThen: spikeThen === null ? null : answerSpike(spikeThen, 'support'),
          howCommon: answerCommonness(commonness),
        })),
        conflicts: conflicts.map(({ receivedAtMs, ...same }) => ({ ...same, receivedAt: toText(receivedAtMs) })),
        otherCases: [...otherCases],
      };
    },
  );
}

function answerCommonness({ earlierHourCounts, ...same }: Commonness) {
  return { ...same, usualHourCount: median(earlierHourCounts) };
}

type Missing = Extract<RequestFinding, { kind: 'missing' }>;

function refuseMissing(missing: Missing, retentionDays: number): Refusal {
  const { reason, behindSeconds, rejection, otherCases } = missing;
  return new Refusal(404, missingText(missing, retentionDays), {
    code: 'REQUEST_NOT_FOUND',
    details: {
      reason,
      ...(behindSeconds === null ? {} : { behindSeconds }),
      ...(rejection === null
        ? {}
        : { rejectedFor: rejection.reason, rejectedAt: new Date(rejection.receivedAtMs).toISOString() }),
      ...(otherCases.length === 0 ? {} : { otherCases }),
      retentionDays,
    },
  });
}

/** Why nothing is found, in one sentence; the page says the same. */
export function missingText({ reason, behindSeconds, rejection }: Missing, retentionDays: number): string {
  switch (reason) {
    case 'never_seen':
      return `No error with this requestId came in, not in the last ${retentionDays} days.`;
    case 'ingest_behind':
      return `Not seen yet: we are ${behindSeconds} seconds behind the incoming errors, so it may still come.`;
    case 'expired':
      return `An error with this requestId came in, but it was older than the ${retentionDays} days that are kept.`;
    case 'rejected':
      return `An error with this requestId came in but could not be read (${rejection?.reason ?? 'unknown'}), so its content was not kept.`;
    case 'erased':
      return 'What was kept under this requestId was erased on request.';
  }
}
