/**
 * /requests/{id}: the answer for the person on the phone. What happened, whose fault it is, what to say, what to do and
 * whether it is just them stand first, in words; the facts follow.
 */
import type { SpikeRecord } from '../alert/spike.ts';
import type { FaultSide } from '../catalogue/catalogue.ts';
import type { WordsAnswer } from '../http/envelope-answer.ts';
import type { StoredEnvelope } from '../http/ports.ts';
import type { CodeFindings, RequestFinding } from '../http/request-lookup.ts';
import { detailsTable } from './details-table.ts';
import { type Html, html, type Value } from './html.ts';
import { drawPage } from './layout.ts';
import { copyButton, linkCode, linkRequest, markFault, markState } from './marks.ts';
import { sayCount, sayFactor, sayMoment, sayMomentAndAgo, sayNumber } from './say.ts';
import { sayPercent, showDetail } from './spike-evidence.ts';
import type { View } from './view.ts';
import { showText } from './visible-text.ts';

export type Found = Extract<RequestFinding, { kind: 'found' }>;

export interface RequestPageDeps {
  readonly wordsFor: (code: string, status: number | null) => WordsAnswer;
  readonly faultOf: (code: string, status: number | null) => FaultSide;
}

export function drawRequestPage(view: View, deps: RequestPageDeps, found: Found): string {
  // The newest is what the customer has in front of them; what came before under the same id follows below.
  const [newest, ...siblings] = [...found.envelopes].reverse();
  if (newest === undefined) throw new Error('a request that was found has an envelope');
  const details = detailsTable(newest.details);
  const body = html`${drawAnswer(view, deps, newest, found)}
${details !== null && html`<section class="details">${details}</section>`}
<section><h2>The facts</h2>${drawFacts(view, newest)}</section>
${siblings.length > 0 && html`<section><h2>Also under this requestId</h2><p>${sayCount(siblings.length, 'other error')} of the same request, newest first.</p>${siblings.map((sibling) => drawSibling(view, deps, sibling))}</section>`}
${drawConflicts(view, found.conflicts)}
${drawOtherCases(view, found.otherCases)}`;
  return drawPage(view, { title: found.requestId, body });
}

function drawAnswer(view: View, deps: RequestPageDeps, envelope: StoredEnvelope, found: Found): Html {
  const { code, status, requestId } = envelope;
  const words = deps.wordsFor(code, status);
  const fault = deps.faultOf(code, status);
  const findings = found.codes.find((each) => each.code === code);
  return html`<article class="answer">
<p class="eyebrow"><span class="code">${requestId}</span> ${copyButton(requestId, 'the requestId')}</p>
<h1>${words.meaning}</h1>
<p class="byline">${markFault(fault)}${findings?.spikeNow && markState(findings.spikeNow.state)}<span>${linkCode(view, code)}</span><span>${status === null ? 'HTTP status unknown' : `HTTP ${status}`}</span><span>${sayMomentAndAgo(envelope.occurredAtMs, view.nowMs)}</span></p>
<section class="say"><h2>What to say</h2><blockquote>${words.supportWords}</blockquote>${copyButton(words.supportWords, 'what to say')}${sayMore(view, findings)}</section>
<dl class="answers">
<div><dt>Whose fault is it?</dt><dd>${sayFault(fault, words, findings)}</dd></div>
<div><dt>Is it just them?</dt><dd>${findings === undefined ? 'Not known.' : sayJustThem(view, findings)}</dd></div>
<div><dt>What should the caller do?</dt><dd>${words.callerAdvice}</dd></div>
<div><dt>Does trying again help?</dt><dd>${sayRetry(words, envelope)}</dd></div>
</dl>
</article>`;
}

/** What a customer should hear besides, when they are one of many. */
function sayMore(view: View, findings: CodeFindings | undefined): Html | null {
  const spike = findings?.spikeNow;
  if (!spike || spike.kind === 'silent_code') return null;
  return html`<p class="also">And, while it is spiking: you are not the only one. Many have met this since ${sayMoment(spike.startsAtMs, view.nowMs)}, and we know of it.</p>`;
}

function sayFault(fault: FaultSide, words: WordsAnswer, findings: CodeFindings | undefined): string {
  if (fault === 'server') {
    return words.isCatalogued ? 'Ours. The customer did nothing wrong.' : 'Most likely ours: nothing on file says otherwise.';
  }
  // One customer's mistake does not make a surge: then a change of ours, or a partner that fails, is the likelier cause.
  if (findings?.spikeNow) {
    return 'By its code the customer’s. But so many at once point to something on our side or at a partner, so do not send them away.';
  }
  if (!words.isCatalogued) return 'Going by its HTTP status, the customer’s request.';
  return 'The customer’s request has to change; the API did what it should.';
}

function sayRetry({ isRetryable }: WordsAnswer, { details }: StoredEnvelope): string {
  const retryAfter = details['retryAfter'];
  if (isRetryable === null) return 'Not known for this code.';
  if (!isRetryable) return 'No. The same request will fail again until something changes.';
  const wait =
    typeof retryAfter === 'number' ? `after ${sayCount(retryAfter, 'second')}, which the API asked for` : 'after a second';
  return `Yes: ${wait}, then twice as long each time.`;
}

