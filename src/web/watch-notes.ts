/** What stands over every list of spikes while it may lack some: an empty list says something only when somebody looked. */
import type { PausedPartition, WatchStanding } from '../http/ports.ts';
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
  /** Kafka partitions that wait for an operator; the detector does not wait for them. */
  readonly paused: readonly PausedPartition[];
}

export function drawWatchNotes(view: View, { evaluatedUntilMs, trafficKnownUntilMs, isTrafficAsked, paused }: Watch): Html {
  const { nowMs } = view;
  const isBehind = evaluatedUntilMs === null || nowMs - evaluatedUntilMs > BEHIND_MS;
  const isTrafficUnknown = isTrafficAsked && (trafficKnownUntilMs === null || nowMs - trafficKnownUntilMs > TRAFFIC_UNKNOWN_MS);
  return html`${isBehind && html`<p class="note" role="status">${sayBehind(evaluatedUntilMs, nowMs)}</p>`}
${isTrafficUnknown && html`<p class="note" role="status">${sayTrafficUnknown(trafficKnownUntilMs, nowMs)}</p>`}
${paused.length > 0 && html`<p class="note" role="status">${sayPaused(view, paused)}</p>`}`;
}

function sayPaused({ link, nowMs }: View, paused: readonly PausedPartition[]): Html {
  const [first] = paused;
  const which =
    paused.length === 1 && first !== undefined
      ? html`The Kafka partition <span class="code">${first.topic} / ${first.partition}</span> is not read since ${sayMomentAndAgo(first.pausedAtMs, nowMs)}: its errors are`
      : html`${paused.length} Kafka partitions are not read: their errors are`;
  return html`${which} neither stored nor watched until somebody decides. <a href="${link('dead-letters')}">Why, and what to do</a>.`;
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
