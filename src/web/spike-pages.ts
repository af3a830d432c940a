/** /spikes and /spikes/{id}: what surged, by how much, since when, and what its errors have in common. */
import type { SpikePage, SpikeRecord } from '../alert/spike.ts';
import type { CodeDetail } from '../http/code-lookup.ts';
import { drawChart, seriesOf, unitOf } from './chart.ts';
import { type Html, html, type Value } from './html.ts';
import { drawPage } from './layout.ts';
import { linkCode, linkRequest, markFault, markState, sayKind, showCode } from './marks.ts';
import { sayMoment, sayMomentAndAgo, sayNumber, saySpan } from './say.ts';
import { drawActiveSpikes, linkSpikeCode, nameOf, sayEscalation, saySince, saySpike } from './spike-card.ts';
import { drawEvidence } from './spike-evidence.ts';
import { type View, withQuery } from './view.ts';
import { drawWatchNotes, type Watch } from './watch-notes.ts';

const DAY_MS = 86_400_000;

export interface Spikes {
  readonly active: readonly SpikeRecord[];
  readonly past: SpikePage;
  readonly watch: Watch;
}

export function drawSpikesPage(view: View, { active, past, watch }: Spikes): string {
  const openCount = active.filter(({ coveredBy }) => coveredBy === null).length;
  const over = past.items.filter(({ state }) => state === 'resolved');
  const body = html`<h1>${openCount === 0 ? 'Nothing is spiking' : openCount === 1 ? 'One spike is open' : `${openCount} spikes are open`}</h1>
${drawWatchNotes(view, watch)}
${drawActiveSpikes(view, active)}
<section><h2>Over</h2>
${over.length === 0 ? html`<p>No spike has ended yet. One is listed here once its errors are back to normal for a while.</p>` : drawPast(view, over)}
${past.nextCursor !== null && html`<p><a href="${withQuery(view.link('spikes'), { cursor: past.nextCursor })}">Older spikes</a></p>`}
</section>`;
  return drawPage(view, { title: 'Spikes', place: 'spikes', body });
}

function drawPast(view: View, spikes: readonly SpikeRecord[]): Html {
  return html`<table class="rows"><thead><tr><th scope="col">Code</th><th scope="col">What</th><th scope="col">Began</th><th scope="col">Lasted</th><th scope="col" class="number">Errors</th><th scope="col" class="number">Normal</th></tr></thead><tbody>${spikes.map(
    (spike) =>
      html`<tr><th scope="row"><a class="code" href="${view.link('spikes', spike.id)}">${showCode(nameOf(spike))}</a></th><td data-label="What">${sayKind(spike.kind)}</td><td data-label="Began">${sayMoment(spike.startsAtMs, view.nowMs)}</td><td data-label="Lasted">${spike.closedAtMs === null ? '–' : saySpan(spike.closedAtMs - spike.startsAtMs)}</td><td data-label="Errors" class="number">${sayNumber(spike.observed)}</td><td data-label="Normal" class="number">${sayNumber(spike.expected)}</td></tr>`,
  )}</tbody></table>`;
}

/** What is shown around a spike: as long before it as lets its baseline be seen. */
export function spanAround({ startsAtMs, closedAtMs }: SpikeRecord, nowMs: number): { fromMs: number; toMs: number } {
  const endMs = closedAtMs ?? nowMs;
  const aroundMs = Math.min(Math.max(2 * 3_600_000, endMs - startsAtMs), DAY_MS);
  return { fromMs: startsAtMs - aroundMs, toMs: Math.min(nowMs, endMs + aroundMs / 4) };
}

