/**
 * A suite through the detector, as `surgewatch backtest --counts` would run it: the same reader, the same settings, the same
 * replay. Only the feeding is timed, not reading nor grading. The baselines see the same counts.
 */
import {
  createCodeState,
  type DetectorSettings,
  type Preset,
  serialise,
  settingsFor,
  step,
} from '../../../src/detect/detector.ts';
import { createReplay } from '../../../src/detect/replay.ts';
import type { Truth } from '../../fixtures/worlds/truth.ts';
import { BASELINE_NAMES, BASELINES, type BaselineName } from './baselines.ts';
import { createSpanCollector, type SpansBySeries } from './spans.ts';
import type { CountSeries, Suite } from './suites.ts';

export interface Cost {
  readonly bucketCount: number;
  /** CPU time would leave out the garbage collector's own threads; this is the clock's. */
  readonly microsecondsPerBucket: number;
  readonly stateBytesMean: number;
  readonly stateBytesMax: number;
}

export interface SuiteRun {
  readonly label: string;
  readonly bucketSeconds: number;
  readonly truth: Truth;
  readonly detector: SpansBySeries;
  readonly baselines: Readonly<Record<BaselineName, SpansBySeries>> | null;
  readonly cost: Cost;
}

/** What `backtest` may be told, and whether the baselines run too. */
export interface RunOptions {
  readonly preset: Preset;
  readonly threshold?: number | undefined;
  readonly falsePagesPerWeek?: number | undefined;
  readonly withBaselines: boolean;
}

/** Every so manieth series is stepped once more for the size of its state, which a replay keeps to itself. */
const WEIGHED_EVERY = 4;
const SECONDS_PER_MINUTE = 60;
const BYTES_UNKNOWN = { sum: 0, count: 0, max: 0 };

export function runSuite(suite: Suite, { preset, threshold, falsePagesPerWeek, withBaselines }: RunOptions): SuiteRun {
  const settings = settingsFor({
    bucketSeconds: suite.bucketSeconds,
    preset,
    activeCodeCount: suite.seriesCount,
    ...(threshold === undefined ? {} : { threshold }),
    ...(falsePagesPerWeek === undefined ? {} : { falsePagesPerWeek }),
  });
  const replay = createReplay(settings);
  const detector = createSpanCollector();
  const rules = BASELINE_NAMES.map((name) => ({ rule: BASELINES[name], collector: createSpanCollector() }));
  const weighed = { ...BYTES_UNKNOWN };
  let bucketCount = 0;
  let spentMs = 0;
  let seriesCount = 0;
  for (const series of suite.series) {
    const startedMs = performance.now();
    for (let index = 0; index < series.counts.length; index += 1) {
      const startSeconds = series.startSeconds + index * suite.bucketSeconds;
      const { transition } = replay.feed(series.name, startSeconds, series.counts[index] ?? null);
      if (transition !== null) detector.note(series.name, transition.bucketStartSeconds, transition.event === 'open');
    }
    spentMs += performance.now() - startedMs;
    bucketCount += series.counts.length;
    if (seriesCount % WEIGHED_EVERY === 0) weigh(series, settings, weighed);
    seriesCount += 1;
    if (!withBaselines) continue;
    for (const { rule, collector } of rules) {
      const isOn = rule(series.counts, SECONDS_PER_MINUTE / suite.bucketSeconds);
      for (const [index, on] of isOn.entries()) {
        if (on !== (isOn[index - 1] ?? false)) collector.note(series.name, series.startSeconds + index * suite.bucketSeconds, on);
      }
    }
  }
  const [ratio, grafana] = rules;
  return {
    label: suite.label,
    bucketSeconds: suite.bucketSeconds,
    truth: suite.truth(),
    detector: detector.spans,
    baselines:
      withBaselines && ratio !== undefined && grafana !== undefined
        ? { ratio: ratio.collector.spans, grafana: grafana.collector.spans }
        : null,
    cost: {
      bucketCount,
      microsecondsPerBucket: (spentMs * 1000) / bucketCount,
      stateBytesMean: weighed.sum / weighed.count,
      stateBytesMax: weighed.max,
    },
  };
}

function weigh(series: CountSeries, settings: DetectorSettings, weighed: { sum: number; count: number; max: number }): void {
  const state = createCodeState(settings);
  for (const [index, count] of series.counts.entries()) {
    step(state, settings, series.startSeconds + index * settings.bucketSeconds, count);
  }
  const bytes = Buffer.byteLength(serialise(state));
  weighed.sum += bytes;
  weighed.count += 1;
  weighed.max = Math.max(weighed.max, bytes);
}
