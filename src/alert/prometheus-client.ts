/**
 * One expression over a span, asked of one Prometheus. Everything that may go wrong there (away, slow, another answer than
 * one series) is one fault with a reason that can be shown: it never holds a query's text, an address or credentials.
 */
export interface TrafficReading {
  /** Moment that the expression was evaluated at. */
  readonly atSeconds: number;
  readonly requestsPerSecond: number;
}

export interface TrafficQuery {
  readonly fromSeconds: number;
  /** Included. */
  readonly untilSeconds: number;
  readonly stepSeconds: number;
  readonly signal: AbortSignal;
}

export interface PrometheusClient {
  /** Ascending; empty where the expression has no value. @throws PrometheusFault. */
  readTraffic(query: TrafficQuery): Promise<readonly TrafficReading[]>;
}

export class PrometheusFault extends Error {
  constructor(reason: string, cause?: unknown) {
    super(reason, { cause });
    this.name = 'PrometheusFault';
  }
}

export interface PrometheusConfig {
  /** Base URL, a path prefix is allowed; user and password in it become its Authorization header. */
  readonly url: string;
  readonly promql: string;
}

/** A span of an hour and more may take Prometheus a while; one of a minute may not. */
const LONG_SPAN_SECONDS = 3600;
const TIMEOUT_MS = 2_000;
const LONG_TIMEOUT_MS = 10_000;
/** A day of one series by the minute is some 40 kB. */
const MOST_ANSWER_BYTES = 1_000_000;

export function createPrometheusClient({ url, promql }: PrometheusConfig): PrometheusClient {
  const { endpoint, headers } = addressOf(url);
  return {
    async readTraffic({ fromSeconds, untilSeconds, stepSeconds, signal }) {
      const timeoutMs = untilSeconds - fromSeconds >= LONG_SPAN_SECONDS ? LONG_TIMEOUT_MS : TIMEOUT_MS;
      const body = new URLSearchParams({
        query: promql,
        start: String(fromSeconds),
        end: String(untilSeconds),
        step: String(stepSeconds),
        timeout: `${timeoutMs}ms`,
      });
      const text = await textOf(endpoint, {
        method: 'POST',
        headers,
        body,
        redirect: 'error', // it could carry the Authorization header anywhere
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      });
      return readingsOf(text);
    },
  };
}

function addressOf(base: string) {
  const url = new URL(base);
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  const headers: Record<string, string> =
    url.username === '' ? {} : { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
  return { endpoint: `${url.origin}${url.pathname.replace(/\/+$/, '')}/api/v1/query_range`, headers };
}

async function textOf(endpoint: string, request: RequestInit): Promise<string> {
  try {
    const response = await fetch(endpoint, request);
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      size += chunk.byteLength;
      if (size > MOST_ANSWER_BYTES) throw new PrometheusFault('answered more than one series could be');
      chunks.push(chunk);
    }
    if (!response.ok) throw new PrometheusFault(`answered ${response.status}`);
    return Buffer.concat(chunks).toString('utf8');
  } catch (error) {
    if (error instanceof PrometheusFault) throw error;
    const isLate = error instanceof Error && error.name === 'TimeoutError';
    throw new PrometheusFault(isLate ? 'did not answer in time' : 'cannot be reached', error);
  }
}

/** @throws PrometheusFault when it is no matrix of at most one series. */
function readingsOf(text: string): readonly TrafficReading[] {
  const result = field(field(parse(text), 'data'), 'result');
  if (!Array.isArray(result)) throw new PrometheusFault('answered something else than a range of values');
  if (result.length > 1) throw new PrometheusFault('answered several series: the expression must sum them into one');
  const values = field(result[0], 'values') ?? [];
  if (!Array.isArray(values)) throw new PrometheusFault('answered something else than a range of values');
  // NaN and infinity are what a division by nothing gives: no reading.
  return values.map(readingOf).filter(({ requestsPerSecond: rate }) => Number.isFinite(rate) && rate >= 0);
}

function readingOf(pair: unknown): TrafficReading {
  const [at, value]: readonly unknown[] = Array.isArray(pair) ? pair : [];
  return { atSeconds: Number(at), requestsPerSecond: typeof value === 'string' ? Number(value) : Number.NaN };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new PrometheusFault('answered no JSON', cause);
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Object.getOwnPropertyDescriptor(value, name)?.value : undefined;
}
