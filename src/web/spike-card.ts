/** A spike in one sentence, as a card that leads to its page. */
import type { SpikeRecord } from '../alert/spike.ts';
import { type Html, html, type Value } from './html.ts';
import { linkCode, markState, sayKind, showCode } from './marks.ts';
import { sayCount, sayFactor, sayMoment, sayNumber, saySpan } from './say.ts';
import type { View } from './view.ts';

export function drawSpikeCard(view: View, spike: SpikeRecord): Html {
  return html`<article class="${spike.state === 'resolved' ? 'card' : 'card card-firing'}">
<p class="byline">${markState(spike.state)}<span>${sayKind(spike.kind)}</span></p>
<h3><a href="${view.link('spikes', spike.id)}">${showCode(nameOf(spike))}</a></h3>
<p>${saySpike(spike)} ${saySince(view, spike)}</p>
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
export function saySpike({ kind, observed, expected, windowSeconds }: SpikeRecord): string {
  const window = saySpan(windowSeconds * 1000);
  const seen = `${sayCount(observed, 'error')} in ${window}`;
  if (kind === 'new_code') return `${seen}; this code had never come before.`;
  const factor = sayFactor(observed, expected);
  const normal = `where ${sayNumber(expected)} ${Math.round(expected * 10) === 10 ? 'is' : 'are'} normal`;
  return factor === null ? `${seen}, ${normal}.` : `${seen}, ${normal}: ${factor}.`;
}

export function saySince(view: View, { startsAtMs, closedAtMs }: SpikeRecord): string {
  if (closedAtMs === null) return `Since ${sayMoment(startsAtMs, view.nowMs)}, for ${saySpan(view.nowMs - startsAtMs)} now.`;
  return `From ${sayMoment(startsAtMs, view.nowMs)}, for ${saySpan(closedAtMs - startsAtMs)}.`;
}
