/** How long a surge goes on before Alertmanager knows of it, as figures for the table. */

import type { KafkaBroker } from '../support/kafka.ts';
import { alertmanagerMissing } from '../support/requirements.ts';
import { type Figure, percentileOf } from './figures.ts';
import { runLatencyRound, SURGE_RATES, type SurgeFound } from './latency-round.ts';
import type { BenchOptions } from './options.ts';

/** Aims of the alert latency, for codes with ten errors a minute. */
const AIMED_RATE = 10;
const AIM_P50_SECONDS = 60;
const AIM_P95_SECONDS = 120;

export interface LatencyFound {
  readonly figures: readonly Figure[];
  readonly notes: readonly string[];
}

export async function measureLatency(
  { sizes, seed }: BenchOptions,
  broker: KafkaBroker | null,
  say: (text: string) => void,
): Promise<LatencyFound> {
  if (broker === null) return { figures: [], notes: [] };
  if (alertmanagerMissing !== null) return { figures: [], notes: [`Alert latency is not measured: ${alertmanagerMissing}.`] };
  const { surges, falseAlerts } = await runLatencyRound({ broker, sizes, seed, say });
  const figures = SURGE_RATES.flatMap((rate) =>
    figuresOf(
      rate,
      surges.filter(({ errorsAMinute }) => errorsAMinute === rate),
    ),
  );
  const falseCount: Figure = {
    what: 'alerts that no surge explains',
    unit: 'alerts',
    values: [falseAlerts.length],
    aim: { of: 'figure', is: 'at_most', bound: 0 },
  };
  const named = falseAlerts.length === 0 ? [] : [`No surge explains: ${falseAlerts.join(', ')}.`];
  return { figures: [...figures, falseCount], notes: [`Alert latency of seed ${seed}.`, ...named] };
}

function figuresOf(rate: number, surges: readonly SurgeFound[]): readonly Figure[] {
  const latencies = surges.map(({ latencySeconds }) => latencySeconds ?? Number.POSITIVE_INFINITY);
  const parts = surges.flatMap((surge) => (surge.parts === null ? [] : [surge.parts]));
  const aimed = (bound: number): Pick<Figure, 'aim'> => {
    return rate === AIMED_RATE ? { aim: { of: 'figure', is: 'at_most', bound } } : {};
  };
  const part = (what: string, values: readonly number[]): Figure => ({ what, unit: 's', values: [percentileOf(values, 0.5)] });
  return [
    {
      what: `first surplus error to alert, x10 on ${rate} a minute, p50`,
      unit: 's',
      values: [percentileOf(latencies, 0.5)],
      ...aimed(AIM_P50_SECONDS),
    },
    { what: '  p95', unit: 's', values: [percentileOf(latencies, 0.95)], ...aimed(AIM_P95_SECONDS) },
    {
      what: '  found',
      unit: `of ${surges.length}`,
      values: [parts.length],
      aim: { of: 'figure', is: 'at_least', bound: surges.length },
    },
    part(
      '  until its bucket was over, p50',
      parts.map(({ evidence }) => evidence),
    ),
    part(
      '  until it was judged, p50',
      parts.map(({ judgement }) => judgement),
    ),
    part(
      '  until Alertmanager took it, p50',
      parts.map(({ push }) => push),
    ),
  ];
}
