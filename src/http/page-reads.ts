/** Gives the pages what they read: the same functions that stand behind the JSON routes. */
import type { FastifyRequest } from 'fastify';
import { faultOf } from '../catalogue/catalogue.ts';
import { addPages, viewOf } from '../web/pages.ts';
import { drawRefusalPage } from '../web/refusal-page.ts';
import { wordsForReason } from '../web/reject-words.ts';
import type { HttpApp } from './app-type.ts';
import { type CodeLookupDeps, readCode, readCodes } from './code-lookup.ts';
import { wordsFor } from './envelope-answer.ts';
import { readFilter } from './envelopes.ts';
import { Refusal } from './error-answer.ts';
import type { DeadLetterReader, WatchReader } from './ports.ts';
import { lookUpRequest } from './request-lookup.ts';
import { readSpan } from './span.ts';

const DEAD_LETTER_COUNT = 25;

interface PageConfig {
  readonly publicUrl: string | null;
  readonly retentionDays: number;
}

export async function addPageRoutes(
  app: HttpApp,
  deps: CodeLookupDeps &
    PageConfig & {
      readonly isTrafficAsked: boolean;
      readonly deadLetters: DeadLetterReader;
      readonly watch: WatchReader;
    },
): Promise<void> {
  const { lookup, spikes, catalogue, now, publicUrl, retentionDays, deadLetters, watch, isTrafficAsked } = deps;
  await addPages(app, {
    publicUrl,
    retentionDays,
    now,
    spikes,
    readWatch: async () => ({
      ...(await watch.readStanding()),
      isTrafficAsked,
      paused: await deadLetters.listPausedPartitions(),
    }),
    wordsFor: (code, status) => wordsFor(catalogue, code, status),
    faultOf: (code, status) => faultOf(catalogue, code, status),
    isEmpty: () => lookup.isEmpty(),
    lookUp: (requestId) => lookUpRequest(deps, requestId),
    readCodes: () => readCodes(deps),
    readCode: async ({ code, pair }, from, to) => {
      const span = readSpan({ ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }, now());
      if (typeof span === 'string') throw new Refusal(400, span);
      return readCode(deps, { code, pair, span });
    },
    listEnvelopes: async ({ status, ...search }, limit) => {
      const stated = Object.entries(search).filter(([, value]) => value !== undefined);
      const filter = readFilter({
        ...Object.fromEntries(stated),
        ...(status === undefined ? {} : { status: Number(status) }),
        ...(limit === undefined ? {} : { limit }),
      });
      const isReadable = status === undefined || /^[1-5]\d\d$/.test(status);
      const page = filter === null || !isReadable ? null : await lookup.listEnvelopes(filter, now());
      if (page === null) throw new Refusal(400, 'The status, the span of time or the place in the list cannot be read.');
      return page;
    },
    deadLetters,
    listDeadLetters: async ({ reason, cursor }) => {
      const isReadable = reason === undefined || wordsForReason(reason) !== null;
      const filter = {
        limit: DEAD_LETTER_COUNT,
        ...(reason === undefined ? {} : { reason }),
        ...(cursor === undefined ? {} : { cursor }),
      };
      const page = isReadable ? await deadLetters.listDeadLetters(filter) : null;
      if (page === null) throw new Refusal(400, 'The reason or the place in the list cannot be read.');
      return page;
    },
    refuseMissing: (text) => new Refusal(404, text),
  });
}

export function drawRefusal(config: PageConfig & { now: () => number }, refusal: Refusal, request: FastifyRequest): string {
  return drawRefusalPage(viewOf(config, request), refusal, request.id);
}
