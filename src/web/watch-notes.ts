/** What stands over every list of spikes while it may lack some: an empty list says something only when somebody looked. */
import type { WatchStanding } from '../http/ports.ts';
import { type Html, html } from './html.ts';
import { sayMomentAndAgo } from './say.ts';
import type { View } from './view.ts';

/** As the detector itself calls it: blind. */
const BEHIND_MS = 120_000;
/** While Prometheus answers, the traffic is noted at least each minute. */
const TRAFFIC_UNKNOWN_MS = 300_000;

export interface Watch extends WatchStanding {
  /** Whether TRAFFIC_PROMQL is configured. */
  readonly isTrafficAsked: boolean;
}

export function drawWatchNotes({ nowMs }: View, { evaluatedUntilMs, trafficKnownUntilMs, isTrafficAsked }: Watch): Html {
  const isBehind = evaluatedUntilMs === null || nowMs - evaluatedUntilMs > BEHIND_MS;
  const isTrafficUnknown = isTrafficAsked && (trafficKnownUntilMs === null || nowMs - trafficKnownUntilMs > TRAFFIC_UNKNOWN_MS);
  return html`${isBehind && html`<p class="note" role="status">${sayBehind(evaluatedUntilMs, nowMs)}</p>`}
${isTrafficUnknown && html`<p class="note" role="status">${sayTrafficUnknown(trafficKnownUntilMs, nowMs)}</p>`}`;
}

function sayBehind(evaluatedUntilMs: number | null, nowMs: number): Html {
  if (evaluatedUntilMs === null)
    return html`The detector has judged nothing yet: a spike may be going on that is not shown here.`;
  return html`The detector stands at ${sayMomentAndAgo(evaluatedUntilMs, nowMs)}. What came since is not judged yet: a spike may be going on that is not shown here.`;
}

function sayTrafficUnknown(trafficKnownUntilMs: number | null, nowMs: number): Html {
  if (trafficKnownUntilMs === null) {
    return html`Prometheus has not told the traffic yet: what is normal follows the time of day alone, and spikes state no rate.`;
  }
  return html`Prometheus last told the traffic of ${sayMomentAndAgo(trafficKnownUntilMs, nowMs)}. It counts less and less until it is told again; then what is normal follows the time of day alone, and spikes state no rate.`;
}
