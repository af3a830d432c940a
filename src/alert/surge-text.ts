/** PURE. What the alert of one code's surge says: that it came, how much, since when, whose it is, and that it got worse. */
import { evidenceSentences } from './evidence-words.ts';
import type { AlertText } from './kind-text.ts';
import type { SpikeRecord } from './spike.ts';
import { momentText, surgeText, timesText } from './wording.ts';

export function surgeAlertText(spike: SpikeRecord, nowMs: number): AlertText {
  const worse = spike.labels['severity'] === 'critical' ? spike.escalation : null;
  const { observed, expected, windowSeconds } = worse ?? spike;
  const amount = surgeText(observed, expected, windowSeconds);
  const since = momentText(spike.startsAtMs, nowMs);
  const over = spike.closedAtMs === null ? '' : ` It is back to normal since ${momentText(spike.closedAtMs, nowMs)}.`;
  const status = spike.status === 'unknown' ? 'status unknown' : spike.status;
  const { pair } = spike;
  const subject =
    pair === null
      ? `${spike.code} (${status}, ${spike.labels['fault'] ?? 'server'} fault)`
      : `${spike.code} on ${pair.field} (${pair.code})`;
  return {
    summary: [
      `${subject}${worse === null ? '' : ' got worse'}: ${amount}, since ${since}`,
      ...(pair === null ? [] : [': a client release or a tightened schema']),
    ].join(''),
    description: [
      `${amount}, since about ${since}.${over}`,
      ...(worse === null ? [] : [openedText(spike, nowMs)]),
      ...evidenceSentences(spike.evidence, spike.windowSeconds),
      blameText(spike),
    ].join(' '),
  };
}

function openedText({ observed, expected, openedAtMs }: SpikeRecord, nowMs: number): string {
  const factor = timesText(observed / expected);
  return `It opened as a warning at ${momentText(openedAtMs, nowMs)}, with ${factor} the expected.`;
}

function blameText({ pair, labels }: SpikeRecord): string {
  if (pair !== null) {
    return `Errors on ${pair.field} alone: so it looks when a client release sends it otherwise, or when our schema became stricter.`;
  }
  return labels['fault'] === 'client'
    ? 'By its status each caller is at fault; so many at once may mean a change on our side or a partner’s.'
    : 'The API itself is at fault.';
}
