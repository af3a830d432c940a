/** Small marks that stand on many pages: whose fault, firing, an id to copy. Each says in words what its colour means. */
import type { FaultSide } from '../catalogue/catalogue.ts';
import { type Html, html, type Value } from './html.ts';
import type { View } from './view.ts';
import { showText } from './visible-text.ts';

const LONGEST_CODE = 128;

export function markFault(fault: FaultSide): Html {
  return fault === 'client'
    ? html`<span class="mark mark-client"><span aria-hidden="true">◇</span> Customer’s side</span>`
    : html`<span class="mark mark-server"><span aria-hidden="true">◆</span> Our side</span>`;
}

export function markState(state: string): Html {
  if (state === 'resolved') return html`<span class="mark"><span aria-hidden="true">○</span> over</span>`;
  return html`<span class="mark mark-firing"><span aria-hidden="true">●</span> ${state === 'pending' ? 'spiking, not yet alerted' : 'spiking now'}</span>`;
}

export function copyButton(text: string, what: string): Html {
  return html`<button class="copy" type="button" data-copy="${text}" aria-label="Copy ${what}" hidden>Copy</button>`;
}

export function linkCode({ link }: View, code: string): Html {
  return html`<a class="code" href="${link('codes', code)}">${showCode(code)}</a>`;
}

/** A code that may break behind its underscores and nowhere else. */
export function showCode(code: string): Value {
  return code.split(/(?<=_)/).map((part) => [showText(part, LONGEST_CODE), html`<wbr>`]);
}

export function linkRequest({ link }: View, requestId: string): Html {
  return html`<a class="code" href="${link('requests', requestId)}">${requestId}</a>`;
}

/** The kind of a spike in words that need no glossary. */
export function sayKind(kind: string): string {
  switch (kind) {
    case 'surge':
      return 'More errors than normal';
    case 'new_code':
      return 'A code never seen before';
    case 'returning_code':
      return 'A code that had been gone is back';
    case 'silent_code':
      return 'A code that stopped coming';
    case 'all_codes':
      return 'Errors of all codes together';
    default:
      return kind;
  }
}
