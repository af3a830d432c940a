/** The pages for people, as routes. What they show is read by functions that are given; here it is chosen and drawn. */
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { SpikeReader, SpikeRecord } from '../alert/spike.ts';
import type { CodeDetail, CodeOverview } from '../http/code-lookup.ts';
import type { DeadLetter, DeadLetterReader, Page, StoredEnvelope } from '../http/ports.ts';
import type { RequestFinding } from '../http/request-lookup.ts';
import { drawCodePage, drawCodesPage } from './code-pages.ts';
import { type DeadLetterSearch, drawDeadLettersPage } from './dead-letter-page.ts';
import { drawEnvelopesPage, type EnvelopeSearch } from './envelope-page.ts';
import { findRequestIds } from './find-request-id.ts';
import { drawHomePage } from './home-page.ts';
import { drawMissingPage } from './missing-page.ts';
import { drawRequestPage, type RequestPageDeps } from './request-page.ts';
import { drawSpikePage, drawSpikesPage, spanAround } from './spike-pages.ts';
import { createLink, type View } from './view.ts';
import type { Watch } from './watch-notes.ts';

const PAST_SPIKE_COUNT = 50;
const NEWEST_COUNT = 10;
/** So many candidates are looked for in the store before the person is asked. */
const MOST_TRIED = 10;

export interface PageDeps extends RequestPageDeps {
  readonly publicUrl: string | null;
  readonly retentionDays: number;
  readonly now: () => number;
  readonly spikes: SpikeReader;
  readonly readWatch: () => Promise<Watch>;
  readonly isEmpty: () => Promise<boolean>;
  readonly lookUp: (requestId: string) => Promise<RequestFinding>;
  readonly readCodes: () => Promise<readonly CodeOverview[]>;
  /** null: unknown code. @throws a refusal when the span cannot be read. */
  readonly readCode: (series: Pick<SpikeRecord, 'code' | 'pair'>, from?: string, to?: string) => Promise<CodeDetail | null>;
  /** @throws a refusal when a filter or the cursor cannot be read. */
  readonly listEnvelopes: (search: EnvelopeSearch, limit?: number) => Promise<Page<StoredEnvelope>>;
  readonly deadLetters: Pick<DeadLetterReader, 'countReasons' | 'listPausedPartitions'>;
  /** @throws a refusal when the reason or the cursor cannot be read. */
  readonly listDeadLetters: (search: DeadLetterSearch) => Promise<Page<DeadLetter>>;
  /** The refusal of something that does not exist. */
  readonly refuseMissing: (text: string) => Error;
}

type Query = { readonly [name: string]: string | undefined };

