/** A spike in one sentence, as a card that leads to its page. */
import type { Escalation, SpikeRecord } from '../alert/spike.ts';
import { type Html, html, type Value } from './html.ts';
import { linkCode, markState, sayKind, showCode } from './marks.ts';
import { sayCount, sayFactor, sayMoment, sayNumber, saySpan } from './say.ts';
import { type View, withQuery } from './view.ts';

/** More cards than this help nobody: a sender of random codes opens thousands of spikes. */
const MOST_CARDS = 30;

/** What is going on, the newest first; surges that are told as one with all codes are on that one's page. */
export function drawActiveSpikes(view: View, active: readonly SpikeRecord[]): Html {
  const told = active.filter(({ coveredBy }) => coveredBy === null);
  const shown = [...told.filter(({ kind }) => kind !== 'new_code'), ...told.filter(({ kind }) => kind === 'new_code')];
  const restCount = shown.length - MOST_CARDS;
  return html`${shown.slice(0, MOST_CARDS).map((spike) => drawSpikeCard(view, spike))}
${restCount > 0 && html`<p>And ${sayCount(restCount, 'more spike')}, all of them <a href="${withQuery(view.link('v1', 'spikes'), { state: 'firing' })}">as data</a>.</p>`}`;
}

export function drawSpikeCard(view: View, spike: SpikeRecord): Html {
  return html`<article class="${spike.state === 'resolved' ? 'card' : 'card card-firing'}">
<p class="byline">${markState(spike.state)}<span>${sayKind(spike.kind)}</span></p>
<h3><a href="${view.link('spikes', spike.id)}">${showCode(nameOf(spike))}</a></h3>
<p>${saySpike(spike)} ${saySince(view, spike)}</p>
${spike.escalation !== null && html`<p>${sayEscalation(view, spike.escalation)}</p>`}
</article>`;
}

/** The code and the field that surges inside it, or words for what is no single code. */
export function nameOf({ code, pair }: SpikeRecord): string {
  if (pair !== null) return `${code} on ${pair.field} (${pair.code})`;
  if (code === '_all') return 'All codes together';
  if (code === '_other') return 'Codes that are counted together';
  return code;
}

export function linkSpikeCode(view: View, spike: SpikeRecord): Value {
  return spike.code.startsWith('_') ? nameOf(spike) : linkCode(view, spike.code);
}

/** '412 errors in 5 minutes, where 12 are normal: 34 times as many.' */
export function saySpike(spike: SpikeRecord): string {
  const { kind, observed, expected, windowSeconds } = spike;
  const seen = `${sayCount(observed, 'error')} in ${saySpan(windowSeconds * 1000)}`;
  switch (kind) {
    case 'new_code':
      return `${seen}; this code had never come before.`;
    case 'returning_code':
      return `${seen}; ${spike.lastSeenAtMs === null ? 'none had come for a week or more' : `the first after ${saySpan(spike.startsAtMs - spike.lastSeenAtMs)}`}.`;
    case 'silent_code':
      return `${seen}, where at least ${sayNumber(expected)} always come, while other codes flow.`;
    case 'all_codes':
      return `${sayBreadth(spike)}${sayAgainstNormal(seen, observed, expected)}`;
    case 'surge':
      return sayAgainstNormal(seen, observed, expected);
    default:
      return kind satisfies never;
  }
}

/** '8 of 10 codes rose together: ' */
function sayBreadth({ breadth }: SpikeRecord): string {
  return breadth === null ? '' : `${sayNumber(breadth.risenCount)} of ${sayCount(breadth.fairCount, 'code')} rose together: `;
}

function sayAgainstNormal(seen: string, observed: number, expected: number): string {
  const factor = sayFactor(observed, expected);
  const normal = `where ${sayNumber(expected)} ${Math.round(expected * 10) === 10 ? 'is' : 'are'} normal`;
  return factor === null ? `${seen}, ${normal}.` : `${seen}, ${normal}: ${factor}.`;
}

/** 'It got worse than it was told, and is critical since today 14:13:00 UTC: 6200 errors in 5 minutes, 155 times as many.' */
export function sayEscalation(view: View, { atMs, observed, expected, windowSeconds }: Escalation): string {
  const seen = `${sayCount(observed, 'error')} in ${saySpan(windowSeconds * 1000)}`;
  const factor = sayFactor(observed, expected);
  return `It got worse than it was told, and is critical since ${sayMoment(atMs, view.nowMs)}: ${seen}${factor === null ? '' : `, ${factor}`}.`;
}

export function saySince(view: View, { startsAtMs, closedAtMs }: SpikeRecord): string {
  if (closedAtMs === null) return `Since ${sayMoment(startsAtMs, view.nowMs)}, for ${saySpan(view.nowMs - startsAtMs)} now.`;
  return `From ${sayMoment(startsAtMs, view.nowMs)}, for ${saySpan(closedAtMs - startsAtMs)}.`;
}
