/**
 * Keeps the traffic of event time up to date while this replica leads. Prometheus is asked in the background, one request
 * at a time; what has come is written at the next tick, before the buckets that it concerns are evaluated. Points are only
 * ever added behind what is evaluated, so that whoever computes the states anew finds the factors that were used. While
 * Prometheus is away nothing waits for it: the factor goes back to 1, and that is said.
 */
import { createTraffic, factorAt, readTraffic, recallTraffic, type Traffic, type TrafficPoint } from '../detect/traffic.ts';
import type { Metrics } from '../metrics.ts';
import type { AlertLog, TrafficStore, Written } from './ports.ts';
import { type PrometheusClient, PrometheusFault, type TrafficReading } from './prometheus-client.ts';
import { HISTORY_MS } from './starting-place.ts';
import { BUCKET_SECONDS } from './way.ts';

/**
 * A reading looks back over the last minute or so and tells most of its middle, 30 s ago; 20 s is what a bucket has when
 * it is evaluated, 25 s after its start, without waiting for more.
 */
const READING_LEAD_SECONDS = 20;
/** A reading that came so much too late for its bucket still tells the next one; an older one tells nothing. */
const LATE_SECONDS = 60;
/** A point is kept each minute, and at once when the traffic has moved by this part. */
const POINT_SECONDS = 60;
const MOVED_RATIO = 0.05;
/** More than an hour is asked for by the minute, a day a request. */
const FINE_SPAN_SECONDS = 3600;
const COARSE_STEP_SECONDS = 60;
const CHUNK_SECONDS = 24 * 3600;
/** Event time waits so long for the traffic of what is still to be evaluated, once, after this replica took over. */
const SETTLE_MS = 30_000;
/** After a failure the next request waits this long, twice as long after each further one, up to the most. */
const RETRY_MS = 4_000;
const MOST_RETRY_MS = 60_000;

export interface TrafficWatchDeps {
  readonly prometheus: PrometheusClient;
  readonly store: TrafficStore;
  readonly monotonicMs: () => number;
  readonly metrics: Pick<Metrics, 'trafficUp' | 'trafficFactor'>;
  readonly log: Pick<AlertLog, 'info' | 'warn'>;
}

export interface TrafficWatch {
  /** Before each evaluation. Writes what has come and asks for what is missing. @throws StoreUnavailable. */
  advance(place: TrafficPlace): Promise<Written>;
  /** Traffic of what is to be evaluated is on its way, for the first time since this replica took over. */
  isSettling(): boolean;
  /** Another replica leads. */
  reset(): void;
  stop(): Promise<void>;
}

export interface TrafficPlace {
  readonly epoch: number;
  readonly nowMs: number;
  /** null: nothing was evaluated yet. */
  readonly evaluatedUntilMs: number | null;
}

interface Line {
  readonly traffic: Traffic;
  newest: TrafficPoint | null;
  /** Up to there readings are history, from before there was any: they may lie before what is evaluated. */
  readonly historyUntilSeconds: number;
}

