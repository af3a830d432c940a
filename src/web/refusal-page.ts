/** A refusal as a page, for whoever came with a browser. */
import { html } from './html.ts';
import { drawPage } from './layout.ts';
import type { View } from './view.ts';

const HEADINGS: Readonly<Record<number, string>> = {
  400: 'This address cannot be read.',
  404: 'There is no such page.',
  503: 'The database cannot be reached right now.',
};

export interface RefusalWords {
  readonly statusCode: number;
  readonly message: string;
}

export function drawRefusalPage(view: View, { statusCode, message }: RefusalWords, requestId: string): string {
  const isOurs = statusCode >= 500;
  const body = html`<article class="answer"><p class="eyebrow">HTTP ${statusCode}</p>
<h1>${HEADINGS[statusCode] ?? (isOurs ? 'Something failed on our side.' : 'That did not work.')}</h1>
<p class="lead">${statusCode === 503 ? 'Nothing is lost: senders keep what they could not hand over. Try again in a few seconds.' : message}</p>
<p><a href="${view.link()}">Look up a requestId</a></p>
${isOurs && html`<p class="quiet">Quote <span class="code">${requestId}</span> when you report this.</p>`}</article>`;
  return drawPage(view, { title: `HTTP ${statusCode}`, body });
}
