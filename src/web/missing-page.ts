/** The honest "not found": why there is nothing under an id, as far as we can know, and what to do now. */
import type { RequestFinding } from '../http/request-lookup.ts';
import { type Html, html, type Value } from './html.ts';
import { drawPage } from './layout.ts';
import { copyButton } from './marks.ts';
import { drawOtherCases } from './request-page.ts';
import { sayMoment, saySpan } from './say.ts';
import type { View } from './view.ts';

export type Missing = Extract<RequestFinding, { kind: 'missing' }>;

export function drawMissingPage(view: View, missing: Missing): string {
  const { requestId, otherCases } = missing;
  const [heading, why, steps] = say(view, missing);
  const body = html`<article class="answer">
<p class="eyebrow"><span class="code">${requestId}</span> ${copyButton(requestId, 'the requestId')}</p>
<h1>${heading}</h1>
<p class="lead">${why}</p>
${drawOtherCases(view, otherCases)}
<section><h2>What to do</h2><ul class="steps">${steps.map((step) => html`<li>${step}</li>`)}</ul></section>
</article>`;
  return drawPage(view, { title: `${requestId} not found`, body });
}

const COMPARE: Html = html`Compare the id letter by letter with what the customer sees. Capital and small letters differ.`;
const ASK: Html = html`Ask for the whole error, or the log line it stands in, and paste that into the search: an id is found inside any text.`;
const SUCCEEDED: Html = html`Ask what they saw. A request that succeeded, or never reached the API, leaves no error here.`;

function say(view: View, missing: Missing): readonly [string, Value, readonly Html[]] {
  const days = view.retentionDays;
  switch (missing.reason) {
    case 'ingest_behind':
      return [
        'Not here yet, but it may still come.',
        html`We are ${saySpan((missing.behindSeconds ?? 0) * 1000)} behind the errors that come in. One that happened since then is not stored yet.`,
        [html`<a href="${view.link('requests', missing.requestId)}">Look again</a> in a few minutes.`, COMPARE],
      ];
    case 'rejected':
      return [
        'An error with this id came in, but it could not be read.',
        html`It arrived ${missing.rejection !== null && sayMoment(missing.rejection.receivedAtMs, view.nowMs)} and was refused as <span class="code">${missing.rejection?.reason}</span>, so nothing of its content was kept. The request did fail.`,
        [
          html`Tell the engineers this id and the reason: the API sends errors that are not well-formed.`,
          html`Ask the customer for the code and message in the answer they got.`,
        ],
      ];
    case 'expired':
      return [
        'This error is older than what is kept.',
        html`Envelopes are kept for ${days} days. One with this id came in after that time had passed.`,
        [html`Ask for a more recent occurrence: the same failure today has an id of its own.`],
      ];
    case 'erased':
      return [
        'What was kept under this id was erased.',
        'Somebody asked for the erasure. It stays erased, also when the same error is delivered again.',
        [html`Ask for a more recent occurrence: the same failure today has an id of its own.`],
      ];
    case 'never_seen':
      return [
        'No error with this id came in.',
        html`Not in the last ${days} days. Nothing waits to be stored either, so it will not turn up by itself.`,
        [COMPARE, ASK, SUCCEEDED, html`If it happened more than ${days} days ago, it is no longer kept.`],
      ];
  }
}
