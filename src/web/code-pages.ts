/** /codes and /codes/{code}: what each code means, how often it comes now, and how that compares with normal. */
import type { CodeDetail, CodeOverview } from '../http/code-lookup.ts';
import type { StoredEnvelope } from '../http/ports.ts';
import { drawChart, seriesOf, unitOf } from './chart.ts';
import { drawEnvelopeTable } from './envelope-page.ts';
import { drawFieldTable } from './field-table.ts';
import { type Html, html } from './html.ts';
import { drawPage } from './layout.ts';
import { linkCode, markFault, markState, showCode } from './marks.ts';
import { sayAgo, sayCount, sayMoment, sayNumber } from './say.ts';
import { drawSpikeCard } from './spike-card.ts';
import { type View, withQuery } from './view.ts';

const HOUR_MS = 3_600_000;
const SPANS = [
  ['last hour', HOUR_MS],
  ['6 hours', 6 * HOUR_MS],
  ['day', 24 * HOUR_MS],
  ['week', 7 * 24 * HOUR_MS],
] as const;

export function drawCodesPage(view: View, codes: readonly CodeOverview[]): string {
  const body = html`<h1>Codes</h1>
<p class="lead">Every code of the catalogue, and every other that came lately.</p>
<table class="rows"><thead><tr><th scope="col">Code</th><th scope="col">What it means</th><th scope="col">Whose fault</th><th scope="col" class="number">Last hour</th><th scope="col" class="number">Normal</th><th scope="col" class="number">24 hours</th><th scope="col">Last seen</th></tr></thead>
<tbody>${codes.map((code) => drawRow(view, code))}</tbody></table>`;
  return drawPage(view, { title: 'Codes', place: 'codes', body });
}

function drawRow(view: View, code: CodeOverview): Html {
  const { status, words, lastHourCount, usualHourCount, lastDayCount, lastSeenAtMs, spike, fault } = code;
  return html`<tr><th scope="row">${linkCode(view, code.code)}<br><span class="quiet">${status === null ? 'status unknown' : `HTTP ${status}`}</span>${spike !== null && html`<br>${markState(spike.state)}`}</th>
<td data-label="What it means" class="prose">${words.isCatalogued ? words.meaning : html`<span class="quiet">Not in the catalogue</span>`}</td><td data-label="Whose fault">${markFault(fault)}</td>
<td data-label="Last hour" class="number">${sayNumber(lastHourCount)}</td><td data-label="Normal" class="number">${usualHourCount === null ? '–' : sayNumber(usualHourCount)}</td><td data-label="24 hours" class="number">${sayNumber(lastDayCount)}</td><td data-label="Last seen">${lastSeenAtMs === null ? html`<span class="quiet">not within a day</span>` : sayAgo(lastSeenAtMs, view.nowMs)}</td></tr>`;
}

export function drawCodePage(
  view: View,
  { overview, span, points, fields }: CodeDetail,
  newest: readonly StoredEnvelope[],
): string {
  const { code, status, words, fault, spike } = overview;
  const total = points.reduce((sum, { count }) => sum + count, 0);
  const isKnown = points.some(({ expected }) => expected !== null);
  const body = html`<article class="answer">
<p class="eyebrow">Code</p>
<h1 class="code">${showCode(code)}</h1>
<p class="byline">${markFault(fault)}<span>${status === null ? 'HTTP status unknown' : `HTTP ${status}`}</span>${!words.isCatalogued && html`<span>not in the catalogue</span>`}</p>
<p class="lead">${words.meaning}</p>
</article>
${spike !== null && drawSpikeCard(view, spike)}
<nav class="places spans" aria-label="Span of the chart">${SPANS.map(([name, ms]) => html`<a href="${withQuery(view.link('codes', code), { from: view.nowMs - ms, to: view.nowMs })}" aria-current="${Math.abs(span.toMs - span.fromMs - ms) < 60_000 ? 'true' : 'false'}">${name}</a>`)}</nav>
${drawChart({
  label: `${code} from ${sayMoment(span.fromMs, view.nowMs)} to ${sayMoment(span.toMs, view.nowMs)}: ${sayCount(total, 'error')}. ${isKnown ? 'The band is what was normal at this time of day.' : 'What is normal shows as a band once a day of errors is known.'}`,
  ...seriesOf(points, span.stepSeconds, view.nowMs),
  spikes: spike === null ? [] : [[spike.startsAtMs / 1000, view.nowMs / 1000]],
  unit: unitOf(span.stepSeconds),
  numbersUrl: withQuery(view.link('v1', 'codes', code), { from: span.fromMs, to: span.toMs, step: span.stepSeconds }),
})}
<section><h2>What the catalogue says</h2>
<dl class="answers">
<div><dt>What to say</dt><dd>${words.supportWords}</dd></div>
<div><dt>What should the caller do?</dt><dd>${words.callerAdvice}</dd></div>
<div><dt>Does trying again help?</dt><dd>${words.isRetryable === null ? 'Not known for this code.' : words.isRetryable ? 'Yes, after a while, and then twice as long each time.' : 'No. The same request will fail again until something changes.'}</dd></div>
<div><dt>How often?</dt><dd>${sayCount(overview.lastHourCount, 'error')} in the last hour${overview.usualHourCount !== null && `, where ${sayNumber(overview.usualHourCount)} are normal`}; ${sayNumber(overview.lastDayCount)} in 24 hours.</dd></div>
</dl></section>
${fields.length > 0 && html`<section><h2>Fields that failed most in the last hour</h2>${drawFieldTable(view, fields)}</section>`}
<section><h2>Newest errors</h2>
${newest.length === 0 ? html`<p>None is stored. One shows here as soon as an envelope with this code comes in.</p>` : html`${drawEnvelopeTable(view, newest, { hasCode: false })}<p><a href="${withQuery(view.link('envelopes'), { code })}">All of them</a></p>`}
</section>`;
  return drawPage(view, { title: code, place: 'codes', body, hasChart: true });
}