export async function addPages(app: FastifyInstance, deps: PageDeps): Promise<void> {
  const { now, spikes } = deps;
  await addAssets(app);
  const view = (request: FastifyRequest): View => viewOf(deps, request);

  page('/', async (request, reply) => {
    const asked = queryOf(request)['q']?.trim() || null;
    const candidates = asked === null ? [] : findRequestIds(asked);
    const only = candidates.length === 1 ? candidates[0] : await findOnlyStored(candidates);
    if (only !== undefined) return reply.redirect(createLink(deps.publicUrl)('requests', only), 303);
    const [isEmpty, active, codes] = [await deps.isEmpty(), await spikes.activeSpikes(), await deps.readCodes()];
    const watch = await deps.readWatch();
    return drawHomePage(view(request), { asked, candidates, isEmpty, spikes: active, codes, watch });
  });

  page('/requests/:requestId', async (request, reply) => {
    const finding = await deps.lookUp(paramOf(request, 'requestId'));
    if (finding.kind === 'found') return drawRequestPage(view(request), deps, finding);
    reply.code(404);
    return drawMissingPage(view(request), finding);
  });

  page('/spikes', async (request) => {
    const { cursor } = queryOf(request);
    const past = await spikes.listSpikes({ limit: PAST_SPIKE_COUNT, ...(cursor === undefined ? {} : { cursor }) });
    const watch = await deps.readWatch();
    return drawSpikesPage(view(request), { active: await spikes.activeSpikes(), past, watch });
  });

  page('/spikes/:id', async (request) => {
    const spike = await spikes.getSpike(paramOf(request, 'id'));
    if (spike === null) throw deps.refuseMissing('There is no spike with this number.');
    const { fromMs, toMs } = spanAround(spike, now());
    const detail = spike.code.startsWith('_') ? null : await deps.readCode(spike, iso(fromMs), iso(toMs));
    return drawSpikePage(view(request), spike, detail);
  });

  page('/codes', async (request) => drawCodesPage(view(request), await deps.readCodes()));

  page('/codes/:code', async (request) => {
    const code = paramOf(request, 'code');
    const { from, to } = queryOf(request);
    const detail = await deps.readCode({ code, pair: null }, from, to);
    if (detail === null) throw deps.refuseMissing('This code is neither catalogued nor was it seen.');
    const newest = await deps.listEnvelopes({ code }, NEWEST_COUNT);
    return drawCodePage(view(request), detail, newest.items);
  });

  page('/envelopes', async (request) => {
    const search = searchOf(queryOf(request));
    return drawEnvelopesPage(view(request), search, await deps.listEnvelopes(search));
  });

  page('/dead-letters', async (request) => {
    const { reason, cursor } = queryOf(request);
    const search = { reason, cursor };
    const { deadLetters } = deps;
    return drawDeadLettersPage(view(request), {
      search,
      page: await deps.listDeadLetters(search),
      reasons: await deadLetters.countReasons(now()),
      paused: await deadLetters.listPausedPartitions(),
    });
  });

  function page(url: string, draw: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>): void {
    app.get(url, { schema: { hide: true } }, async (request, reply) => {
      reply.header('cache-control', 'no-store').type('text/html; charset=utf-8');
      return draw(request, reply);
    });
  }

  /** The one candidate that is stored, when there is exactly one. */
  async function findOnlyStored(candidates: readonly string[]): Promise<string | undefined> {
    const stored: string[] = [];
    for (const id of candidates.slice(0, MOST_TRIED)) if ((await deps.lookUp(id)).kind === 'found') stored.push(id);
    return stored.length === 1 ? stored[0] : undefined;
  }
}

async function addAssets(app: FastifyInstance): Promise<void> {
  const options = { index: false, cacheControl: true, maxAge: '1h' } as const;
  await app.register(fastifyStatic, {
    ...options,
    root: fileURLToPath(new URL('./assets/', import.meta.url)),
    prefix: '/assets/',
    decorateReply: false,
  });
  await app.register(fastifyStatic, {
    ...options,
    root: fileURLToPath(new URL('.', import.meta.resolve('uplot/dist/uPlot.min.css'))),
    prefix: '/assets/uplot/',
    decorateReply: false,
    allowedPath: (path) => path === '/uPlot.iife.min.js' || path === '/uPlot.min.css',
  });
}

export function viewOf(
  { publicUrl, retentionDays, now }: Pick<PageDeps, 'publicUrl' | 'retentionDays' | 'now'>,
  request: FastifyRequest,
): View {
  const siteUrl = (publicUrl ?? `${request.protocol}://${request.host}`).replace(/\/+$/, '');
  return { nowMs: now(), retentionDays, link: createLink(publicUrl), siteUrl };
}

/** Every parameter as one string: a repeated one counts by its first. */
function queryOf({ query }: FastifyRequest): Query {
  return Object.fromEntries(
    Object.entries(Object(query)).flatMap(([name, value]): [string, string][] => {
      const first: unknown = Array.isArray(value) ? value[0] : value;
      return typeof first === 'string' && first !== '' ? [[name, first]] : [];
    }),
  );
}

function paramOf({ params }: FastifyRequest, name: string): string {
  const value: unknown = Object(params)[name];
  return typeof value === 'string' ? value : '';
}

function searchOf(query: Query): EnvelopeSearch {
  const { code, status, service, client, from, to, cursor } = query;
  return { code, status, service, client, from, to, cursor };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
