/** The fields that fail inside VALIDATION_ERROR, the most frequent first: how often now, and how often is normal. */
import type { FieldOverview } from '../http/code-lookup.ts';
import { type Html, html } from './html.ts';
import { markState } from './marks.ts';
import { sayNumber } from './say.ts';
import type { View } from './view.ts';
import { showText } from './visible-text.ts';

const MOST_CHARACTERS = 64;
const OTHER = '_other';

export function drawFieldTable(view: View, fields: readonly FieldOverview[]): Html {
  return html`<table class="rows"><thead><tr><th scope="col">Field</th><th scope="col">Why it failed</th><th scope="col" class="number">Last hour</th><th scope="col" class="number">Normal</th></tr></thead>
<tbody>${fields.map(
    ({ field, code, lastHourCount, usualHourCount, spike }) =>
      html`<tr><th scope="row">${code === OTHER ? 'All other fields together' : html`<span class="code">${showText(field, MOST_CHARACTERS)}</span>`}${spike !== null && html`<br><a href="${view.link('spikes', spike.id)}">${markState(spike.state)}</a>`}</th><td data-label="Why it failed">${code === OTHER ? '–' : html`<span class="code">${showText(code, MOST_CHARACTERS)}</span>`}</td><td data-label="Last hour" class="number">${sayNumber(lastHourCount)}</td><td data-label="Normal" class="number">${usualHourCount === null ? '–' : sayNumber(usualHourCount)}</td></tr>`,
  )}</tbody></table>`;
}
