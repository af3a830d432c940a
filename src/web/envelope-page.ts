/** /envelopes: the stored errors as a thin list, newest first, narrowed by a few fields. */
import type { Page, StoredEnvelope } from '../http/ports.ts';
import { type Html, html } from './html.ts';
import { drawPage } from './layout.ts';
import { linkCode, linkRequest } from './marks.ts';
import { sayAgo, sayMoment } from './say.ts';
import { type View, withQuery } from './view.ts';
import { showText } from './visible-text.ts';

const LONGEST_MESSAGE = 160;

export interface EnvelopeSearch {
  readonly code?: string | undefined;
  readonly status?: string | undefined;
  readonly service?: string | undefined;
  readonly client?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly cursor?: string | undefined;
}

const FIELDS = [
  ['code', 'Code'],
  ['status', 'HTTP status'],
  ['service', 'Service'],
  ['client', 'Client'],
] as const;

export function drawEnvelopesPage(view: View, search: EnvelopeSearch, page: Page<StoredEnvelope>): string {
  const { cursor, ...filter } = search;
  const isNarrowed = Object.values(filter).some((value) => value !== undefined && value !== '');
  const body = html`<h1>Envelopes</h1>
<form class="filter" action="${view.link('envelopes')}">${FIELDS.map(
    ([name, label]) =>
      html`<label>${label}<input name="${name}" value="${filter[name]}" autocomplete="off" spellcheck="false"></label>`,
  )}${filter.from !== undefined && html`<input type="hidden" name="from" value="${filter.from}">`}${filter.to !== undefined && html`<input type="hidden" name="to" value="${filter.to}">`}<button type="submit">Narrow</button>${isNarrowed && html`<a href="${view.link('envelopes')}">Show all</a>`}</form>
${(filter.from !== undefined || filter.to !== undefined) && html`<p class="quiet">Only a span of time is shown. <a href="${withQuery(view.link('envelopes'), { ...filter, from: null, to: null })}">Show all times</a></p>`}
${page.items.length === 0 ? drawNone(view, isNarrowed, cursor !== undefined) : drawEnvelopeTable(view, page.items, { hasCode: true })}
${page.nextCursor !== null && html`<p><a rel="next" href="${withQuery(view.link('envelopes'), { ...filter, cursor: page.nextCursor })}">Older ones</a></p>`}`;
  return drawPage(view, { title: 'Envelopes', place: 'envelopes', body });
}

function drawNone(view: View, isNarrowed: boolean, isFollowing: boolean): Html {
  if (isFollowing) return html`<p>None found in this stretch of time.</p>`;
  if (isNarrowed) return html`<p>No stored envelope is like this. Names must match as they are stored, letter by letter.</p>`;
  return html`<p>No envelope is stored yet. They come in by <span class="code">POST /v1/envelopes</span> or from Kafka; <a href="${view.link()}">the first page</a> has a command to try.</p>`;
}

export function drawEnvelopeTable(
  view: View,
  envelopes: readonly StoredEnvelope[],
  { hasCode }: { readonly hasCode: boolean },
): Html {
  return html`<table class="rows"><thead><tr><th scope="col">Request</th>${hasCode && html`<th scope="col">Code</th>`}<th scope="col">Message</th><th scope="col">Client</th><th scope="col">When</th></tr></thead><tbody>${envelopes.map(
    (envelope) =>
      html`<tr><th scope="row">${linkRequest(view, envelope.requestId)}</th>${hasCode && html`<td data-label="Code">${linkCode(view, envelope.code)}</td>`}<td data-label="Message" class="prose"><span class="said">${showText(envelope.message, LONGEST_MESSAGE)}</span></td><td data-label="Client">${envelope.client === null ? html`<span class="quiet">–</span>` : html`<a href="${withQuery(view.link('envelopes'), { client: envelope.client })}">${showText(envelope.client, 128)}</a>`}</td><td data-label="When"><time datetime="${new Date(envelope.occurredAtMs).toISOString()}">${sayMoment(envelope.occurredAtMs, view.nowMs)}<br><span class="quiet">${sayAgo(envelope.occurredAtMs, view.nowMs)}</span></time></td></tr>`,
  )}</tbody></table>`;
}
