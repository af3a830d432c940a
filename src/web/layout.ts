/** The frame around every page: one heading, one search box, the places one can go to. */
import { type Html, html, render, type Value } from './html.ts';
import type { View } from './view.ts';

export interface Page {
  readonly title: string;
  /** Which place of the navigation this is. */
  readonly place?: 'home' | 'spikes' | 'codes' | 'envelopes' | 'dead-letters';
  readonly body: Value;
  readonly hasChart?: boolean;
}

export function drawPage(view: View, { title, place, body, hasChart = false }: Page): string {
  const { link } = view;
  const item = (name: NonNullable<Page['place']>, text: string): Html =>
    html`<a href="${link(...(name === 'home' ? [] : [name]))}" aria-current="${place === name ? 'page' : 'false'}">${text}</a>`;
  return render(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title} · surgewatch</title>
<link rel="icon" href="${link('assets', 'icon.svg')}" type="image/svg+xml">
${hasChart && html`<link rel="stylesheet" href="${link('assets', 'uplot', 'uPlot.min.css')}">`}
<link rel="stylesheet" href="${link('assets', 'style.css')}">
<script src="${link('assets', 'copy.js')}" defer></script>
${hasChart && html`<script src="${link('assets', 'uplot', 'uPlot.iife.min.js')}" defer></script><script src="${link('assets', 'chart.js')}" defer></script>`}
</head>
<body>
<a class="skip" href="#content">Skip to the answer</a>
<header class="top">
<div class="wide top-row">
<a class="name" href="${link()}">surgewatch</a>
<nav class="places" aria-label="Pages">${item('home', 'Look up')}${item('spikes', 'Spikes')}${item('codes', 'Codes')}${item('envelopes', 'Envelopes')}${item('dead-letters', 'Dead letters')}</nav>
${place !== 'home' && html`<form class="small-search" action="${link()}" role="search"><input name="q" type="search" aria-label="Look up a requestId" placeholder="Look up a requestId" maxlength="4000" autocomplete="off" spellcheck="false"></form>`}
</div>
</header>
<main id="content" class="wide">
${body}
</main>
<footer class="wide bottom">Times are UTC. Envelopes are kept for ${view.retentionDays} days. <a href="${link('docs')}">API</a></footer>
</body>
</html>
`);
}