function sayJustThem(view: View, { code, spikeNow, spikeThen, commonness }: CodeFindings): Value {
  const { otherRequestCount, otherClientCount, isSampled } = commonness;
  const least = isSampled ? 'at least ' : '';
  const Least = isSampled ? 'At least ' : '';
  const clients =
    otherClientCount !== null && otherClientCount > 0 && html`, from ${least}${sayCount(otherClientCount, 'other customer')}`;
  const others = html`${Least}${sayCount(otherRequestCount, 'other request')} failed with this code in the last 15 minutes${clients}.`;
  if (spikeNow !== null) {
    const factor = sayFactor(spikeNow.observed, spikeNow.expected);
    const much = factor !== null && ` with ${factor} as normal`;
    const subject = spikeNow.code === code ? 'This code is spiking' : 'Errors of all codes are spiking';
    return html`No. <a href="${view.link('spikes', spikeNow.id)}">${subject}</a> since ${sayMoment(spikeNow.startsAtMs, view.nowMs)}${much}. ${others}${sayCause(spikeNow)}`;
  }
  const then = spikeThen !== null && html` It fell into <a href="${view.link('spikes', spikeThen.id)}">a spike that is over</a>.`;
  if (otherRequestCount === 0) return html`It looks so: nobody else met this code in the last 15 minutes.${then}`;
  return html`No, but this is ordinary. ${others} ${sayHour(commonness)}${then}`;
}

function sayCause({ evidence: { dominantDetail } }: SpikeRecord): Value {
  if (dominantDetail === null) return null;
  return html` ${sayPercent(dominantDetail.shareRatio)} of its errors carry ${showDetail(dominantDetail)}.`;
}

function sayHour({ lastHourCount, earlierHourCounts }: CodeFindings['commonness']): string {
  const known = [...earlierHourCounts].sort((a, b) => a - b);
  const usual = known[Math.floor(known.length / 2)];
  const hour = `${sayCount(lastHourCount, 'error')} in the last hour`;
  return usual === undefined
    ? `${hour}.`
    : `${hour}, where about ${sayNumber(usual)} ${usual === 1 ? 'is' : 'are'} normal at this time.`;
}

function drawFacts(view: View, envelope: StoredEnvelope): Html {
  const { nowMs } = view;
  const rows: readonly (readonly [string, Value])[] = [
    ['Message', html`<span class="said">${showText(envelope.message)}</span>`],
    [
      'Occurred',
      html`${sayMomentAndAgo(envelope.occurredAtMs, nowMs)}${envelope.sanitized.includes('clock_ahead') && html` <span class="quiet">(the sender’s clock is ahead)</span>`}`,
    ],
    ['Reached us', sayMomentAndAgo(envelope.receivedAtMs, nowMs)],
    ['Code', linkCode(view, envelope.code)],
    ['HTTP status', envelope.status === null ? 'unknown' : String(envelope.status)],
    ['Service', envelope.service !== null && showText(envelope.service)],
    [
      'Route',
      (envelope.method !== null || envelope.route !== null) &&
        html`<span class="code">${showText(`${envelope.method ?? ''} ${envelope.route ?? ''}`.trim())}</span>`,
    ],
    [
      'Client',
      envelope.client !== null &&
        html`<a href="${`${view.link('envelopes')}?${new URLSearchParams({ client: envelope.client })}`}">${showText(envelope.client)}</a>`,
    ],
    ['Release', envelope.release !== null && showText(envelope.release)],
    ['Trace', envelope.traceparent !== null && html`<span class="code">${envelope.traceparent}</span>`],
    ['Came by', envelope.source],
    ['Changed for storing', envelope.sanitized.length > 0 && envelope.sanitized.join(', ')],
  ];
  return html`<table class="facts"><tbody>${rows.map(([name, value]) => value !== false && html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`)}</tbody></table>`;
}

function drawSibling(view: View, deps: RequestPageDeps, envelope: StoredEnvelope): Html {
  const { code, status } = envelope;
  return html`<article class="sibling"><h3>${deps.wordsFor(code, status).meaning}</h3>
<p class="byline">${markFault(deps.faultOf(code, status))}<span>${linkCode(view, code)}</span><span>${status === null ? 'HTTP status unknown' : `HTTP ${status}`}</span><span>${sayMomentAndAgo(envelope.occurredAtMs, view.nowMs)}</span></p>
<p class="said">${showText(envelope.message)}</p>${detailsTable(envelope.details)}</article>`;
}

/** Which of two was true cannot be told from here; that there were two must be seen. */
function drawConflicts(view: View, conflicts: Found['conflicts']): Html | null {
  const [first] = conflicts;
  if (first === undefined) return null;
  return html`<section class="note"><p>${sayCount(conflicts.length, 'other delivery', 'other deliveries')} under this requestId and code said something else, first ${sayMomentAndAgo(first.receivedAtMs, view.nowMs)} by ${first.source}. What came first is shown; the rest was not kept. A requestId that is used twice, or somebody who invents errors, looks like this.</p></section>`;
}

export function drawOtherCases(view: View, otherCases: readonly string[]): Html | null {
  if (otherCases.length === 0) return null;
  return html`<section class="note"><p>The same id in other letter case is another request, and it is stored too: ${otherCases.map((id) => html`${linkRequest(view, id)} `)}</p></section>`;
}
