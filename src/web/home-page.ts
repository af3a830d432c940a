/** `/`: one box that takes whatever the customer sent, and below it the state now. */
import type { SpikeRecord } from '../alert/spike.ts';
import type { CodeOverview } from '../http/code-lookup.ts';
import { type Html, html } from './html.ts';
import { drawPage } from './layout.ts';
import { copyButton, linkCode, linkRequest, markFault, markState } from './marks.ts';
import { sayCount, sayNumber } from './say.ts';
import { drawActiveSpikes } from './spike-card.ts';
import type { View } from './view.ts';
import { drawWatchNotes, type Watch } from './watch-notes.ts';

const BAR_WIDTH = 120;
const BAR_HEIGHT = 14;

export interface Home {
  /** What was searched for; null: nothing. */
  readonly asked: string | null;
  readonly candidates: readonly string[];
  readonly isEmpty: boolean;
  readonly spikes: readonly SpikeRecord[];
  readonly codes: readonly CodeOverview[];
  readonly watch: Watch;
}

export function drawHomePage(view: View, home: Home): string {
  const body = html`<section class="search">
<h1>Which request failed?</h1>
<form action="${view.link()}" role="search">
<label for="q">Paste the requestId, the whole error, or any text it stands in.</label>
<div class="search-row">${drawBox(home.asked)}<button type="submit">Look up</button></div>
</form>
${home.asked !== null && drawCandidates(view, home.candidates)}
</section>
${home.isEmpty ? drawFirstSteps(view) : drawNow(view, home)}`;
  return drawPage(view, { title: 'Look up', place: 'home', body });
}

/** Ready to paste into on a fresh page; behind an answer the answer has the focus. */
function drawBox(asked: string | null): Html {
  if (asked !== null) {
    return html`<input id="q" name="q" type="search" value="${asked}" maxlength="4000" autocomplete="off" autocapitalize="off" spellcheck="false">`;
  }
  return html`<input id="q" name="q" type="search" maxlength="4000" autocomplete="off" autocapitalize="off" spellcheck="false" placeholder="req_7a8b9c0d1e2f" autofocus>`;
}

function drawCandidates(view: View, candidates: readonly string[]): Html {
  if (candidates.length === 0) {
    return html`<p class="note" role="status">There is no requestId in this text. One looks like <span class="code">req_7a8b9c0d1e2f</span>; ask the customer for the whole error they got.</p>`;
  }
  return html`<div class="note" role="status"><p>This text holds ${sayCount(candidates.length, 'possible requestId')}. Which one is meant?</p>
<ul class="plain">${candidates.map((id) => html`<li>${linkRequest(view, id)}</li>`)}</ul></div>`;
}

function drawNow(view: View, { spikes, codes, watch }: Home): Html {
  const busy = codes.filter(({ lastHourCount, usualHourCount }) => lastHourCount > 0 || (usualHourCount ?? 0) > 0);
  return html`<section><h2>Now</h2>
${drawWatchNotes(view, watch)}
${spikes.length === 0 ? html`<p class="calm">Nothing is spiking.</p>` : drawActiveSpikes(view, spikes)}
</section>
<section><h2>The last hour, against normal</h2>
${busy.length === 0 ? html`<p>No error came in the last hour. <a href="${view.link('envelopes')}">The newest ones</a> are older.</p>` : drawHour(view, busy)}
</section>`;
}

function drawHour(view: View, codes: readonly CodeOverview[]): Html {
  const most = Math.max(1, ...codes.flatMap(({ lastHourCount, usualHourCount }) => [lastHourCount, usualHourCount ?? 0]));
  const isKnown = codes.some(({ usualHourCount }) => usualHourCount !== null);
  return html`<table class="rows"><thead><tr><th scope="col">Code</th><th scope="col">Whose fault</th><th scope="col" class="number">Errors</th><th scope="col" class="number">Normal</th><th scope="col"><span class="visually-hidden">Compared</span></th></tr></thead>
<tbody>${codes.map((code) => html`<tr><th scope="row">${linkCode(view, code.code)}${code.spike !== null && html` ${markState(code.spike.state)}`}</th><td data-label="Whose fault">${markFault(code.fault)}</td><td data-label="Errors" class="number">${sayNumber(code.lastHourCount)}</td><td data-label="Normal" class="number">${code.usualHourCount === null ? html`<span class="quiet">–</span>` : sayNumber(code.usualHourCount)}</td><td class="bar-cell">${drawBar(code, most)}</td></tr>`)}</tbody></table>
<p class="quiet">${isKnown ? 'Normal is the middle of the same hour on the days before. The line in each bar stands where normal is.' : 'What is normal shows here once a day of errors is known.'}</p>`;
}

/** The hour as a bar, normal as a line across it. */
function drawBar({ lastHourCount, usualHourCount, spike }: CodeOverview, most: number): Html {
  const scale = (count: number) => Math.round((count / most) * (BAR_WIDTH - 2) * 10) / 10;
  const usual = usualHourCount === null ? null : scale(usualHourCount) + 1;
  return html`<svg class="bar" width="${BAR_WIDTH}" height="${BAR_HEIGHT}" viewBox="0 0 ${BAR_WIDTH} ${BAR_HEIGHT}" aria-hidden="true"><rect class="${spike === null ? 'bar-count' : 'bar-count bar-firing'}" x="0" y="3" width="${Math.max(1, scale(lastHourCount))}" height="8" rx="1"></rect>${usual !== null && html`<line class="bar-usual" x1="${usual}" x2="${usual}" y1="0" y2="${BAR_HEIGHT}"></line>`}</svg>`;
}

function drawFirstSteps(view: View): Html {
  const envelope = `{"status":"error","error":{"code":"TRUNK_NOT_FOUND","message":"SIP trunk not found","details":{"trunkId":"TRK_invalid123"}},"timestamp":"'$(date -u +%FT%TZ)'","requestId":"req_first_try"}`;
  const command = `curl -X POST ${view.siteUrl}/v1/envelopes \\\n  -H 'Content-Type: application/json' \\\n  -d '${envelope}'`;
  return html`<section class="first"><h2>No error has come in yet</h2>
<p>Errors show here as soon as the first one is stored. Send one now:</p>
<div class="command"><pre><code>${command}</code></pre>${copyButton(command, 'the command')}</div>
<p>Then look up <a class="code" href="${view.link('requests', 'req_first_try')}">req_first_try</a>.</p>
<h2>After that</h2>
<ul class="steps">
<li>Have the API post each error envelope to <span class="code">${view.siteUrl}/v1/envelopes</span>, one, an array, or NDJSON. <a href="${view.link('docs')}">How it answers</a>.</li>
<li>Or set <span class="code">KAFKA_BROKERS</span> and let it read the topic <span class="code">api.errors.v1</span>.</li>
<li>To see it at work first, run <span class="code">npm run demo</span>: simulated traffic in which codes surge.</li>
</ul></section>`;
}
