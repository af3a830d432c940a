/** What a spike's evidence answers, question by question, in the first screen of its page. */
import { clientsSentence, oddsText, othersSentence, rateSentence, winnerSentence } from '../alert/evidence-words.ts';
import type { DominantDetail, SpikeEvidence, SpikeRecord } from '../alert/spike.ts';
import { type Html, html, type Value } from './html.ts';
import { sayNumber } from './say.ts';
import { type View, withQuery } from './view.ts';
import { showText } from './visible-text.ts';

export function drawEvidence(view: View, spike: SpikeRecord): Html | null {
  // The other kinds have no baseline that anything could have moved against.
  if (spike.kind !== 'surge') return null;
  const { evidence } = spike;
  const answers: readonly (readonly [string, Value])[] = [
    ['What changed?', sayChange(evidence)],
    ['Is it just one client?', sayClients(view, spike)],
    [
      'Is it this code alone?',
      evidence.otherCodes === null ? 'No other code is known to compare with.' : othersSentence(evidence.otherCodes),
    ],
    ['Which share of requests?', sayRate(evidence)],
    ['Could it be chance?', sayOdds(evidence, spike.windowSeconds)],
  ];
  return html`<dl class="answers">${answers.map(([question, answer]) => answer !== null && html`<div><dt>${question}</dt><dd>${answer}</dd></div>`)}</dl>`;
}

function sayChange({ dominantDetail, missing }: SpikeEvidence): Value {
  if (missing.includes('detail')) return 'It could not be read in time.';
  if (dominantDetail === null) return 'No single detail explains it: its errors differ as they always do.';
  const before = dominantDetail.beforeRatio === 0 ? 'none' : sayPercent(dominantDetail.beforeRatio);
  return html`${showDetail(dominantDetail)}: ${sayPercent(dominantDetail.shareRatio)} of the errors since the onset, ${before} before.`;
}

function sayClients(view: View, { code, startsAtMs, closedAtMs, evidence: { clients, missing } }: SpikeRecord): Value {
  if (missing.includes('clients')) return 'It could not be read in time.';
  if (clients === null) return 'Not known: its errors do not state their client.';
  if (clients.only === null) return `${clients.count === 1 ? '' : 'No. '}${clientsSentence(clients)}`;
  const errors = withQuery(view.link('envelopes'), { code, client: clients.only, from: startsAtMs, to: closedAtMs });
  const before = clients.hourBeforeCount === 0 ? 'none' : sayNumber(clients.hourBeforeCount);
  return html`Yes: <a href="${errors}">${showText(clients.only, 100)}</a>; ${before} in the hour before.`;
}

/** Nothing where nobody told the traffic. */
function sayRate({ traffic }: SpikeEvidence): Value {
  if (traffic === null) return null;
  const { requestsPerSecond, usualPerSecond } = traffic;
  const usual = usualPerSecond === null ? '' : `, usually ${sayNumber(usualPerSecond)} at this time of day`;
  return `${rateSentence(traffic)} There were ${sayNumber(requestsPerSecond)} requests a second${usual}.`;
}

function sayOdds({ falseAlarmsPerYear, winner }: SpikeEvidence, windowSeconds: number): Value {
  if (falseAlarmsPerYear === null) return 'Not known.';
  const window = winner === null || winner.windowSeconds === windowSeconds ? '' : ` ${winnerSentence(winner)}`;
  return `By chance a surprise of this size comes ${oddsText(falseAlarmsPerYear)} in this installation.${window}`;
}

/** 'release = 2.3.1' */
export function showDetail({ key, value }: DominantDetail): Html {
  return html`<span class="code">${showText(key, 100)} = ${showText(value, 200)}</span>`;
}

export function sayPercent(ratio: number): string {
  return `${sayNumber(ratio > 0 && ratio < 0.01 ? ratio * 100 : Math.round(ratio * 100))} %`;
}