export function createTrafficWatch({ prometheus, store, monotonicMs, metrics, log }: TrafficWatchDeps): TrafficWatch {
  const stopping = new AbortController();
  let line: Line | null = null;
  let arrived: TrafficReading[] = [];
  let asking: Promise<void> | null = null;
  let askedUntilSeconds = Number.NEGATIVE_INFINITY;
  let nextAskMs = 0;
  let failureCount = 0;
  let settlesUntilMs: number | null = null;
  let isSettled = false;
  let wasUp = true;
  /** Counts loads: what was asked before the last one is nobody's. */
  let loadCount = 0;

  async function advance({ epoch, nowMs, evaluatedUntilMs }: TrafficPlace): Promise<Written> {
    const here = line ?? (await load(nowMs));
    const evaluatedUntilSeconds = evaluatedUntilMs === null ? Number.NEGATIVE_INFINITY : evaluatedUntilMs / 1000;
    // Out of hand until it is written: a fault must find the points as they are stored.
    line = null;
    const points = arrived.splice(0).flatMap((reading) => pointOf(here, reading, evaluatedUntilSeconds) ?? []);
    if (points.length > 0 && (await store.appendTraffic(epoch, points)) === 'stale') return 'stale';
    line = here;
    metrics.trafficFactor.set(factorAt(here.newest, nowMs / 1000));
    ask(here, nowMs / 1000, evaluatedUntilSeconds);
    isSettled ||= asking === null && arrived.length === 0;
    return 'written';
  }

  async function load(nowMs: number): Promise<Line> {
    const startSeconds = (nowMs - HISTORY_MS) / 1000;
    const points = await store.readTraffic({ startSeconds, endSeconds: nowMs / 1000 + LATE_SECONDS });
    const traffic = createTraffic();
    for (const point of points) recallTraffic(traffic, point);
    loadCount += 1;
    arrived = [];
    askedUntilSeconds = Number.NEGATIVE_INFINITY;
    settlesUntilMs ??= monotonicMs() + SETTLE_MS;
    const newest = points.at(-1) ?? null;
    return { traffic, newest, historyUntilSeconds: newest === null ? nowMs / 1000 : Number.NEGATIVE_INFINITY };
  }

  function ask({ newest }: Line, nowSeconds: number, evaluatedUntilSeconds: number): void {
    if (asking !== null || monotonicMs() < nextAskMs) return;
    const wanted =
      newest === null ? nowSeconds - HISTORY_MS / 1000 : Math.max(newest.atSeconds + BUCKET_SECONDS, evaluatedUntilSeconds);
    const fromSeconds = Math.max(ceilToBucket(wanted + READING_LEAD_SECONDS), askedUntilSeconds + BUCKET_SECONDS);
    const untilSeconds = Math.floor(nowSeconds / BUCKET_SECONDS) * BUCKET_SECONDS;
    if (fromSeconds > untilSeconds) return;
    asking = askAll(fromSeconds, untilSeconds).finally(() => {
      asking = null;
    });
  }

  async function askAll(fromSeconds: number, untilSeconds: number): Promise<void> {
    const askedFor = loadCount;
    const stepSeconds = untilSeconds - fromSeconds > FINE_SPAN_SECONDS ? COARSE_STEP_SECONDS : BUCKET_SECONDS;
    try {
      let last: readonly TrafficReading[] = [];
      for (let from = fromSeconds; from <= untilSeconds; from += CHUNK_SECONDS) {
        const until = Math.min(from + CHUNK_SECONDS - stepSeconds, untilSeconds);
        last = await prometheus.readTraffic({ fromSeconds: from, untilSeconds: until, stepSeconds, signal: stopping.signal });
        if (askedFor !== loadCount) return;
        arrived.push(...last);
        askedUntilSeconds = until;
      }
      if (last.length === 0) throw new PrometheusFault('answered no series: nothing matches the expression');
      failureCount = 0;
      noteUp();
    } catch (error) {
      if (stopping.signal.aborted) return;
      nextAskMs = monotonicMs() + Math.min(RETRY_MS * 2 ** failureCount, MOST_RETRY_MS);
      failureCount += 1;
      noteDown(error);
    }
  }

  function noteUp(): void {
    if (!wasUp) log.info({}, 'the traffic is known again');
    wasUp = true;
    metrics.trafficUp.set(1);
  }
  function noteDown(error: unknown): void {
    const reason = error instanceof PrometheusFault ? error.message : 'failed in a way that was not foreseen';
    if (wasUp) log.warn({ reason }, 'the traffic is not known; detection goes on without it');
    wasUp = false;
    metrics.trafficUp.set(0);
  }

  return {
    advance,
    isSettling: () => !isSettled && (settlesUntilMs === null || monotonicMs() < settlesUntilMs),
    reset() {
      line = null;
      settlesUntilMs = null;
      isSettled = false;
      metrics.trafficUp.remove();
      metrics.trafficFactor.remove();
    },
    async stop() {
      stopping.abort();
      await asking;
    },
  };
}

/** What is kept of a reading, learnt; null: nothing. */
function pointOf(
  line: Line,
  { atSeconds, requestsPerSecond }: TrafficReading,
  evaluatedUntilSeconds: number,
): TrafficPoint | null {
  const { newest, traffic } = line;
  const ownSeconds = Math.floor((atSeconds - READING_LEAD_SECONDS) / BUCKET_SECONDS) * BUCKET_SECONDS;
  const isHistory = atSeconds <= line.historyUntilSeconds;
  if (!isHistory && ownSeconds < evaluatedUntilSeconds - LATE_SECONDS) return null;
  const pointSeconds = isHistory ? ownSeconds : Math.max(ownSeconds, evaluatedUntilSeconds);
  if (newest !== null) {
    if (pointSeconds <= newest.atSeconds) return null;
    const hasMoved = Math.abs(requestsPerSecond - newest.requestsPerSecond) > MOVED_RATIO * newest.requestsPerSecond;
    if (!hasMoved && pointSeconds - newest.atSeconds < POINT_SECONDS) return null;
  }
  line.newest = readTraffic(traffic, pointSeconds, requestsPerSecond);
  return line.newest;
}

function ceilToBucket(seconds: number): number {
  return Math.ceil(seconds / BUCKET_SECONDS) * BUCKET_SECONDS;
}