export function drawSpikePage(view: View, spike: SpikeRecord, detail: CodeDetail | null): string {
  const fault = spike.labels['fault'] === 'client' ? 'client' : 'server';
  const endMs = spike.closedAtMs ?? view.nowMs;
  const body = html`<article class="answer">
<p class="eyebrow">Spike ${spike.id}</p>
<h1>${headline(spike)}</h1>
<p class="byline">${markState(spike.state)}${markFault(fault)}<span>${linkSpikeCode(view, spike)}</span><span>${sayStatus(spike.status)}</span></p>
<p class="lead">${saySpike(spike)} ${saySince(view, spike)}</p>
${spike.isLate && html`<p class="note">It could be told only late: it was under way, or over, before an alert could go out.</p>`}
${spike.escalation !== null && html`<p class="note">${sayEscalation(view, spike.escalation)}</p>`}
${spike.coveredBy !== null && html`<p class="note">It rose with the other codes and has no alert of its own: <a href="${view.link('spikes', spike.coveredBy)}">all codes together</a>.</p>`}
${spike.breadth !== null && html`<p>Those that rose most: ${spike.breadth.codes.map((code, place) => [place > 0 && ', ', linkCode(view, code)])}.</p>`}
${drawEvidence(view, spike)}
</article>
${
  detail !== null &&
  drawChart({
    label: `${nameOf(spike)}: observed as a line, what is normal as a band, the spike shaded.`,
    ...seriesOf(detail.points, detail.span.stepSeconds, view.nowMs),
    spikes: [[spike.startsAtMs / 1000, endMs / 1000]],
    unit: unitOf(detail.span.stepSeconds),
    numbersUrl: withQuery(view.link('v1', 'codes', spike.code), {
      from: detail.span.fromMs,
      to: detail.span.toMs,
      field: spike.pair?.field,
      fieldCode: spike.pair?.code,
    }),
  })
}
<section><h2>Requests to look at</h2>
${spike.evidence.requestIds.length === 0 ? html`<p>No request was noted when it opened.</p>` : html`<ul class="plain">${spike.evidence.requestIds.map((id) => html`<li>${linkRequest(view, id)}</li>`)}</ul>`}
${!spike.code.startsWith('_') && html`<p><a href="${withQuery(view.link('envelopes'), { code: spike.code, from: spike.startsAtMs, to: spike.closedAtMs })}">All of its errors</a></p>`}
</section>
<section><h2>The facts</h2>${drawFacts(view, spike)}</section>`;
  return drawPage(view, { title: `Spike of ${nameOf(spike)}`, place: 'spikes', body, hasChart: detail !== null });
}

function headline(spike: SpikeRecord): Value {
  const name = showCode(nameOf(spike));
  if (spike.kind === 'surge') return html`${name} ${spike.state === 'resolved' ? 'surged' : 'is surging'}`;
  return html`${name}: ${sayKind(spike.kind).toLowerCase()}`;
}

function sayStatus(status: string): string {
  if (status === '_all') return 'every HTTP status';
  return /^\d+$/.test(status) ? `HTTP ${status}` : 'HTTP status unknown';
}

function drawFacts(view: View, spike: SpikeRecord): Html {
  const { winner } = spike.evidence;
  const moment = (ms: number | null, none: string): Value => (ms === null ? none : sayMomentAndAgo(ms, view.nowMs));
  const rows: readonly (readonly [string, Value])[] = [
    ['Began (estimated)', moment(spike.startsAtMs, '–')],
    ['Detected', moment(spike.detectedAtMs, '–')],
    ['Alert accepted', moment(spike.firstAcceptedAtMs, 'by no Alertmanager')],
    ['Over', moment(spike.closedAtMs, 'not yet')],
    ['Why it was over', spike.closeReason],
    ['Observed', `${sayNumber(spike.observed)} in ${saySpan(spike.windowSeconds * 1000)}`],
    ['Normal', `${sayNumber(spike.expected)} in ${saySpan(spike.windowSeconds * 1000)}`],
    ['Window that stood out most', winner !== null && saySpan(winner.windowSeconds * 1000)],
    ['Last one before', spike.lastSeenAtMs === null ? null : sayMomentAndAgo(spike.lastSeenAtMs, view.nowMs)],
    ['Score', sayNumber(spike.score)],
    ['Severity', spike.escalation === null ? spike.labels['severity'] : 'warning, then critical'],
    ['Team', spike.labels['team']],
  ];
  return html`<table class="facts"><tbody>${rows.map(([name, value]) => value !== undefined && value !== null && value !== false && html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`)}</tbody></table>`;
}
